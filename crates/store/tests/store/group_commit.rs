//! Writes that stand alone, and share a commit.

use std::time::Duration;

use switchboard_store::{Engine, Error, Options, Room, Store, Tenant, Value};

use crate::stage::{Stage, on_each_engine, options};

on_each_engine! {
    options() =>
        writes_that_wait_together_are_all_there,
        one_that_fails_harms_no_other,
        a_constraint_looked_at_late_fails_only_whoever_broke_it,
        a_write_whose_caller_went_away_leaves_the_writer_well,
        a_query_that_writes_gives_its_rows_once_they_last,
        closing_while_many_write_answers_everybody_truthfully;
}

async fn room(stage: &Stage) -> Room {
    let room = stage.store.room("clips").await.unwrap();
    let table = format!("create table clip (id {}, title text unique not null)", stage.key());
    room.execute(&table, vec![]).await.unwrap();
    room
}

async fn count(room: &Room) -> i64 {
    room.query("select count(*) from clip", vec![]).await.unwrap().to::<i64>().unwrap()[0]
}

const INSERT: &str = "insert into clip (id, title) values ($1, $2)";

fn clip(id: i64) -> Vec<Value> {
    vec![id.into(), format!("clip {id}").into()]
}

async fn writes_that_wait_together_are_all_there(stage: &Stage) {
    let room = room(stage).await;
    let before = room.stats();
    let writes: Vec<_> = (0..1000)
        .map(|id| {
            let guest = room.guest(Tenant::All);
            tokio::spawn(async move { guest.execute(INSERT, clip(id)).await })
        })
        .collect();
    for write in writes {
        assert_eq!(write.await.unwrap().unwrap().rows_affected, 1);
    }
    let after = room.stats();
    assert_eq!(after.writes - before.writes, 1000);
    // PostgreSQL groups them by itself, and says nothing of it.
    assert!(stage.engine == Engine::Postgres || after.commits - before.commits < 500, "{after:?}");
    assert_eq!(count(&room).await, 1000);
    stage.store.close().await;
    assert_eq!(count(&stage.store.room("clips").await.unwrap()).await, 1000);
}

async fn one_that_fails_harms_no_other(stage: &Stage) {
    let room = room(stage).await;
    let half = match stage.engine {
        Engine::Postgres => "insert into clip (title) values ($1), (null)",
        _ => "insert or rollback into clip (title) values ($1), (null)",
    };
    let writes: Vec<_> = (0..200)
        .map(|id| {
            let guest = room.guest(Tenant::All);
            tokio::spawn(async move {
                let result = match id % 4 {
                    0 => guest.execute("insert into clip (title) values (null)", vec![]).await,
                    1 => guest.execute("insert into nowhere values (1)", vec![]).await,
                    2 => guest.execute(half, vec![format!("half {id}").into()]).await,
                    _ => guest.execute(INSERT, clip(id)).await,
                };
                (id, result)
            })
        })
        .collect();
    for write in writes {
        match write.await.unwrap() {
            (id, result) if id % 4 == 3 => assert_eq!(result.unwrap().rows_affected, 1),
            (id, Err(Error::Constraint { .. })) => assert!(id % 4 != 1),
            (id, Err(Error::Statement { .. })) => assert!(id % 4 == 1),
            (id, other) => panic!("{id}: {other:?}"),
        }
    }
    assert_eq!(count(&room).await, 50);
}

async fn a_constraint_looked_at_late_fails_only_whoever_broke_it(stage: &Stage) {
    let room = room(stage).await;
    room.execute("create table tag (clip bigint references clip deferrable initially deferred)", vec![])
        .await
        .unwrap();
    let (good, bad, also_good) = tokio::join!(
        room.execute(INSERT, clip(1)),
        room.execute("insert into tag values (77)", vec![]),
        room.execute(INSERT, clip(2)),
    );
    good.unwrap();
    also_good.unwrap();
    assert!(matches!(bad, Err(Error::Constraint { .. })), "{bad:?}");
    assert_eq!(count(&room).await, 2);
}

