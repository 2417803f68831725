-- Who may have private plugins, and how far plugins are rolled out.

-- The organizations that may see a private plugin and switch it on: by whose leave, and since when.
create table plugin_access (
    plugin_id       text   not null,
    organization_id bigint not null references organization (id) on delete cascade,
    granted_by      text   not null,
    granted_at      text   not null,
    primary key (plugin_id, organization_id)
);

-- Which organizations begin with a plugin: a share of all in percent, or those of a list (slugs as a JSON array).
create table rollout (
    plugin_id     text primary key,
    percent       integer,
    organizations text,
    set_by        text not null,
    set_at        text not null
);
