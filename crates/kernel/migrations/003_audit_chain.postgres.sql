-- The audit log as a chain: each line carries the hash of the one before it, and none is changed.

alter table audit add column plugin text;
alter table audit add column hash text not null default '';

-- One row: the last line there is, and the last of those that were removed when their time was over.
create table audit_chain (
    one          integer primary key check (one = 1),
    last_id      bigint  not null,
    last_hash    text    not null,
    removed_id   bigint  not null,
    removed_hash text    not null
);

-- Lines from before there was a chain are not part of it.
insert into audit_chain (one, last_id, last_hash, removed_id, removed_hash)
select 1, coalesce(max(id), 0), '', coalesce(max(id), 0), '' from audit;
