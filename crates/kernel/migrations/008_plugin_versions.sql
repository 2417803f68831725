-- Which organizations are served by another version of a plugin than the one that is everyone's.
create table plugin_version (
    plugin_id       text   not null,
    organization_id bigint not null references organization (id) on delete cascade,
    version         text   not null,
    set_at          text   not null,
    primary key (plugin_id, organization_id)
);
