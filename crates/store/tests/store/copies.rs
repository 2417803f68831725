//! Copies of a room, and putting them back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use switchboard_store::{Engine, Error, Room, Store, Tenant};

use crate::stage::{Stage, on_each_engine, options};

// What is told of files is of SQLite alone: on PostgreSQL its own tools copy into files.
on_each_engine! {
    options() =>
        what_was_saved_is_put_back_while_others_read_and_write,
        a_restore_brings_back_the_tables_too,
        a_cleared_room_is_empty_and_serves_on,
        a_removed_room_is_gone_with_its_copies_and_made_anew_when_asked_for;
}

async fn room() -> (tempfile::TempDir, Store, Room) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(folder.path(), options()).unwrap();
    let room = tallied(&store, "integer primary key").await;
    (folder, store, room)
}

/// A room with clips, and how many there are.
async fn tallied(store: &Store, key: &str) -> Room {
    let room = store.room("clips").await.unwrap();
    room.execute(&format!("create table clip (id {key}, title text not null)"), vec![]).await.unwrap();
    room.execute("create table tally (clips integer)", vec![]).await.unwrap();
    room.execute("insert into tally values (0)", vec![]).await.unwrap();
    room
}

async fn add(room: &Room) -> Result<(), Error> {
    let mut it = room.guest(Tenant::All).begin().await?;
    it.execute("insert into clip (title) values ('one more')", vec![]).await?;
    it.execute("update tally set clips = clips + 1", vec![]).await?;
    it.commit().await
}

/// Both say the same number, whenever they are looked at.
async fn count(room: &Room) -> i64 {
    let sql = "select (select count(*) from clip), (select clips from tally)";
    let counts: Vec<(i64, i64)> = room.query(sql, vec![]).await.unwrap().to().unwrap();
    assert_eq!(counts[0].0, counts[0].1);
    counts[0].0
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_taken_while_others_write_is_of_one_moment() {
    let (_folder, _store, room) = room().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = (0..4)
        .map(|_| {
            let (room, is_over) = (room.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    add(&room).await.unwrap();
                }
            })
        })
        .collect();
    let copies = tempfile::tempdir().unwrap();
    for number in 0..5 {
        add(&room).await.unwrap();
        room.snapshot(&copies.path().join(format!("copy_{number}.sqlite"))).await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writing {
        writer.await.unwrap();
    }
    assert_eq!(files(copies.path()).len(), 5);
    let copied = Store::open_sqlite(copies.path(), options()).unwrap();
    let mut last = 0;
    for name in copied.rooms().await.unwrap() {
        let copy = copied.room(&name).await.unwrap();
        copy.check().await.unwrap();
        let now = count(&copy).await;
        assert!(now > last);
        last = now;
    }
    assert!(last <= count(&room).await);
}

