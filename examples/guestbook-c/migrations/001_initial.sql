create table entry (
    id              integer primary key autoincrement,
    organization_id integer not null,
    name            text    not null,
    message         text    not null,
    signed_at       text    not null
);

create index entry_by_organization on entry (organization_id, id);
