-- How organizations come and go, and who is asked in.

-- Since when an organization is gone: it can be brought back for a while, and is nowhere to be seen meanwhile.
alter table organization add column removed_at text;
-- Since when nothing of it is left but its number, which no other ever has.
alter table organization add column purged_at text;

-- A code's text is shown once and never kept: the hash finds it.
create table invitation (
    id              integer primary key autoincrement,
    organization_id bigint not null references organization (id) on delete cascade,
    hash            text   not null unique,
    roles           text   not null,
    email           text,
    created_by      text   not null,
    created_at      text   not null,
    expires_at      text   not null,
    use_limit       bigint,
    uses            bigint not null,
    revoked_at      text
);

create index invitation_by_organization on invitation (organization_id, id);

-- Organizations that somebody would like to have, and what became of it.
create table organization_request (
    id              integer primary key autoincrement,
    account_id      bigint not null,
    slug            text   not null,
    name            text   not null,
    reason          text   not null,
    requested_at    text   not null,
    state           text   not null,
    decided_at      text,
    decided_by      text,
    answer          text
);

create index organization_request_by_state on organization_request (state, id);
create index organization_request_by_account on organization_request (account_id, id);
