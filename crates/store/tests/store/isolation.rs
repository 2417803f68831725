//! What a guest can reach, and what it can use up.
//!
//! Of SQLite alone, in its words; `postgres.rs` has those of PostgreSQL.

use std::time::Duration;

use switchboard_store::{Error, Guest, Migration, Options, Room, Store, Synchronous, Tenant, Value};

struct House {
    _folder: tempfile::TempDir,
    store: Store,
    room: Room,
    guest: Guest,
}

async fn house() -> House {
    house_with(Options { synchronous: Synchronous::Normal, ..Options::default() }).await
}

async fn house_with(options: Options) -> House {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(folder.path(), options).unwrap();
    let room = store.room("clips").await.unwrap();
    for sql in [
        "create table clip (id integer primary key, title text)",
        "create table _switchboard_outbox (id integer primary key, what text)",
        "insert into _switchboard_outbox (what) values ('secret')",
        "insert into clip (title) values ('Seven')",
    ] {
        room.execute(sql, vec![]).await.unwrap();
    }
    let guest = room.guest(Tenant::All);
    House { _folder: folder, store, room, guest }
}

impl House {
    /// The statement is refused on every way in, and nothing of it is done.
    async fn refuses(&self, sql: &str) -> Error {
        let before = self.contents().await;
        let error = self.guest.execute(sql, vec![]).await.expect_err(sql);
        self.guest.query(sql, vec![]).await.expect_err(sql);
        let mut transaction = self.guest.begin().await.unwrap();
        transaction.execute(sql, vec![]).await.expect_err(sql);
        transaction.query(sql, vec![]).await.expect_err(sql);
        transaction.commit().await.unwrap();
        assert_eq!(self.contents().await, before, "{sql}");
        error
    }

    async fn forbids(&self, sql: &str) {
        let error = self.refuses(sql).await;
        assert!(matches!(error, Error::Forbidden { .. }), "{sql}: {error:?}");
    }

    async fn contents(&self) -> Vec<String> {
        let sql = "select name || coalesce(sql, '') from sqlite_schema
                   union all select 'o' || id || what from _switchboard_outbox
                   union all select 'c' || id || title from clip order by 1";
        self.room.query(sql, vec![]).await.unwrap().to().unwrap()
    }

    /// Makes tables as a guest's first migration does.
    async fn migrate(&self, sql: &str) -> Result<usize, Error> {
        let it = Migration { number: 1, name: "first".into(), up: sql.into(), ..Migration::default() };
        self.room.migrate(&[it]).await
    }
}

#[tokio::test]
async fn a_guest_reads_and_writes_rows_of_its_own_tables() {
    let it = house().await;
    let done = it.guest.execute("update clip set title = $1", vec!["Eight".into()]).await.unwrap();
    assert_eq!(done.rows_affected, 1);
    let titles: Vec<String> = it.guest.query("select title from clip", vec![]).await.unwrap().to().unwrap();
    assert_eq!(titles, ["Eight"]);
}

#[tokio::test]
async fn a_guest_leaves_its_room_in_no_way() {
    let it = house().await;
    it.store.room("other").await.unwrap().execute("create table t (x)", vec![]).await.unwrap();
    for sql in [
        "attach database 'other.sqlite' as other",
        "attach ':memory:' as m",
        "detach main",
        "vacuum",
        "vacuum into 'stolen.sqlite'",
        "select load_extension('x')",
        "select fts3_tokenizer('simple')",
        "select readfile('/etc/passwd')",
    ] {
        it.refuses(sql).await;
    }
    it.forbids("attach database 'other.sqlite' as other").await;
    it.forbids("select load_extension('x')").await;
    assert!(!std::path::Path::new("stolen.sqlite").exists());
}

#[tokio::test]
async fn a_guest_sees_none_of_the_insides() {
    let it = house().await;
    for sql in [
        "pragma table_info(clip)",
        "pragma journal_mode = delete",
        "pragma writable_schema = on",
        "pragma data_version = 1",
        "select * from pragma_table_info('clip')",
        "select * from sqlite_schema",
        "select * from sqlite_master",
        "select * from main.SQLITE_MASTER",
        "select * from sqlite_temp_schema",
        "select * from dbstat",
        "delete from sqlite_schema",
        "update sqlite_schema set sql = ''",
    ] {
        it.refuses(sql).await;
    }
    it.forbids("pragma table_info(clip)").await;
    it.forbids("select * from SQLITE_MASTER").await;
    it.forbids("select name from pragma_table_list").await;
}

