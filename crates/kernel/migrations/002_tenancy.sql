-- Who belongs to which organization, what their roles there say, and who changed what.

alter table organization add column settings text not null default '{}';

-- On whose behalf a token acts, until when, and how often in a second.
alter table token add column account_id bigint;
alter table token add column expires_at text;
alter table token add column last_used_at text;
alter table token add column calls_per_second integer;

create table member (
    organization_id bigint not null references organization (id) on delete cascade,
    account_id      bigint not null,
    roles           text   not null,
    joined_at       text   not null,
    primary key (organization_id, account_id)
);

create index member_by_account on member (account_id);

-- Roles of an organization's own, each with its statements as JSON.
create table role (
    organization_id bigint not null references organization (id) on delete cascade,
    name            text   not null,
    description     text   not null,
    statements      text   not null,
    changed_at      text   not null,
    primary key (organization_id, name)
);

-- Written in the transaction of the change that it reports, and never again.
create table audit (
    id              integer primary key autoincrement,
    at              text not null,
    actor_kind      text not null,
    actor           text not null,
    account_id      bigint,
    impersonator    text,
    organization_id bigint,
    action          text not null,
    subject         text not null,
    address         text,
    request         text not null,
    before          text,
    after           text
);

create index audit_by_organization on audit (organization_id, id);
