//! Bringing tables to where their owner expects them, and back.

use switchboard_store::{Error, Migration, Options, Room, Store, Synchronous, Tenant};

async fn room() -> (tempfile::TempDir, Room) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
    let store = Store::open_sqlite(folder.path(), options).unwrap();
    let room = store.room("clips").await.unwrap();
    (folder, room)
}

fn migration(number: u32, up: &str, down: Option<&str>) -> Migration {
    let (name, up, down) = (format!("step_{number}"), up.into(), down.map(str::to_owned));
    Migration { number, name, up, down, ..Migration::default() }
}

fn two() -> [Migration; 2] {
    [
        migration(1, "create table clip (id integer primary key, title text)", Some("drop table clip")),
        migration(2, "create table tag (clip references clip, name text)", Some("drop table tag")),
    ]
}

/// Names of tables and the like, but those of the store.
async fn tables(room: &Room) -> Vec<String> {
    let sql = "select name from sqlite_schema where name not like '%switchboard%' order by name";
    room.query(sql, vec![]).await.unwrap().to().unwrap()
}

fn why(error: &Error) -> (u32, &str) {
    match error {
        Error::Migration { number, why, .. } => (*number, why),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn migrations_go_up_once_and_down_again() {
    let (_folder, room) = room().await;
    assert_eq!(room.migrate(&two()[..1]).await.unwrap(), 1);
    assert_eq!(room.migrate(&two()).await.unwrap(), 1);
    assert_eq!(room.migrate(&two()).await.unwrap(), 0);
    assert_eq!(tables(&room).await, ["clip", "tag"]);
    let applied = room.migrations().await.unwrap();
    assert_eq!(applied.iter().map(|it| (it.number, it.success)).collect::<Vec<_>>(), [(1, true), (2, true)]);
    assert_eq!(room.migrate_down(&two(), 1).await.unwrap(), 1);
    assert_eq!(tables(&room).await, ["clip"]);
    assert_eq!(room.migrate_down(&two(), 0).await.unwrap(), 1);
    assert!(tables(&room).await.is_empty());
    assert!(room.migrations().await.unwrap().is_empty());
    assert_eq!(room.migrate(&two()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_failed_migration_leaves_the_tables_as_they_were_and_is_tried_again() {
    let (_folder, room) = room().await;
    let [first, second] = two();
    let broken = migration(
        2,
        "insert into clip (title) values ('half'); create table tag (x); alter table clip add column y; nonsense;",
        None,
    );
    let error = room.migrate(&[first.clone(), broken, migration(3, "create table t (x)", None)]).await;
    let error = error.unwrap_err();
    assert_eq!(why(&error).0, 2);
    assert!(why(&error).1.contains("nonsense"), "{error}");
    assert_eq!(tables(&room).await, ["clip"]);
    assert!(room.query("select * from clip", vec![]).await.unwrap().is_empty());
    assert!(room.query("select y from clip", vec![]).await.is_err());
    let applied = room.migrations().await.unwrap();
    assert_eq!(applied.len(), 2);
    assert!(!applied[1].success);
    assert!(applied[1].error.as_ref().unwrap().contains("nonsense"));
    // Mended, it is applied.
    assert_eq!(room.migrate(&[first, second]).await.unwrap(), 1);
    assert!(room.migrations().await.unwrap().iter().all(|it| it.success && it.error.is_none()));
}

#[tokio::test]
async fn a_file_that_changed_or_went_missing_is_refused() {
    let (_folder, room) = room().await;
    room.migrate(&two()).await.unwrap();
    let [mut first, second] = two();
    first.up = first.up.replace(' ', "\r\n");
    assert_eq!(why(&room.migrate(&[first, second]).await.unwrap_err()).0, 1);
    let [first, _] = two();
    let error = room.migrate(std::slice::from_ref(&first)).await.unwrap_err();
    assert_eq!(why(&error).0, 2);
    assert!(why(&error).1.contains("no such file"), "{error}");
    // Line ends and what takes it back are no change.
    let mut with_lines = migration(1, "create table a (x);\ncreate table b (x);\n", None);
    let (_other_folder, other) = self::room().await;
    other.migrate(std::slice::from_ref(&with_lines)).await.unwrap();
    with_lines.up = with_lines.up.replace('\n', "\r\n");
    with_lines.down = Some("drop table a".into());
    assert_eq!(other.migrate(&[with_lines]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_migration_that_reaches_too_far_is_undone() {
    for sql in [
        "commit",
        "create table x (y); commit; create table z (y)",
        "rollback",
        "begin",
        "savepoint s",
        "attach 'other.sqlite' as other",
        "vacuum into 'stolen.sqlite'",
        "pragma foreign_keys = off",
        "pragma writable_schema = on",
        "insert into sqlite_schema (type, name) values ('table', 'x')",
        "create table _switchboard_mine (x)",
        "create view _switchboard_mine as select 1",
        "create virtual table _switchboard using fts5(x)",
        "create table x (y); alter table x rename to _switchboard_mine",
        "create virtual table x using fts5(y); alter table x rename to _switchboard",
        "create index i on _switchboard_outbox (what)",
        "create trigger t after insert on _switchboard_outbox begin select 1; end",
        "alter table _switchboard_outbox add column x",
        "alter table _switchboard_outbox rename to mine",
        "drop table _switchboard_outbox",
        "drop table _switchboard_migration",
        "insert into _switchboard_outbox (what) values ('forged')",
        "delete from _switchboard_migration",
        "create table x as select * from _switchboard_outbox",
        "create temp table x (y)",
        "create temp view x as select 1",
        "create virtual table x using dbstat",
        "create table x (y); \0 create table z (y)",
    ] {
        let (_folder, room) = room().await;
        room.execute("create table _switchboard_outbox (id integer primary key, what text)", vec![])
            .await
            .unwrap();
        let error = room.migrate(&[migration(1, sql, None)]).await.expect_err(sql);
        assert_eq!(why(&error).0, 1, "{sql}");
        assert!(tables(&room).await.is_empty(), "{sql}");
        assert!(
            room.query("select id, what from _switchboard_outbox", vec![]).await.unwrap().is_empty(),
            "{sql}"
        );
        assert!(room.query("select * from _switchboard_mine", vec![]).await.is_err(), "{sql}");
        assert_eq!(room.migrate(&[migration(1, "create table fine (x)", None)]).await.unwrap(), 1, "{sql}");
    }
}

#[tokio::test]
async fn what_migrations_need_they_may() {
    let (_folder, room) = room().await;
    let up = "create table clip (id integer primary key autoincrement, title text not null default '');
        create index clip_title on clip (title) where title <> '';
        create virtual table clip_text using fts5(title, content='clip', content_rowid='id');
        create trigger clip_added after insert on clip begin
            insert into clip_text (rowid, title) values (new.id, new.title);
        end;
        create view newest as select * from clip order by id desc limit 1;
        insert into clip (title) values ('the first');
        alter table clip add column length integer;
        alter table clip rename column length to seconds;
        alter table clip drop column seconds;
        create table new_clip (id integer primary key, title text);
        insert into new_clip select id, title from clip;
        drop view newest; drop trigger clip_added; drop table clip;
        alter table new_clip rename to clip;
        analyze clip; reindex clip;";
    let down = "drop table clip_text; drop table clip;";
    let all = [migration(1, up, Some(down))];
    room.migrate(&all).await.unwrap();
    let found = room
        .guest(Tenant::All)
        .query("select title from clip_text where clip_text match 'first'", vec![])
        .await;
    assert_eq!(found.unwrap().to::<String>().unwrap(), ["the first"]);
    room.check().await.unwrap();
    assert_eq!(room.migrate_down(&all, 0).await.unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_taken_back_stays() {
    let (_folder, room) = room().await;
    let [first, mut second] = two();
    second.down = None;
    let all = [first, second];
    room.migrate(&all).await.unwrap();
    assert_eq!(why(&room.migrate_down(&all, 0).await.unwrap_err()).0, 2);
    let [first, mut second] = all;
    second.down = Some("drop table tag; nonsense".into());
    let all = [first, second];
    assert_eq!(why(&room.migrate_down(&all, 0).await.unwrap_err()).0, 2);
    assert_eq!(tables(&room).await, ["clip", "tag"]);
    assert!(room.migrations().await.unwrap().iter().all(|it| it.success));
}

#[tokio::test]
async fn a_constraint_looked_at_late_fails_the_migration_alone() {
    let (_folder, room) = room().await;
    let up = "create table a (id integer primary key);
              create table b (a references a deferrable initially deferred);
              insert into b values (1);";
    let error = room.migrate(&[migration(1, up, None)]).await.unwrap_err();
    assert_eq!(why(&error).0, 1);
    assert!(tables(&room).await.is_empty());
    assert!(!room.migrations().await.unwrap()[0].success);
}
