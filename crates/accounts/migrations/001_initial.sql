-- Who people are. Moments are RFC 3339 in UTC with six digits of a second, so that their order as text is that in time.

create table account (
    id                integer primary key autoincrement,
    email             text not null unique,
    name              text not null,
    password_hash     text,
    email_verified_at text,
    is_administrator  boolean not null,
    disabled_at       text,
    created_at        text not null
);

-- A session's secret is in a cookie and nowhere else: the hash finds it.
create table session (
    id                  integer primary key autoincrement,
    hash                text not null unique,
    account_id          integer not null references account (id) on delete cascade,
    acting_as           integer references account (id) on delete cascade,
    needs_second_factor boolean not null,
    created_at          text not null,
    last_seen_at        text not null,
    expires_at          text not null,
    address             text,
    user_agent          text
);

create index session_by_account on session (account_id);
create index session_by_acting_as on session (acting_as);

-- Single-use codes that are sent by mail, each with the address that it proves.
create table code (
    hash       text primary key,
    account_id integer not null references account (id) on delete cascade,
    purpose    text not null,
    email      text not null,
    expires_at text not null
);

create index code_by_account on code (account_id, purpose);

-- The secret is sealed. Not confirmed: it asks for nothing yet.
create table second_factor (
    account_id   integer primary key references account (id) on delete cascade,
    secret       text not null,
    confirmed_at text,
    last_step    integer not null
);

create table recovery_code (
    account_id integer not null references account (id) on delete cascade,
    hash       text not null,
    primary key (account_id, hash)
);

create table external_identity (
    provider   text not null,
    subject    text not null,
    account_id integer not null references account (id) on delete cascade,
    email      text,
    linked_at  text not null,
    primary key (provider, subject)
);

create index external_identity_by_account on external_identity (account_id);

-- How often something was tried in vain, and until when it may not be tried again.
create table throttle (
    key           text primary key,
    tries         integer not null,
    last_at       text not null,
    blocked_until text
);
