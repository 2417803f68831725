-- Plugins that hear no events for now: for one organization, or for the whole installation where none is named.
create table listener_pause (
    plugin_id       text   not null,
    organization_id bigint references organization (id) on delete cascade,
    paused_by       text   not null,
    paused_at       text   not null
);

create unique index listener_pause_of on listener_pause (plugin_id, coalesce(organization_id, 0));