#[tokio::test]
async fn a_guest_touches_no_table_of_the_hosts() {
    let it = house().await;
    for sql in [
        "select what from _switchboard_outbox",
        "select count(*) from _SWITCHBOARD_OUTBOX",
        "select 1 from main.\"_switchboard_outbox\"",
        "select title, (select what from _switchboard_outbox) from clip",
        "select 1 where exists (select 1 from _switchboard_outbox)",
        "with x as (select * from _switchboard_outbox) select * from x",
        "insert into _switchboard_outbox (what) values ('forged')",
        "insert into clip (title) select what from _switchboard_outbox",
        "update _switchboard_outbox set what = 'forged'",
        "update clip set title = (select what from _switchboard_outbox)",
        "delete from _switchboard_outbox",
        "delete from clip returning (select what from _switchboard_outbox)",
    ] {
        it.forbids(sql).await;
    }
}

#[tokio::test]
async fn a_guest_defines_nothing() {
    let it = house().await;
    for sql in [
        "create table t (x)",
        "create table t as select * from clip",
        "create temp table t (x)",
        "create index i on clip (title)",
        "create view v as select 1",
        "create temp view v as select 1",
        "create trigger t after insert on clip begin select 1; end",
        "create temp trigger t after insert on clip begin select 1; end",
        "create virtual table t using fts5(x)",
        "alter table clip rename to c",
        "alter table clip add column x",
        "drop table clip",
        "drop table _switchboard_outbox",
        "analyze",
    ] {
        it.forbids(sql).await;
    }
}

#[tokio::test]
async fn a_guest_controls_no_transactions() {
    let it = house().await;
    for sql in [
        "begin",
        "begin exclusive",
        "commit",
        "end",
        "rollback",
        "savepoint s",
        "release job",
        "rollback to job",
    ] {
        it.forbids(sql).await;
    }
}

#[tokio::test]
async fn two_statements_are_not_taken_for_one() {
    let it = house().await;
    let error = it.refuses("delete from clip; delete from clip").await;
    assert!(matches!(error, Error::Statement { .. }), "{error:?}");
    it.refuses("select 1; drop table clip").await;
    it.refuses("").await;
    it.refuses("-- nothing").await;
    it.refuses("select 1 \0; drop table clip").await;
    it.guest.query("select 1;  -- the end", vec![]).await.unwrap();
}

#[tokio::test]
async fn views_triggers_and_references_open_no_way_to_the_hosts_tables() {
    let it = house().await;
    it.migrate(
        "create view peek as select what from _switchboard_outbox;
         create table a (x); create table b (x); create table c (x references _switchboard_outbox (id));
         create trigger forge after insert on a begin insert into _switchboard_outbox (what) values ('forged'); end;
         create trigger wipe after insert on b begin delete from _switchboard_outbox; end;
         create view door as select 1 as x;
         create trigger open instead of insert on door begin update _switchboard_outbox set what = 'forged'; end;",
    )
    .await
    .unwrap();
    it.forbids("select * from peek").await;
    it.forbids("insert into a values (1)").await;
    it.forbids("insert into b values (1)").await;
    it.forbids("insert into c values (1)").await;
    it.forbids("insert into door values (1)").await;
}

#[tokio::test]
async fn full_text_search_opens_no_way_to_the_hosts_tables() {
    let it = house().await;
    it.migrate(
        "create virtual table words using fts5(title);
         create virtual table peek using fts5(what, content='_switchboard_outbox', content_rowid='id');",
    )
    .await
    .unwrap();
    it.guest.execute("insert into words (title) values ('seven clips')", vec![]).await.unwrap();
    let found: Vec<String> = it
        .guest
        .query("select title from words where words match 'clips'", vec![])
        .await
        .unwrap()
        .to()
        .unwrap();
    assert_eq!(found, ["seven clips"]);
    // Its own tables are not written by hand.
    it.refuses("delete from words_data").await;
    it.refuses("insert into peek (peek) values ('rebuild')").await;
    it.refuses("select what from peek").await;
}

#[tokio::test]
async fn a_limit_is_put_to_what_a_statement_is_made_of() {
    let it = house().await;
    let long = format!("select '{}'", "a".repeat(101 << 10));
    assert!(matches!(it.guest.query(&long, vec![]).await, Err(Error::TooLarge { .. })));
    let deep = format!("select {}1{}", "(1 + ".repeat(300), ")".repeat(300));
    assert!(matches!(it.guest.query(&deep, vec![]).await, Err(Error::Statement { .. })));
    let many = (1..=1001).map(|number| format!("${number}")).collect::<Vec<_>>().join(",");
    let values = vec![Value::Integer(1); 1001];
    let error = it.guest.query(&format!("select 1 where 1 in ({many})"), values).await.unwrap_err();
    assert!(matches!(error, Error::Statement { .. }), "{error:?}");
    let numbered = it.guest.query("select $2000", vec![]).await.unwrap_err();
    assert!(matches!(numbered, Error::Statement { .. }), "{numbered:?}");
}

