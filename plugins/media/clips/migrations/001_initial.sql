-- Clips, the text they are found by, and the media that no clip is sure to name.

-- Times are text of one width in UTC, `2026-01-31T12:00:00.000000Z`: they sort as they are and are answered as they are.
-- `tags` and `metadata` are JSON, answered as they are.
create table clip (
    id                integer primary key autoincrement,
    organization_id   integer not null,
    title             text    not null,
    file_path         text    not null,
    description       text,
    game_name         text,
    game_id           text,
    tags              text,
    metadata          text,
    file_size         integer,
    duration          integer,
    resolution        text,
    fps               real,
    codec             text,
    recorded_at       text,
    processed         integer not null,
    processing_status text,
    created_at        text    not null,
    updated_at        text    not null,
    media_key         text,
    media_type        text,
    media_size        integer,
    media_etag        text,
    media_at          text
);

-- Read backwards, each gives the newest first, by id among those of one moment: an index ends with the row's id.
create index clip_by_time on clip (organization_id, created_at);
create index clip_by_game on clip (organization_id, game_name, created_at);
create index clip_by_processed on clip (organization_id, processed, created_at);

-- The index keeps no text of its own: it reads the clip's.
create virtual table clip_text using fts5 (
    title, description, tags, game_name,
    content = 'clip', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);

create trigger clip_text_insert after insert on clip begin
    insert into clip_text (rowid, title, description, tags, game_name)
    values (new.id, new.title, new.description, new.tags, new.game_name);
end;

create trigger clip_text_update after update of title, description, tags, game_name on clip
when old.title is not new.title or old.description is not new.description
    or old.tags is not new.tags or old.game_name is not new.game_name
begin
    insert into clip_text (clip_text, rowid, title, description, tags, game_name)
    values ('delete', old.id, old.title, old.description, old.tags, old.game_name);
    insert into clip_text (rowid, title, description, tags, game_name)
    values (new.id, new.title, new.description, new.tags, new.game_name);
end;

create trigger clip_text_delete after delete on clip begin
    insert into clip_text (clip_text, rowid, title, description, tags, game_name)
    values ('delete', old.id, old.title, old.description, old.tags, old.game_name);
end;

-- A key stands here from before its media is stored until a clip names it, and again from when the clip no longer does
-- until the media is gone. What a crash leaves here is removed later.
create table stray_media (
    media_key       text    primary key,
    organization_id integer not null,
    since           text    not null
) without rowid;

create index stray_media_by_time on stray_media (organization_id, since);
