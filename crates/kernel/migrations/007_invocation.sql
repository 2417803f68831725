-- What became of calls of plugins. A record outlives what it is about: it refers to nothing.

create table invocation (
    id              integer primary key autoincrement,
    at              text not null,
    plugin_id       text not null,
    plugin_version  text not null,
    organization_id integer,
    actor           text not null,
    kind            text not null,
    what            text not null,
    trace           text not null,
    outcome         text not null,
    message         text,
    took_us         integer not null,
    memory          integer,
    bytes_in        integer,
    bytes_out       integer,
    asked           text not null
);

create index invocation_by_plugin on invocation (plugin_id, id);
create index invocation_by_time on invocation (at);

-- Calls that failed, with all that the plugin was given, as JSON.
create table capture (
    id              integer primary key autoincrement,
    at              text not null,
    plugin_id       text not null,
    plugin_version  text not null,
    organization_id integer,
    what            text not null,
    message         text not null,
    text            text not null
);
