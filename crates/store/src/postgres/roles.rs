//! Who may what: the roles of a room, and the policy that keeps tenants apart.
//!
//! A room is a schema and three roles. `…` signs in: it is the host's face of this one room, and the database lets it nowhere
//! else. `…_maker` owns the tables that migrations make; `…_guest` may read and write their rows. Both are put on by `set local
//! role` within a transaction. Tables whose names begin with `_switchboard_` belong to the first, and are nothing to the others.
//! Should a guest ever talk its way out of its role, it is still confined to its own room.
//!
//! Whose rows a guest sees is said by the setting `switchboard.tenant`, and every table with a column `organization_id` has a
//! policy on it that holds for everybody, owners and views among them. Anybody could set a setting; so what is set is signed,
//! by a key that only the function that checks it can read, for the one process of PostgreSQL that serves the connection. What a
//! statement might set by itself is no tenant at all, and sees nothing.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::Tenant;
use crate::name::RESERVED;

/// The schema of what the store keeps for all rooms.
pub(crate) const HOUSE: &str = "switchboard";

/// How a schema's comment begins that is a room's; its name follows.
pub(crate) const ROOM_COMMENT: &str = "Switchboard room: ";

/// Makes what the store keeps for all rooms: the key, and the function that checks what is signed with it.
pub(crate) fn make_house(key: &str) -> String {
    format!(
        "create schema if not exists {HOUSE};
        revoke all on schema {HOUSE} from public;
        create table if not exists {HOUSE}.secret (single boolean primary key default true check (single), key text not null);
        revoke all on {HOUSE}.secret from public;
        insert into {HOUSE}.secret (key) values ('{key}') on conflict do nothing;
        create or replace function {HOUSE}.tenant() returns text
            language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $function$
        declare
            said text := current_setting('switchboard.tenant', true);
            tenant text := split_part(said, ':', 1);
            secret text;
        begin
            select key into secret from {HOUSE}.secret;
            if encode(sha256(convert_to(secret || ':' || pg_backend_pid() || ':' || tenant || ':' || secret, 'UTF8')), 'hex')
                = split_part(said, ':', 2)
            then
                return tenant;
            end if;
            return null;
        end
        $function$;"
    )
}

/// The names of a room's schema and roles.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) schema: String,
    /// Signs in, with the host's face.
    pub(crate) host: Arc<str>,
    pub(crate) guest: String,
    pub(crate) maker: String,
    /// The number by which the room's writers wait for each other.
    pub(crate) lock: i64,
}

impl Names {
    /// Roles belong to all databases of a server, so that theirs hold the number of this one.
    pub(crate) fn of(room: &str, database: u32) -> Self {
        let short = if room.len() <= 36 {
            room.to_owned()
        } else {
            format!("{}_{}", room.get(..19).unwrap_or(room), hex(&Sha256::digest(room), 8))
        };
        let host = format!("swb_{database}_{short}");
        Self {
            schema: format!("{HOUSE}_{short}"),
            guest: format!("{host}_guest"),
            maker: format!("{host}_maker"),
            lock: number(&["room", room]),
            host: host.into(),
        }
    }

    /// The same roles, with the schema of a copy.
    pub(crate) fn at(&self, copy: &str) -> Self {
        let Self { host, guest, maker, .. } = self;
        let (schema, lock) = (copy.to_owned(), number(&["copy", copy]));
        Self { schema, host: Arc::clone(host), guest: guest.clone(), maker: maker.clone(), lock }
    }

    /// Makes the schema and its roles, where they are not there.
    pub(crate) fn make(&self, room: &str, password: &str, database: &str) -> String {
        let Self { schema, host, guest, maker, .. } = self;
        let database = quoted(database);
        let role = |name: &str, how: &str| {
            format!(
                "if not exists (select 1 from pg_catalog.pg_roles where rolname = '{name}') then create role {name}; end if;
                alter role {name} {how};"
            )
        };
        format!(
            "do $make$ begin
                {}
                {}
                {}
                grant {guest}, {maker} to {host};
                execute format('grant {host} to %I', current_user);
                create schema if not exists {schema};
                comment on schema {schema} is '{ROOM_COMMENT}{room}';
                revoke all on schema {schema} from public;
                grant usage, create on schema {schema} to {host}, {maker};
                grant usage on schema {schema} to {guest};
                grant usage on schema {HOUSE} to {host};
                grant connect on database {database} to {host};
                revoke temporary on database {database} from public;
            end $make$",
            role(host, &format!("login password '{password}'")),
            role(guest, "nologin"),
            role(maker, "nologin"),
        )
    }

