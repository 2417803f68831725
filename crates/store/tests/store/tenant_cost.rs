//! What confining costs: the same indexes are used, and little time is spent.

use std::time::{Duration, Instant};

use switchboard_store::{Guest, Options, Room, Store, Synchronous, Tenant, Value};

async fn library() -> (tempfile::TempDir, Store, Room) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
    let store = Store::open_sqlite(folder.path(), options).unwrap();
    let room = store.room("clips").await.unwrap();
    for sql in [
        "create table clip (id integer primary key, organization_id integer not null, title text not null,
            game_name text, processed integer not null, created_at text not null)",
        "create index clip_by_time on clip (organization_id, created_at)",
        "create index clip_by_game on clip (organization_id, game_name, created_at)",
        "insert into clip with recursive n (x) as (select 1 union all select x + 1 from n where x < 20000)
         select x, x % 20, 'clip ' || x, 'game ' || (x % 7), x % 2, printf('2026-01-01T%07d', x) from n",
    ] {
        room.execute(sql, vec![]).await.unwrap();
    }
    (folder, store, room)
}

const ONE: &str =
    "select id, title, game_name, processed, created_at from clip where organization_id = $1 and id = $2";
const LIST: &str = "select id, title, game_name, processed, created_at from clip where organization_id = $1
    order by created_at desc, id desc limit 50";

#[tokio::test]
async fn a_tenants_statement_uses_the_indexes_that_it_would_without() {
    let (_folder, _store, room) = library().await;
    for (sql, index) in [
        (ONE, "USING INTEGER PRIMARY KEY (rowid=?)"),
        (LIST, "USING INDEX clip_by_time (organization_id=?)"),
        (
            "select id from clip where organization_id = $1 and game_name = 'x' order by created_at desc limit 5",
            "USING COVERING INDEX clip_by_game (organization_id=? AND game_name=?)",
        ),
        (
            "select id from clip where created_at > $1",
            "INDEX clip_by_time (organization_id=? AND created_at>?)",
        ),
        (
            "update clip set title = '' where created_at > $1",
            "INDEX clip_by_time (organization_id=? AND created_at>?)",
        ),
        ("delete from clip where organization_id = $1 and id = $2", "USING INTEGER PRIMARY KEY (rowid=?)"),
    ] {
        let count = if sql.contains("$2") { 2 } else { 1 };
        let explained = room
            .guest(Tenant::Only(3))
            .query(&format!("explain query plan {sql}"), vec![Value::Integer(3); count])
            .await
            .unwrap();
        let plan = format!("{explained:?}");
        assert!(plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("MATERIALIZE"), "{sql}: {plan}");
    }
}

async fn once(guest: &Guest, sql: &str, params: &[Value], times: u32) -> Duration {
    let began = Instant::now();
    for _ in 0..times {
        guest.query(sql, params.to_vec()).await.unwrap();
    }
    began.elapsed() / times
}

/// Prints the cost; asserts none, as it depends on the machine. `cargo test --release -- --ignored --nocapture confining`
#[tokio::test]
#[ignore = "measures"]
async fn confining_costs_little() {
    let (_folder, _store, room) = library().await;
    let put = "insert into clip (organization_id, title, processed, created_at) values ($1, 'x', 0, '') returning id";
    for (name, sql, params, times) in [
        ("one clip", ONE, vec![Value::Integer(3), Value::Integer(103)], 20_000),
        ("a list of 50", LIST, vec![Value::Integer(3)], 2_000),
        ("an insert", put, vec![Value::Integer(3)], 1_000),
    ] {
        let (all, only) = (room.guest(Tenant::All), room.guest(Tenant::Only(3)));
        let mut best = [Duration::MAX; 2];
        for _ in 0..9 {
            best[0] = best[0].min(once(&all, sql, &params, times).await);
            best[1] = best[1].min(once(&only, sql, &params, times).await);
        }
        println!(
            "{name}: {:?} without a tenant, {:?} for one, {:.3} times",
            best[0],
            best[1],
            best[1].as_secs_f64() / best[0].as_secs_f64()
        );
    }
}