/// Of SQLite alone: on PostgreSQL nobody may say when constraints are looked at.
#[tokio::test]
async fn a_transaction_that_defers_its_constraints_fails_alone() {
    let stage = Stage::on_sqlite(options());
    let room = room(&stage).await;
    room.execute("create table tag (clip references clip)", vec![]).await.unwrap();
    let writes = (0..20).map(|id| {
        let room = room.clone();
        tokio::spawn(async move { room.execute(INSERT, clip(id)).await })
    });
    let writes: Vec<_> = writes.collect();
    let mut transaction = room.begin().await.unwrap();
    transaction.execute("pragma defer_foreign_keys = on", vec![]).await.unwrap();
    transaction.execute("insert into tag values (77)", vec![]).await.unwrap();
    let late = room.clone();
    let late = tokio::spawn(async move { late.execute(INSERT, clip(100)).await });
    tokio::task::yield_now().await;
    transaction.commit().await.unwrap_err();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    late.await.unwrap().unwrap();
    assert_eq!(count(&room).await, 21);
    assert!(room.query("select * from tag", vec![]).await.unwrap().is_empty());
}

async fn a_write_whose_caller_went_away_leaves_the_writer_well(stage: &Stage) {
    let room = room(stage).await;
    for id in 0..50 {
        let write = room.execute(INSERT, clip(id));
        let _ = tokio::time::timeout(Duration::ZERO, write).await;
    }
    room.execute(INSERT, clip(1000)).await.unwrap();
    assert!(count(&room).await >= 1);
}

async fn a_query_that_writes_gives_its_rows_once_they_last(stage: &Stage) {
    let room = room(stage).await;
    let titles: Vec<String> = room
        .query("insert into clip (title) values ('a'), ('b') returning title", vec![])
        .await
        .unwrap()
        .to()
        .unwrap();
    assert_eq!(titles, ["a", "b"]);
    assert_eq!(room.execute("update clip set title = title || '!'", vec![]).await.unwrap().rows_affected, 2);
    assert_eq!(room.execute("select * from clip", vec![]).await.unwrap().rows_affected, 0);
}

async fn closing_while_many_write_answers_everybody_truthfully(stage: &Stage) {
    let room = room(stage).await;
    let writes: Vec<_> = (0..300)
        .map(|id| {
            let room = room.clone();
            tokio::spawn(async move { (id, room.execute(INSERT, clip(id)).await) })
        })
        .collect();
    let mut transaction = room.begin().await.unwrap();
    transaction.execute(INSERT, clip(5000)).await.unwrap();
    let closing = {
        let store = stage.store.clone();
        tokio::spawn(async move { store.close().await })
    };
    tokio::task::yield_now().await;
    transaction.commit().await.unwrap();
    closing.await.unwrap();
    assert!(matches!(room.execute(INSERT, clip(999)).await, Err(Error::Unavailable { .. })));
    assert!(matches!(room.query("select 1", vec![]).await, Err(Error::Unavailable { .. })));
    let mut it = room.begin().await.unwrap();
    assert!(matches!(it.query("select 1", vec![]).await, Err(Error::Unavailable { .. })));
    assert!(room.migrations().await.is_err());
    stage.store.close().await;
    let again = stage.store.room("clips").await.unwrap();
    let there: Vec<i64> = again.query("select id from clip", vec![]).await.unwrap().to().unwrap();
    assert!(there.contains(&5000));
    for write in writes {
        match write.await.unwrap() {
            (id, Ok(_)) => assert!(there.contains(&id)),
            (id, Err(Error::Unavailable { .. })) => assert!(!there.contains(&id)),
            (id, other) => panic!("{id}: {other:?}"),
        }
    }
}

/// Of SQLite alone: its writer is a thread that outlives a runtime; PostgreSQL's connections do not.
#[test]
fn a_runtime_that_ends_in_the_midst_leaves_the_room_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let first = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = Store::open_sqlite(folder.path(), Options::default()).unwrap();
    let room = first.block_on(store.room("clips")).unwrap();
    first.block_on(room.execute("create table clip (id integer primary key, title text)", vec![])).unwrap();
    let mut held = first.block_on(room.begin()).unwrap();
    first.block_on(held.execute(INSERT, clip(1))).unwrap();
    for id in 2..100 {
        let room = room.clone();
        first.spawn(async move { room.execute(INSERT, clip(id)).await });
    }
    first.shutdown_background();
    drop(held);
    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        // What waited in the runtime that ended may still be refused; then it is as new.
        while room.execute(INSERT, clip(1)).await.is_err() {
            tokio::task::yield_now().await;
        }
        room.begin().await.unwrap().commit().await.unwrap();
        room.check().await.unwrap();
        store.close().await;
    });
}
