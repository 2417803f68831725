//! Bringing tables to where their owner expects them, and back.

use switchboard_store::{Engine, Error, Room, Tenant};

use crate::stage::{Stage, migration, on_each_engine, options, two};

on_each_engine! {
    options() =>
        migrations_go_up_once_and_down_again,
        a_failed_migration_leaves_the_tables_as_they_were_and_is_tried_again,
        migrations_are_tried_on_a_copy_and_the_room_stays_as_it_is,
        a_file_that_changed_or_went_missing_is_refused,
        what_migrations_need_they_may,
        what_cannot_be_taken_back_stays,
        a_constraint_looked_at_late_fails_the_migration_alone;
}

/// Names of tables and the like, but those of the store.
async fn tables(room: &Room) -> Vec<String> {
    let sql = match room.engine() {
        Engine::Postgres => {
            "select table_name::text from information_schema.tables
                where table_schema = current_schema() and table_name not like '%switchboard%' order by table_name"
        }
        _ => "select name from sqlite_schema where name not like '%switchboard%' and type in ('table', 'view') order by name",
    };
    room.query(sql, vec![]).await.unwrap().to().unwrap()
}

fn why(error: &Error) -> (u32, &str) {
    match error {
        Error::Migration { number, why, .. } => (*number, why),
        other => panic!("{other:?}"),
    }
}

async fn migrations_go_up_once_and_down_again(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    assert_eq!(room.migrate(&two(stage)[..1]).await.unwrap(), 1);
    assert_eq!(room.migrate(&two(stage)).await.unwrap(), 1);
    assert_eq!(room.migrate(&two(stage)).await.unwrap(), 0);
    assert_eq!(tables(&room).await, ["clip", "tag"]);
    let applied = room.migrations().await.unwrap();
    assert_eq!(applied.iter().map(|it| (it.number, it.success)).collect::<Vec<_>>(), [(1, true), (2, true)]);
    assert!(applied[0].at.ends_with('Z'));
    assert_eq!(room.migrate_down(&two(stage), 1).await.unwrap(), 1);
    assert_eq!(tables(&room).await, ["clip"]);
    assert_eq!(room.migrate_down(&two(stage), 0).await.unwrap(), 1);
    assert!(tables(&room).await.is_empty());
    assert!(room.migrations().await.unwrap().is_empty());
    assert_eq!(room.migrate(&two(stage)).await.unwrap(), 2);
}

async fn a_failed_migration_leaves_the_tables_as_they_were_and_is_tried_again(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    let [first, second] = two(stage);
    let broken = migration(
        2,
        "insert into clip (title) values ('half'); create table tag (x text); alter table clip add column y text; nonsense;",
        None,
    );
    let error = room.migrate(&[first.clone(), broken, migration(3, "create table t (x text)", None)]).await;
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

async fn migrations_are_tried_on_a_copy_and_the_room_stays_as_it_is(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    let [first, second] = two(stage);
    room.migrate(std::slice::from_ref(&first)).await.unwrap();
    room.execute("insert into clip (title) values ('Seven')", vec![]).await.unwrap();
    room.rehearse(&[first.clone(), second.clone()]).await.unwrap();
    // What fails on the rows that are there, and on no others.
    let broken = migration(
        2,
        "create unique index one on clip (title); insert into clip (title) values ('Seven')",
        None,
    );
    let error = room.rehearse(&[first.clone(), broken]).await.unwrap_err();
    assert_eq!(why(&error).0, 2);
    assert_eq!(tables(&room).await, ["clip"]);
    assert_eq!(room.migrations().await.unwrap().len(), 1);
    let titles: Vec<String> = room.query("select title from clip", vec![]).await.unwrap().to().unwrap();
    assert_eq!(titles, ["Seven"]);
    assert_eq!(stage.store.rooms().await.unwrap(), ["clips"]);
    assert_eq!(room.migrate(&[first, second]).await.unwrap(), 1);
}

async fn a_file_that_changed_or_went_missing_is_refused(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    room.migrate(&two(stage)).await.unwrap();
    let [mut first, second] = two(stage);
    first.up = first.up.replace(' ', "\r\n");
    assert_eq!(why(&room.migrate(&[first, second]).await.unwrap_err()).0, 1);
    let [first, _] = two(stage);
    let error = room.migrate(std::slice::from_ref(&first)).await.unwrap_err();
    assert_eq!(why(&error).0, 2);
    assert!(why(&error).1.contains("no such file"), "{error}");
    // Line ends and what takes it back are no change.
    let mut with_lines = migration(1, "create table a (x text);\ncreate table b (x text);\n", None);
    let other = stage.store.room("other").await.unwrap();
    other.migrate(std::slice::from_ref(&with_lines)).await.unwrap();
    with_lines.up = with_lines.up.replace('\n', "\r\n");
    with_lines.down = Some("drop table a".into());
    assert_eq!(other.migrate(&[with_lines]).await.unwrap(), 0);
}

/// Of SQLite alone: these are its words. `postgres.rs` has those of PostgreSQL.
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
        let stage = Stage::on_sqlite(options());
        let room = stage.store.room("clips").await.unwrap();
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

async fn what_migrations_need_they_may(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    let on_sqlite =
        "create table clip (id integer primary key autoincrement, title text not null default '');
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
    let on_postgres = "create table clip (id bigint generated always as identity primary key, title text not null default '',
            words tsvector generated always as (to_tsvector('simple', title)) stored);
        create index clip_title on clip (title) where title <> '';
        create index clip_words on clip using gin (words);
        create view newest as select * from clip order by id desc limit 1;
        insert into clip (title) values ('the first');
        alter table clip add column length integer;
        alter table clip rename column length to seconds;
        alter table clip drop column seconds;
        drop view newest;
        create sequence counter;
        create table new_clip (id bigint generated always as identity primary key, title text, words tsvector);
        insert into new_clip (title, words) select title, words from clip;
        drop sequence counter; drop table clip;
        alter table new_clip rename to clip;";
    let (up, down, found) = match stage.engine {
        Engine::Postgres => (
            on_postgres,
            "drop table clip;",
            "select title from clip where words @@ to_tsquery('simple', 'first')",
        ),
        _ => (
            on_sqlite,
            "drop table clip_text; drop table clip;",
            "select title from clip_text where clip_text match 'first'",
        ),
    };
    let all = [migration(1, up, Some(down))];
    room.migrate(&all).await.unwrap();
    let found = room.guest(Tenant::All).query(found, vec![]).await;
    assert_eq!(found.unwrap().to::<String>().unwrap(), ["the first"]);
    room.check().await.unwrap();
    assert_eq!(room.migrate_down(&all, 0).await.unwrap(), 1);
}

async fn what_cannot_be_taken_back_stays(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    let [first, mut second] = two(stage);
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

async fn a_constraint_looked_at_late_fails_the_migration_alone(stage: &Stage) {
    let room = stage.store.room("clips").await.unwrap();
    let up = "create table a (id integer primary key);
              create table b (a integer references a deferrable initially deferred);
              insert into b values (1);";
    let error = room.migrate(&[migration(1, up, None)]).await.unwrap_err();
    assert_eq!(why(&error).0, 1);
    assert!(tables(&room).await.is_empty());
    assert!(!room.migrations().await.unwrap()[0].success);
}
