//! What PostgreSQL itself refuses to do to the audit log. On SQLite the migration says it; on PostgreSQL migrations make
//! tables, and no functions.

use switchboard_store::{Engine, Room};

use crate::error::Error;

/// Held while the guard is set, so that servers that start at a time do it one after the other.
const LOCK: &str = "select pg_advisory_xact_lock(7262001003)";

const GUARD: [&str; 7] = [
    "create or replace function audit_is_kept() returns trigger language plpgsql as $$
    begin
        if tg_op = 'DELETE' and old.id <= (select removed_id from audit_chain) then
            return old;
        end if;
        raise exception 'a line of the audit log is never changed, and removed only when its time is over';
    end
    $$",
    "create or replace function audit_chain_only_grows() returns trigger language plpgsql as $$
    begin
        if tg_op = 'UPDATE' and new.last_id >= old.last_id and new.removed_id >= old.removed_id
            and new.removed_id <= new.last_id then
            return new;
        end if;
        raise exception 'the audit log only grows';
    end
    $$",
    "create or replace function audit_is_never_emptied() returns trigger language plpgsql as $$
    begin
        raise exception 'the audit log is never emptied';
    end
    $$",
    "create or replace trigger audit_is_kept before update or delete on audit
        for each row execute function audit_is_kept()",
    "create or replace trigger audit_chain_only_grows before update or delete on audit_chain
        for each row execute function audit_chain_only_grows()",
    "create or replace trigger audit_is_never_emptied before truncate on audit
        for each statement execute function audit_is_never_emptied()",
    "create or replace trigger audit_chain_is_never_emptied before truncate on audit_chain
        for each statement execute function audit_is_never_emptied()",
];

/// Sets the guard, unless it is set.
///
/// # Errors
/// [`Error::Store`] when the database does not let it be set.
pub(crate) async fn set(room: &Room) -> Result<(), Error> {
    if room.engine() != Engine::Postgres {
        return Ok(());
    }
    let mut setting = room.begin().await?;
    setting.query(LOCK, vec![]).await?;
    // Setting it anew would wait for everybody who writes.
    let there = "select tgname from pg_catalog.pg_trigger where tgrelid in ('audit'::regclass, 'audit_chain'::regclass) \
                 and not tgisinternal and tgenabled = 'O'";
    if setting.query(there, vec![]).await?.len() < 4 {
        for sql in GUARD {
            setting.execute(sql, vec![]).await?;
        }
    }
    Ok(setting.commit().await?)
}

#[cfg(test)]
mod tests {
    use switchboard_store::{Store, parse_migration_files};

    use super::set;

    const AUDIT: &str = "create table audit (id bigint primary key, at text not null)";
    const CHAIN: &str = include_str!("../migrations/003_audit_chain.postgres.sql");

    /// A database of its own; none, with a word about it, where there is no server.
    async fn database(test: &str) -> Option<(tokio_postgres::Client, String, String)> {
        let url = std::env::var("SWITCHBOARD_TEST_POSTGRES")
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let (client, connection) = match tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
            Ok(connected) => connected,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not reachable at {url}: {error}");
                println!("SKIPPED: {test}: PostgreSQL is not reachable at {url}");
                return None;
            }
        };
        tokio::spawn(connection);
        let name = format!("kernel_{:016x}", rand::random::<u64>());
        client.batch_execute(&format!("create database {name}")).await.unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        let own = format!("{server}/{name}");
        Some((client, name, own))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgresql_itself_refuses_to_change_a_line() {
        let Some((client, name, url)) = database("postgresql_itself_refuses_to_change_a_line").await else {
            return;
        };
        let store = Store::open_postgres(&url, Default::default()).await.unwrap();
        let room = store.room("kernel").await.unwrap();
        let migrations = [("001_audit.sql", AUDIT), ("002_chain.sql", CHAIN)];
        room.migrate(&parse_migration_files(migrations).unwrap()).await.unwrap();
        set(&room).await.unwrap();
        set(&room).await.unwrap();
        for sql in [
            "update audit_chain set last_id = 3, last_hash = 'c'",
            "insert into audit (id, at, hash) values (1, '2026', 'a'), (2, '2026', 'b'), (3, '2026', 'c')",
            "update audit_chain set removed_id = 1, removed_hash = 'a'",
            "delete from audit where id <= 1",
        ] {
            room.execute(sql, vec![]).await.unwrap();
        }
        for sql in [
            "update audit set at = '2027'",
            "delete from audit",
            "truncate audit",
            "delete from audit_chain",
            "truncate audit_chain",
            "update audit_chain set last_id = 1",
            "update audit_chain set removed_id = 9",
        ] {
            let refused = room.execute(sql, vec![]).await.unwrap_err().to_string();
            assert!(refused.contains("the audit log"), "{sql}: {refused}");
        }
        let left = room.query("select id from audit order by id", vec![]).await.unwrap();
        assert_eq!(left.to::<i64>().unwrap(), [2, 3]);
        store.close().await;
        client.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
    }
}
