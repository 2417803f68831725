-- What the kernel knows: organizations, who may call, which plugins there are and how they are set.

create table organization (
    id         integer primary key,
    slug       text not null unique,
    name       text not null,
    created_at text not null
);

-- A token's text is shown once and never kept: the hash finds it. Without an organization it serves them all.
create table token (
    id              integer primary key,
    name            text not null unique,
    hash            text not null unique,
    organization_id integer references organization (id) on delete cascade,
    actions         text not null,
    created_at      text not null,
    revoked_at      text
);

-- Every plugin that was ever loaded, with the version its data is of.
create table plugin (
    id           text primary key,
    version      text not null,
    switched_off integer not null default 0,
    installed_at text not null,
    updated_at   text not null
);

create table enablement (
    plugin_id       text not null references plugin (id) on delete cascade,
    organization_id integer not null references organization (id) on delete cascade,
    enabled         integer not null,
    changed_at      text not null,
    primary key (plugin_id, organization_id)
);

-- Configuration set for the installation (organization_id 0) or for one organization.
create table setting (
    plugin_id       text not null,
    organization_id integer not null,
    config          text not null,
    changed_at      text not null,
    primary key (plugin_id, organization_id)
);

-- Plugins registered through the administration API of existing clients.
create table registration (
    id              integer primary key autoincrement,
    name            text not null unique,
    display_name    text not null,
    description     text,
    version         text not null,
    author          text,
    plugin_type     text not null,
    entry_point     text not null,
    enabled         integer not null,
    plugin_metadata text,
    install_path    text,
    status          text,
    created_at      text not null,
    updated_at      text not null
);

create table registration_config (
    id              integer primary key autoincrement,
    registration_id integer not null references registration (id) on delete cascade,
    key             text not null,
    value           text not null,
    created_at      text not null,
    updated_at      text not null,
    unique (registration_id, key)
);
