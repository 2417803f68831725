//! What holds on both engines alike.

use std::time::Duration;

use switchboard_store::{Engine, Error, Room, Tenant, Value};

use crate::stage::{Stage, on_both_engines, options, two};

const INSERT: &str = "insert into clip (title) values ($1)";

fn titled(title: &str) -> Vec<Value> {
    vec![title.into()]
}

async fn titles(room: &Room) -> Vec<String> {
    room.query("select title from clip order by title", vec![]).await.unwrap().to().unwrap()
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