#[tokio::test]
async fn a_file_that_is_there_is_never_written_over() {
    let (folder, _store, room) = room().await;
    let file = folder.path().join("other.txt");
    std::fs::write(&file, "mine").unwrap();
    assert!(matches!(room.snapshot(&file).await, Err(Error::Io { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(matches!(room.snapshot(&folder.path().join("no/such")).await, Err(Error::Io { .. })));
}

async fn what_was_saved_is_put_back_while_others_read_and_write(stage: &Stage) {
    let room = tallied(&stage.store, stage.key()).await;
    for _ in 0..3 {
        add(&room).await.unwrap();
    }
    let copy = room.save().await.unwrap();
    let other = room.save().await.unwrap();
    assert_ne!(copy, other);
    let is_over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..4)
        .map(|it| {
            let (room, is_over) = (room.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    if it % 2 == 0 {
                        add(&room).await.unwrap();
                    } else {
                        assert!(count(&room).await >= 3);
                    }
                }
            })
        })
        .collect();
    for _ in 0..10 {
        room.restore(&copy).await.unwrap();
        tokio::task::yield_now().await;
    }
    is_over.store(true, Ordering::Relaxed);
    for one in busy {
        one.await.unwrap();
    }
    room.restore(&copy).await.unwrap();
    assert_eq!(count(&room).await, 3);
    add(&room).await.unwrap();
    assert_eq!(count(&room).await, 4);
    room.check().await.unwrap();
    let Some(folder) = stage.folder() else { return };
    let left = ["clips.copy-1", "clips.copy-2", "clips.sqlite", "clips.sqlite-shm", "clips.sqlite-wal"];
    assert_eq!(files(folder), left);
}

async fn a_restore_brings_back_the_tables_too(stage: &Stage) {
    let room = tallied(&stage.store, stage.key()).await;
    add(&room).await.unwrap();
    let copy = room.save().await.unwrap();
    let guest = room.guest(Tenant::All);
    assert_eq!(guest.query("select * from clip", vec![]).await.unwrap().columns().len(), 2);
    room.execute("alter table clip add column length integer", vec![]).await.unwrap();
    room.execute("create table other (x text)", vec![]).await.unwrap();
    assert_eq!(guest.query("select * from clip", vec![]).await.unwrap().columns().len(), 3);
    room.restore(&copy).await.unwrap();
    assert_eq!(guest.query("select * from clip", vec![]).await.unwrap().columns().len(), 2);
    assert!(room.query("select * from other", vec![]).await.is_err());
}

async fn a_cleared_room_is_empty_and_serves_on(stage: &Stage) {
    let room = tallied(&stage.store, stage.key()).await;
    add(&room).await.unwrap();
    room.clear().await.unwrap();
    if stage.engine == Engine::Sqlite {
        assert!(room.query("select * from sqlite_schema", vec![]).await.unwrap().is_empty());
    }
    assert!(room.guest(Tenant::All).query("select * from clip", vec![]).await.is_err());
    room.execute("create table clip (x bigint)", vec![]).await.unwrap();
    room.execute("insert into clip values (1)", vec![]).await.unwrap();
    room.check().await.unwrap();
    assert!(room.size().await.unwrap() > 0);
    stage.store.close().await;
    let again = stage.store.room("clips").await.unwrap();
    assert_eq!(again.query("select * from clip", vec![]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_copy_is_refused_and_the_room_stays_as_it_was() {
    let (folder, _store, room) = room().await;
    for _ in 0..500 {
        room.execute("insert into clip (title) values (hex(zeroblob(200)))", vec![]).await.unwrap();
    }
    room.execute("update tally set clips = 500", vec![]).await.unwrap();
    let copy = folder.path().join("copy");
    room.snapshot(&copy).await.unwrap();
    let whole = std::fs::read(&copy).unwrap();
    let mut scratched = whole.clone();
    scratched[4096 * 3..4096 * 6].fill(0xff);
    let damaged: [(&str, &[u8]); 4] = [
        ("scratched", &scratched),
        ("cut", &whole[..whole.len() / 2]),
        ("text", b"this is no database, but it is long enough to be read as the head of one, which takes 100 bytes."),
        ("long text", &[b'x'; 10_000]),
    ];
    for (name, bytes) in damaged {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let error = room.restore(&file.into()).await.expect_err(name);
        assert!(matches!(error, Error::Corrupt { .. }), "{name}: {error:?}");
        assert_eq!(count(&room).await, 500);
    }
    let missing = room.restore(&folder.path().join("missing").into()).await;
    assert!(matches!(missing, Err(Error::Io { .. })), "{missing:?}");
    add(&room).await.unwrap();
    room.check().await.unwrap();
    room.restore(&copy.into()).await.unwrap();
    assert_eq!(count(&room).await, 500);
}

#[tokio::test]
async fn a_room_whose_file_is_damaged_says_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clips.sqlite"), [b'x'; 10_000]).unwrap();
    let store = Store::open_sqlite(folder.path(), options()).unwrap();
    let error = store.room("clips").await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(matches!(store.room("../clips").await, Err(Error::BadRoomName { .. })));
    assert!(matches!(store.room("Clips").await, Err(Error::BadRoomName { .. })));
    assert!(matches!(store.room("").await, Err(Error::BadRoomName { .. })));
    store.room("other").await.unwrap().execute("create table t (x)", vec![]).await.unwrap();
    assert_eq!(store.rooms().await.unwrap(), ["clips", "other"]);
}

#[tokio::test]
async fn a_reference_that_fits_no_key_is_no_damage() {
    let (_folder, _store, room) = room().await;
    room.execute("create table odd (clip references tally (clips))", vec![]).await.unwrap();
    let copy = room.save().await.unwrap();
    room.check().await.unwrap();
    room.restore(&copy).await.unwrap();
    assert_eq!(count(&room).await, 0);
}

async fn a_removed_room_is_gone_with_its_copies_and_made_anew_when_asked_for(stage: &Stage) {
    let room = tallied(&stage.store, stage.key()).await;
    add(&room).await.unwrap();
    assert_eq!(room.tables().await.unwrap(), [("clip".to_owned(), Some(1)), ("tally".to_owned(), Some(1))]);
    room.save().await.unwrap();
    // The name of another's room may look like that of a copy.
    let other = stage.store.room("clips_copy_7").await.unwrap();
    other.execute("create table mine (x integer)", vec![]).await.unwrap();

    stage.store.remove("clips").await.unwrap();
    assert_eq!(stage.store.rooms().await.unwrap(), ["clips_copy_7"]);
    assert!(room.query("select 1", vec![]).await.is_err() || stage.engine == Engine::Postgres);
    assert!(matches!(
        room.begin().await.unwrap().execute("select 1", vec![]).await,
        Err(Error::Unavailable { .. })
    ));
    assert!(other.query("select x from mine", vec![]).await.unwrap().is_empty());
    if let Some(folder) = stage.folder() {
        assert!(files(folder).iter().all(|file| file.starts_with("clips_copy_7.")), "{:?}", files(folder));
    }
    // Removed once more, there is nothing to do.
    stage.store.remove("clips").await.unwrap();

    let again = tallied(&stage.store, stage.key()).await;
    assert_eq!(count(&again).await, 0);
    add(&again).await.unwrap();
    assert_eq!(count(&again).await, 1);
}
