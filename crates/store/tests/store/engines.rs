//! What holds on both engines alike.

use std::time::Duration;

use switchboard_store::{Engine, Error, Migration, Room, Tenant, Value};

use crate::stage::{Stage, hasty, migration, on_both_engines, options};

const INSERT: &str = "insert into clip (title) values ($1)";

fn titled(title: &str) -> Vec<Value> {
    vec![title.into()]
}

async fn titles(room: &Room) -> Vec<String> {
    room.query("select title from clip order by title", vec![]).await.unwrap().to().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_there_and_what_is_dropped_is_not() {
    on_both_engines("what_is_committed_is_there", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        let mut kept = room.begin().await.unwrap();
        kept.execute(INSERT, titled("a")).await.unwrap();
        kept.execute(INSERT, titled("b")).await.unwrap();
        assert!(titles(&room).await.is_empty());
        kept.commit().await.unwrap();
        let mut dropped = room.begin().await.unwrap();
        dropped.execute(INSERT, titled("c")).await.unwrap();
        drop(dropped);
        drop(room.begin().await.unwrap());
        room.begin().await.unwrap().commit().await.unwrap();
        room.execute(INSERT, titled("d")).await.unwrap();
        assert_eq!(titles(&room).await, ["a", "b", "d"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_reads_what_it_wrote() {
    on_both_engines("a_transaction_reads_what_it_wrote", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        let mut it = room.guest(Tenant::All).begin().await.unwrap();
        it.execute(INSERT, titled("a")).await.unwrap();
        let seen: Vec<String> = it.query("select title from clip", vec![]).await.unwrap().to().unwrap();
        assert_eq!(seen, ["a"]);
        let gone = it.query("delete from clip returning title", vec![]).await.unwrap();
        assert_eq!(gone.to::<String>().unwrap(), ["a"]);
        assert!(it.query("select title from clip", vec![]).await.unwrap().is_empty());
        it.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_transactions_at_once_lose_no_update() {
    on_both_engines("many_transactions_at_once", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        room.execute(INSERT, titled("0")).await.unwrap();
        let all: Vec<_> = (0..40)
            .map(|number| {
                let guest = room.guest(Tenant::All);
                tokio::spawn(async move {
                    if number % 4 == 0 {
                        let sql = "update clip set title = cast(cast(title as integer) + 1 as text)";
                        guest.execute(sql, vec![]).await.unwrap();
                        return;
                    }
                    let mut it = guest.begin().await.unwrap();
                    let is =
                        it.query("select title from clip", vec![]).await.unwrap().to::<String>().unwrap();
                    let next = is[0].parse::<i64>().unwrap() + 1;
                    it.execute("update clip set title = $1", titled(&next.to_string())).await.unwrap();
                    it.commit().await.unwrap();
                })
            })
            .collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(titles(&room).await, ["40"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_holds_for_too_long_is_undone_and_the_next_goes_on() {
    on_both_engines("a_transaction_that_holds_for_too_long", hasty(), async |stage: &Stage| {
        let room = stage.clips().await;
        let mut slow = room.begin().await.unwrap();
        slow.execute(INSERT, titled("slow")).await.unwrap();
        let mut next = room.begin().await.unwrap();
        next.execute(INSERT, titled("next")).await.unwrap();
        next.commit().await.unwrap();
        let late = slow.execute(INSERT, titled("late")).await.unwrap_err();
        assert!(matches!(late, Error::Timeout { what: "a transaction", .. }), "{late:?}");
        assert!(matches!(slow.commit().await, Err(Error::Timeout { .. })));
        assert_eq!(titles(&room).await, ["next"]);
        // It is counted by whoever ended it, which the others need not have waited for.
        while room.stats().timeouts == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(room.stats().timeouts, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_is_undone_by_itself() {
    on_both_engines("a_statement_that_fails", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        let mut it = room.guest(Tenant::All).begin().await.unwrap();
        it.execute(INSERT, titled("a")).await.unwrap();
        for sql in [
            "insert into clip (title) values ('half'), (null)",
            "insert into nowhere values (1)",
            "select * from _switchboard_outbox",
            "select nonsense",
            "this is no sql",
        ] {
            it.execute(sql, vec![]).await.expect_err(sql);
        }
        it.execute(INSERT, titled("b")).await.unwrap();
        it.commit().await.unwrap();
        assert_eq!(titles(&room).await, ["a", "b"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_transaction_carries_what_the_host_notes_in_it() {
    on_both_engines("a_guests_transaction", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        let note = "insert into _switchboard_outbox (what) values ($1)";
        for is_kept in [true, false] {
            let mut it = room.guest(Tenant::Only(7)).begin().await.unwrap();
            it.execute(INSERT, titled("a")).await.unwrap();
            assert!(matches!(it.execute(note, titled("forged")).await, Err(Error::Forbidden { .. })));
            it.execute_as_host(note, titled("clip.added")).await.unwrap();
            let noted = it.query_as_host("select what from _switchboard_outbox", vec![]).await.unwrap();
            assert_eq!(noted.to::<String>().unwrap().last().unwrap(), "clip.added");
            assert!(matches!(it.execute(note, titled("forged")).await, Err(Error::Forbidden { .. })));
            if is_kept {
                it.commit_with([(note, titled("last"))]).await.unwrap();
            }
        }
        assert_eq!(titles(&room).await, ["a"]);
        let notes = room.query("select what from _switchboard_outbox order by what", vec![]).await.unwrap();
        assert_eq!(notes.to::<String>().unwrap(), ["clip.added", "last"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_of_the_same_kinds() {
    on_both_engines("faults_are_of_the_same_kinds", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        let guest = room.guest(Tenant::All);
        let of = async |sql: &str, params: Vec<Value>| guest.query(sql, params).await.unwrap_err();
        assert!(matches!(
            of("insert into clip (title) values (null)", vec![]).await,
            Error::Constraint { .. }
        ));
        assert!(matches!(of("select * from nowhere", vec![]).await, Error::Statement { .. }));
        assert!(matches!(
            of("select title from clip where title = $1", vec![]).await,
            Error::Statement { .. }
        ));
        assert!(matches!(of("select 1; select 2", vec![]).await, Error::Statement { .. }));
        assert!(matches!(of("create table t (x text)", vec![]).await, Error::Forbidden { .. }));
        assert!(matches!(of("begin", vec![]).await, Error::Forbidden { .. }));
        let long = format!("select '{}'", "a".repeat(101 << 10));
        assert!(matches!(of(&long, vec![]).await, Error::TooLarge { .. }));
        assert!(matches!(stage.store.room("../clips").await, Err(Error::BadRoomName { .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_statement_is_stopped() {
    let soon = switchboard_store::Options { statement_time: Duration::from_millis(300), ..options() };
    on_both_engines("an_endless_statement_is_stopped", soon, async |stage: &Stage| {
        let room = stage.clips().await;
        let endless = "with recursive n (x) as (select 1 union all select x + 1 - 0 from n where x < 2000000000) select count(*) from n";
        let error = room.guest(Tenant::All).query(endless, vec![]).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { what: "a statement", .. }), "{error:?}");
        room.execute(INSERT, titled("next")).await.unwrap();
        assert_eq!(room.stats().timeouts, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_come_back_as_they_went() {
    on_both_engines("values_come_back_as_they_went", options(), async |stage: &Stage| {
        let room = stage.store.room("values").await.unwrap();
        let bytes = if stage.engine == Engine::Postgres { "bytea" } else { "blob" };
        let real = if stage.engine == Engine::Postgres { "double precision" } else { "real" };
        let table = format!("create table it (a bigint, b {real}, c text, d {bytes}, e boolean)");
        room.execute(&table, vec![]).await.unwrap();
        let values = vec![
            Value::Integer(i64::MIN),
            Value::Real(-0.1),
            Value::Text("größer ' \\ \u{1F3AC}".into()),
            Value::Bytes(vec![0, 255, 7].into()),
        ];
        let mut given = values.clone();
        given.push(Value::Boolean(true));
        let guest = room.guest(Tenant::All);
        guest.execute("insert into it values ($1, $2, $3, $4, $5)", given).await.unwrap();
        guest.execute("insert into it values ($1, $2, $3, $4, $5)", vec![Value::Null; 5]).await.unwrap();
        let rows = guest.query("select a, b, c, d from it where e", vec![]).await.unwrap();
        assert_eq!(rows.into_iter().next().unwrap().values(), values);
        let sums: Vec<(i64, i64)> =
            guest.query("select sum(a), count(*) from it", vec![]).await.unwrap().to().unwrap();
        assert_eq!(sums, [(i64::MIN, 2)]);
        let is: Vec<Option<bool>> =
            guest.query("select e from it order by a", vec![]).await.unwrap().to().unwrap();
        assert!(is.contains(&Some(true)) && is.contains(&None));
    })
    .await;
}

fn two(stage: &Stage) -> [Migration; 2] {
    let clip = format!(
        "create table clip (id {}, title text);\ncreate index clip_title on clip (title);",
        stage.key()
    );
    let id = if stage.engine == Engine::Postgres { "bigint" } else { "integer" };
    [
        migration(1, &clip, Some("drop table clip;")),
        migration(
            2,
            &format!("create table tag (clip {id} references clip, name text)"),
            Some("drop table tag"),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_up_once_and_down_again() {
    on_both_engines("migrations_go_up_once", options(), async |stage: &Stage| {
        let room = stage.store.room("clips").await.unwrap();
        let two = two(stage);
        assert_eq!(room.migrate(&two).await.unwrap(), 2);
        assert_eq!(room.migrate(&two).await.unwrap(), 0);
        let applied = room.migrations().await.unwrap();
        assert_eq!(
            applied.iter().map(|it| (it.number, it.success)).collect::<Vec<_>>(),
            [(1, true), (2, true)]
        );
        assert!(applied[0].at.ends_with('Z'));
        room.guest(Tenant::All).execute(INSERT, titled("a")).await.unwrap();
        let changed = [migration(1, "create table other (x text)", None), two[1].clone()];
        assert!(matches!(room.migrate(&changed).await, Err(Error::Migration { number: 1, .. })));
        assert!(matches!(room.migrate(&two[..1]).await, Err(Error::Migration { number: 2, .. })));
        assert_eq!(room.migrate_down(&two, 0).await.unwrap(), 2);
        assert!(room.query("select * from clip", vec![]).await.is_err());
        assert_eq!(room.migrate(&two).await.unwrap(), 2);
        room.check().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_migration_leaves_the_tables_as_they_were_and_is_tried_again() {
    on_both_engines("a_failed_migration", options(), async |stage: &Stage| {
        let room = stage.store.room("clips").await.unwrap();
        let one = two(stage)[0].clone();
        let bad = migration(2, "create table half (x text); insert into nowhere values (1)", None);
        let error = room.migrate(&[one.clone(), bad]).await.unwrap_err();
        assert!(
            matches!(&error, Error::Migration { number: 2, why, .. } if why.contains("nowhere")),
            "{error:?}"
        );
        assert!(room.query("select * from half", vec![]).await.is_err());
        let recorded = room.migrations().await.unwrap();
        assert!(!recorded[1].success && recorded[1].error.as_ref().unwrap().contains("nowhere"));
        let good = migration(2, "create table half (x text)", None);
        assert_eq!(room.migrate(&[one, good]).await.unwrap(), 1);
        for reaching in ["create table _switchboard_mine (x text)", "drop table _switchboard_migration"] {
            let third = [
                two(stage)[0].clone(),
                migration(2, "create table half (x text)", None),
                migration(3, reaching, None),
            ];
            let error = room.migrate(&third).await.unwrap_err();
            assert!(matches!(error, Error::Migration { number: 3, .. }), "{error:?}");
        }
        assert_eq!(room.migrations().await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_is_put_back() {
    on_both_engines("what_was_saved_is_put_back", options(), async |stage: &Stage| {
        let room = stage.store.room("clips").await.unwrap();
        room.migrate(&two(stage)).await.unwrap();
        let guest = room.guest(Tenant::All);
        guest.execute(INSERT, titled("a")).await.unwrap();
        guest.execute("insert into tag values (1, 'good')", vec![]).await.unwrap();
        let saved = room.save().await.unwrap();
        let other = room.save().await.unwrap();
        assert_ne!(saved, other);
        guest.execute(INSERT, titled("b")).await.unwrap();
        room.execute("alter table clip add column length integer", vec![]).await.unwrap();
        room.execute("create table other (x text)", vec![]).await.unwrap();
        assert_eq!(guest.query("select * from clip", vec![]).await.unwrap().columns().len(), 3);
        room.restore(&saved).await.unwrap();
        assert_eq!(guest.query("select * from clip", vec![]).await.unwrap().columns().len(), 2);
        assert!(room.query("select * from other", vec![]).await.is_err());
        assert_eq!(titles(&room).await, ["a"]);
        guest.execute(INSERT, titled("c")).await.unwrap();
        let broken = guest.execute("insert into tag values (99, 'nowhere')", vec![]).await;
        assert!(matches!(broken, Err(Error::Constraint { .. })), "{broken:?}");
        assert_eq!(room.migrate_down(&two(stage), 1).await.unwrap(), 1);
        room.check().await.unwrap();
        assert!(room.size().await.unwrap() > 0);
        room.discard(saved).await.unwrap();
        room.discard(other).await.unwrap();
        room.clear().await.unwrap();
        assert!(room.query("select * from clip", vec![]).await.is_err());
        assert_eq!(stage.store.rooms().await.unwrap(), ["clips"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_refuses_and_opens_again() {
    on_both_engines("a_closed_store_refuses", options(), async |stage: &Stage| {
        let room = stage.clips().await;
        room.execute(INSERT, titled("a")).await.unwrap();
        stage.store.close().await;
        assert!(matches!(room.execute(INSERT, titled("b")).await, Err(Error::Unavailable { .. })));
        assert!(matches!(room.query("select 1", vec![]).await, Err(Error::Unavailable { .. })));
        let again = stage.store.room("clips").await.unwrap();
        assert_eq!(titles(&again).await, ["a"]);
    })
    .await;
}