#[tokio::test]
async fn a_limit_is_put_to_values_and_results() {
    let it = house().await;
    let large = Value::Bytes(vec![0; (16 << 20) + 1].into());
    let given = it.guest.execute("insert into clip (title) values ($1)", vec![large]).await.unwrap_err();
    assert!(matches!(given, Error::TooLarge { .. }), "{given:?}");
    let made = it.guest.query("select zeroblob(20000000)", vec![]).await.unwrap_err();
    assert!(matches!(made, Error::TooLarge { .. }), "{made:?}");
    let result = "with recursive n (x) as (select 1 union all select x + 1 from n where x < 10)
                  select zeroblob(10000000) from n";
    let result = it.guest.query(result, vec![]).await.unwrap_err();
    assert!(matches!(result, Error::TooLarge { .. }), "{result:?}");
    let rows = "insert into clip (title) select null from (values (1), (2), (3), (4), (5), (6), (7), (8))
                returning zeroblob(10000000)";
    let error = it.refuses(rows).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    assert_eq!(it.guest.query("select 1", vec![]).await.unwrap().len(), 1);
}

const FOREVER: &str =
    "with recursive n (x) as (select 1 union all select x + 1 from n) select count(*) from n";

#[tokio::test]
async fn a_statement_that_never_ends_is_stopped_and_others_are_served() {
    let it = house_with(Options { statement_time: Duration::from_millis(300), ..Options::default() }).await;
    let guest = it.guest.clone();
    let endless = tokio::spawn(async move { guest.query(FOREVER, vec![]).await });
    while !endless.is_finished() {
        assert_eq!(it.guest.query("select title from clip limit 1", vec![]).await.unwrap().len(), 1);
        it.guest.execute("insert into clip (title) values ('meanwhile')", vec![]).await.unwrap();
    }
    let error = endless.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Timeout { what: "a statement", .. }), "{error:?}");
    assert_eq!(it.room.stats().timeouts, 1);
}

#[tokio::test]
async fn a_write_that_never_ends_is_stopped_and_the_writes_beside_it_are_done() {
    let it = house_with(Options { statement_time: Duration::from_millis(300), ..Options::default() }).await;
    let endless = "insert into clip (title) with recursive n (x) as (select 1 union all select x + 1 from n)
                   select 'endless' from n";
    let (before, endless, after) = tokio::join!(
        it.guest.execute("insert into clip (title) values ('before')", vec![]),
        it.guest.execute(endless, vec![]),
        it.guest.execute("insert into clip (title) values ('after')", vec![]),
    );
    before.unwrap();
    after.unwrap();
    let error = endless.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let titles: Vec<String> =
        it.guest.query("select title from clip order by title", vec![]).await.unwrap().to().unwrap();
    assert_eq!(titles, ["Seven", "after", "before"]);
}

#[tokio::test]
async fn a_statement_prepared_for_the_host_does_not_serve_a_guest() {
    let it = house().await;
    let sql = "select what from _switchboard_outbox";
    for _ in 0..3 {
        it.room.query(sql, vec![]).await.unwrap();
        assert!(matches!(it.guest.query(sql, vec![]).await, Err(Error::Forbidden { .. })));
    }
    let sql = "insert into _switchboard_outbox (what) values ('more')";
    it.room.execute(sql, vec![]).await.unwrap();
    assert!(matches!(it.guest.execute(sql, vec![]).await, Err(Error::Forbidden { .. })));
}

#[tokio::test]
async fn parameters_are_counted() {
    let it = house().await;
    for (sql, params) in [
        ("select $1", vec![]),
        ("select 1", vec![Value::Integer(1)]),
        ("select $1, $3", vec![Value::Integer(1); 2]),
        ("select :name", vec![Value::Integer(1)]),
    ] {
        let error = it.guest.query(sql, params).await.unwrap_err();
        assert!(matches!(error, Error::Statement { .. }), "{sql}: {error:?}");
    }
    let rows: Vec<(i64, i64)> =
        it.guest.query("select $2, $1", vec![1.into(), 2.into()]).await.unwrap().to().unwrap();
    assert_eq!(rows, [(2, 1)]);
}
