//! What is left when the process is killed, and when there is no space.
//!
//! The tests run this binary again, with [`ROLE`] saying what to be.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use switchboard_store::{Error, Options, Room, Store, Value};

const ROLE: &str = "SWITCHBOARD_STORE_TEST_ROLE";
const FOLDER: &str = "SWITCHBOARD_STORE_TEST_FOLDER";

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

async fn open(folder: &Path) -> (Store, Room) {
    let store = Store::open_sqlite(folder, Options::default()).unwrap();
    let room = store.room("clips").await.unwrap();
    (store, room)
}

/// This binary again, running one test only.
fn child(test: &str, folder: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("crash::{test}"), "--nocapture", "--test-threads=1"]);
    child.env(ROLE, test).env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::piped());
    child
}

fn am_child(test: &str) -> Option<std::path::PathBuf> {
    (std::env::var(ROLE).ok()? == test).then(|| std::env::var(FOLDER).unwrap().into())
}

async fn write_without_end(folder: &Path) {
    let (_store, room) = open(folder).await;
    let writers: Vec<_> = (0..16_i64)
        .map(|writer| {
            let room = room.clone();
            tokio::spawn(async move {
                for turn in 0.. {
                    let id = writer * 1_000_000 + turn;
                    if turn % 3 == 0 {
                        let mut it = room.begin().await.unwrap();
                        for half in [0, 1] {
                            let values = vec![id.into(), half.into()];
                            it.execute("insert into pair values ($1, $2)", values).await.unwrap();
                        }
                        it.commit().await.unwrap();
                        println!("pair {id}");
                    } else {
                        room.execute("insert into clip values ($1)", vec![id.into()]).await.unwrap();
                        println!("clip {id}");
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[test]
fn whatever_was_acknowledged_is_there_after_the_process_was_killed() {
    const TEST: &str = "whatever_was_acknowledged_is_there_after_the_process_was_killed";
    if let Some(folder) = am_child(TEST) {
        return run(write_without_end(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (store, room) = open(folder.path()).await;
        room.execute("create table clip (id integer primary key)", vec![]).await.unwrap();
        room.execute("create table pair (id integer, half integer, primary key (id, half))", vec![])
            .await
            .unwrap();
        store.close().await;
    });
    let (mut clips, mut pairs) = (Vec::<i64>::new(), Vec::<i64>::new());
    for lines in [50, 400, 1000] {
        run(async {
            let (store, room) = open(folder.path()).await;
            room.execute("delete from clip", vec![]).await.unwrap();
            room.execute("delete from pair", vec![]).await.unwrap();
            store.close().await;
        });
        clips.clear();
        pairs.clear();
        let mut child = child(TEST, folder.path()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        let mut killed = false;
        // What it said before it died is read to the end: all of it was acknowledged.
        while let Some(Ok(line)) = said.next() {
            let Some((kind, Ok(id))) = line.split_once(' ').map(|(kind, id)| (kind, id.parse())) else {
                continue;
            };
            match kind {
                "clip" => clips.push(id),
                "pair" => pairs.push(id),
                _ => continue,
            }
            seen += 1;
            if seen >= lines && !killed {
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed && seen >= lines);
        run(async {
            let (_store, room) = open(folder.path()).await;
            room.check().await.unwrap();
            let there: Vec<i64> = room.query("select id from clip", vec![]).await.unwrap().to().unwrap();
            assert!(clips.iter().all(|id| there.contains(id)));
            let whole = "select id from pair group by id having count(*) = 2";
            let whole: Vec<i64> = room.query(whole, vec![]).await.unwrap().to().unwrap();
            assert!(pairs.iter().all(|id| whole.contains(id)));
            let half = "select id from pair group by id having count(*) <> 2";
            assert!(room.query(half, vec![]).await.unwrap().is_empty());
            room.execute("insert into clip values (-1)", vec![]).await.unwrap();
        });
    }
}

async fn fill(folder: &Path) {
    let (store, room) = open(folder).await;
    let mut kept = Vec::new();
    let error = loop {
        let id = i64::try_from(kept.len()).unwrap();
        let values = vec![id.into(), Value::Bytes(vec![7; 20_000].into())];
        match room.execute("insert into clip values ($1, $2)", values).await {
            Ok(_) => kept.push(id),
            Err(error) => break error,
        }
        assert!(kept.len() < 10_000, "the disk is never full");
    };
    assert!(matches!(error, Error::Full { .. } | Error::Io { .. }), "{error:?}");
    // An interactive transaction learns of it too, and the room goes on serving reads.
    let mut it = room.begin().await.unwrap();
    let mut failed = false;
    for id in 20_000..20_010_i64 {
        let values = vec![id.into(), Value::Bytes(vec![7; 2_000_000].into())];
        failed |= it.execute("insert into clip values ($1, $2)", values).await.is_err();
    }
    failed |= it.commit().await.is_err();
    assert!(failed);
    let there = room.query("select id from clip where id < 20000 order by id", vec![]).await.unwrap();
    assert_eq!(there.to::<i64>().unwrap(), kept);
    println!("kept {}", kept.len());
    store.close().await;
}

/// Runs a child whose files may not grow beyond so many blocks, which stands in for a small disk.
fn on_a_small_disk(test: &str, blocks: u32, folder: &Path) -> String {
    let inner = child(test, folder);
    // So that it be an error, as on a disk, the signal is ignored.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).arg(inner.get_program()).args(inner.get_args());
    shell.env(ROLE, test).env(FOLDER, folder);
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

async fn copy_in_vain(folder: &Path) {
    let (store, room) = open(folder).await;
    let copied = room.save().await;
    assert!(matches!(copied, Err(Error::Full { .. } | Error::Io { .. })), "{copied:?}");
    let names = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains("copy")).count(), 0);
    room.check().await.unwrap();
    store.close().await;
}

#[test]
fn a_copy_that_finds_no_space_leaves_nothing_behind() {
    const TEST: &str = "a_copy_that_finds_no_space_leaves_nothing_behind";
    if let Some(folder) = am_child(TEST) {
        return run(copy_in_vain(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (store, room) = open(folder.path()).await;
        room.execute("create table clip as select zeroblob(3000000)", vec![]).await.unwrap();
        store.close().await;
    });
    on_a_small_disk(TEST, 1000, folder.path());
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    const TEST: &str = "a_full_disk_refuses_writes_and_loses_nothing";
    if let Some(folder) = am_child(TEST) {
        return run(fill(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (store, room) = open(folder.path()).await;
        room.execute("create table clip (id integer primary key, bytes blob)", vec![]).await.unwrap();
        store.close().await;
    });
    let said = on_a_small_disk(TEST, 3000, folder.path());
    let kept =
        said.lines().find_map(|line| line.split_once("kept ")).unwrap().1.trim().parse::<i64>().unwrap();
    assert!(kept > 0);
    run(async {
        let (_store, room) = open(folder.path()).await;
        room.check().await.unwrap();
        let there = room.query("select count(*) from clip where id < 20000", vec![]).await.unwrap();
        assert_eq!(there.to::<i64>().unwrap(), [kept]);
        room.execute("insert into clip values (-1, null)", vec![]).await.unwrap();
        tokio::time::timeout(Duration::from_secs(60), room.save()).await.unwrap().unwrap();
    });
}