    /// Whether tables are in the schema that belong to others than the room's roles.
    pub(crate) fn holds_foreign(&self) -> String {
        let Self { schema, host, maker, .. } = self;
        format!(
            "select count(*)::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = '{schema}' and c.relkind = 'r' and pg_get_userbyid(c.relowner) not in ('{host}', '{maker}')"
        )
    }

    /// Gives the room's roles what is in its schema and belongs to others: the tables of a database that was brought back from a
    /// copy, under another number.
    pub(crate) fn adopt(&self) -> String {
        let Self { schema, host, maker, .. } = self;
        let length = RESERVED.len();
        format!(
            "do $adopt$
            declare
                it record;
            begin
                for it in select c.relname from pg_catalog.pg_class c
                    where c.relnamespace = '{schema}'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
                        and pg_catalog.pg_get_userbyid(c.relowner) not in ('{host}', '{maker}')
                        -- Those of a column go with its table.
                        and not exists (select 1 from pg_catalog.pg_depend
                            where classid = 'pg_class'::regclass and objid = c.oid and deptype in ('a', 'i'))
                loop
                    execute format('alter table {schema}.%I owner to %I', it.relname,
                        case when left(it.relname, {length}) = '{RESERVED}' then '{host}' else '{maker}' end);
                end loop;
                for it in select p.oid::regprocedure as name from pg_catalog.pg_proc p
                    where p.pronamespace = '{schema}'::regnamespace and pg_catalog.pg_get_userbyid(p.proowner) <> '{host}'
                loop
                    execute format('alter function %s owner to %I', it.name, '{host}');
                end loop;
            end $adopt$; {}",
            self.settle()
        )
    }

    /// Gives guests what is theirs of the tables that there are now, and puts the policy on those that have tenants.
    pub(crate) fn settle(&self) -> String {
        let Self { schema, guest, maker, .. } = self;
        let length = RESERVED.len();
        format!(
            "do $settle$
            declare
                it record;
                other record;
            begin
                for it in select c.oid, c.relname, c.relkind from pg_catalog.pg_class c
                    where c.relnamespace = '{schema}'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
                loop
                    if left(it.relname, {length}) = '{RESERVED}' then
                        execute format('revoke all on {schema}.%I from {guest}, {maker}, public', it.relname);
                        continue;
                    end if;
                    if it.relkind = 'S' then
                        execute format('grant usage on sequence {schema}.%I to {guest}', it.relname);
                        continue;
                    end if;
                    execute format('grant select, insert, update, delete on {schema}.%I to {guest}', it.relname);
                    if it.relkind = 'v' or not exists (select 1 from pg_catalog.pg_attribute
                        where attrelid = it.oid and attname = 'organization_id' and attnum > 0 and not attisdropped)
                    then
                        continue;
                    end if;
                    for other in select polname from pg_catalog.pg_policy where polrelid = it.oid loop
                        execute format('drop policy %I on {schema}.%I', other.polname, it.relname);
                    end loop;
                    execute format('alter table {schema}.%I enable row level security, force row level security', it.relname);
                    execute format('create policy switchboard_tenant on {schema}.%I using (
                        (select {HOUSE}.tenant()) = ''all'' or organization_id::text = (select {HOUSE}.tenant()))', it.relname);
                end loop;
            end $settle$"
        )
    }
}

/// Says whose rows are seen from here on; `is_local` says that it is so until the transaction ends.
pub(crate) fn say_tenant(tenant: Tenant, key: &str, pid: i32, is_local: bool) -> String {
    let tenant = match tenant {
        Tenant::All => "all".to_owned(),
        Tenant::Only(number) => number.to_string(),
    };
    let signed = hex(&Sha256::digest(format!("{key}:{pid}:{tenant}:{key}")), 32);
    format!("select pg_catalog.set_config('switchboard.tenant', '{tenant}:{signed}', {is_local});")
}

/// The password of a room's role, which every server makes alike from its own.
pub(crate) fn password_of(role: &str, house: &[u8], key: &str) -> String {
    let mut digest = Sha256::new();
    for part in [house, b":", role.as_bytes(), b":", key.as_bytes()] {
        digest.update(part);
    }
    hex(&digest.finalize(), 32)
}

/// A number that stands for these names.
pub(crate) fn number(names: &[&str]) -> i64 {
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(8).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte))
}

/// The first so many bytes.
pub(crate) fn hex(bytes: &[u8], most: usize) -> String {
    bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect()
}

/// A name as a statement holds it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
