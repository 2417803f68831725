//! Statements that take effect together, or not at all.

use std::time::Duration;

use switchboard_store::{Error, Options, Room, Tenant, Value};

use crate::stage::{Stage, hasty, on_each_engine, options};

on_each_engine! {
    options() =>
        what_is_committed_is_there_and_what_is_dropped_is_not,
        it_reads_what_it_wrote,
        one_begins_after_the_other_has_ended,
        many_at_once_lose_no_update,
        a_statement_that_fails_is_undone_by_itself,
        a_guests_transaction_carries_what_the_host_notes_in_it,
        one_that_was_asked_for_and_not_taken_holds_nobody_up;
    hasty() =>
        one_that_holds_for_too_long_is_undone_and_the_next_goes_on,
        one_whose_statement_never_ends_is_undone_and_the_next_goes_on;
    Options { statement_time: Duration::from_millis(300), ..options() } =>
        a_write_that_is_stopped_ends_its_transaction_and_a_read_does_not,
        one_dropped_while_its_statement_runs_is_undone_when_that_ends;
}

async fn titles(room: &Room) -> Vec<String> {
    room.query("select title from clip order by title", vec![]).await.unwrap().to().unwrap()
}

const INSERT: &str = "insert into clip (title) values ($1)";
const ENDLESS: &str = "insert into clip (title)
    with recursive n (x) as (select cast(1 as bigint) union all select x + 1 from n) select 'endless' from n";

/// It is counted by whoever ended it, which the others need not have waited for.
async fn is_counted(room: &Room) {
    while room.stats().timeouts == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(room.stats().timeouts, 1);
}

fn titled(title: &str) -> Vec<Value> {
    vec![title.into()]
}

async fn what_is_committed_is_there_and_what_is_dropped_is_not(stage: &Stage) {
    let room = stage.clips().await;
    let mut kept = room.begin().await.unwrap();
    kept.execute(INSERT, titled("a")).await.unwrap();
    kept.execute(INSERT, titled("b")).await.unwrap();
    assert!(titles(&room).await.is_empty());
    kept.commit().await.unwrap();
    let mut dropped = room.begin().await.unwrap();
    dropped.execute(INSERT, titled("c")).await.unwrap();
    drop(dropped);
    let unused = room.begin().await.unwrap();
    drop(unused);
    room.begin().await.unwrap().commit().await.unwrap();
    room.execute(INSERT, titled("d")).await.unwrap();
    assert_eq!(titles(&room).await, ["a", "b", "d"]);
}

async fn it_reads_what_it_wrote(stage: &Stage) {
    let room = stage.clips().await;
    let mut it = room.guest(Tenant::All).begin().await.unwrap();
    it.execute(INSERT, titled("a")).await.unwrap();
    let seen: Vec<String> = it.query("select title from clip", vec![]).await.unwrap().to().unwrap();
    assert_eq!(seen, ["a"]);
    let gone: Vec<String> = it.query("delete from clip returning title", vec![]).await.unwrap().to().unwrap();
    assert_eq!(gone, ["a"]);
    assert!(it.query("select title from clip", vec![]).await.unwrap().is_empty());
    it.commit().await.unwrap();
}

async fn one_begins_after_the_other_has_ended(stage: &Stage) {
    let room = stage.clips().await;
    let mut first = room.begin().await.unwrap();
    first.execute(INSERT, titled("first")).await.unwrap();
    let second = {
        let room = room.clone();
        tokio::spawn(async move {
            let mut second = room.begin().await.unwrap();
            let seen = second.query("select title from clip", vec![]).await.unwrap().len();
            second.execute(INSERT, titled("second")).await.unwrap();
            second.commit().await.unwrap();
            seen
        })
    };
    let write = {
        let room = room.clone();
        tokio::spawn(async move { room.execute(INSERT, titled("third")).await })
    };
    tokio::task::yield_now().await;
    assert!(!second.is_finished() && !write.is_finished());
    first.commit().await.unwrap();
    // Which of those who wait is next, no engine promises: the third's may be there too.
    assert!(second.await.unwrap() >= 1, "it sees what the first has done");
    write.await.unwrap().unwrap();
    assert_eq!(titles(&room).await, ["first", "second", "third"]);
}

async fn many_at_once_lose_no_update(stage: &Stage) {
    let room = stage.clips().await;
    room.execute(INSERT, titled("0")).await.unwrap();
    let before = room.stats();
    let all: Vec<_> = (0..100)
        .map(|number| {
            let guest = room.guest(Tenant::All);
            tokio::spawn(async move {
                if number % 4 == 0 {
                    let sql = "update clip set title = cast(cast(title as integer) + 1 as text)";
                    guest.execute(sql, vec![]).await.unwrap();
                    return;
                }
                let mut it = guest.begin().await.unwrap();
                let is: Vec<String> = it.query("select title from clip", vec![]).await.unwrap().to().unwrap();
                let next = is[0].parse::<i64>().unwrap() + 1;
                it.execute("update clip set title = $1", titled(&next.to_string())).await.unwrap();
                it.commit().await.unwrap();
            })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
    assert_eq!(titles(&room).await, ["100"]);
    assert_eq!(room.stats().writes - before.writes, 100);
}

async fn one_that_holds_for_too_long_is_undone_and_the_next_goes_on(stage: &Stage) {
    let room = stage.clips().await;
    let mut slow = room.begin().await.unwrap();
    slow.execute(INSERT, titled("slow")).await.unwrap();
    let mut next = room.begin().await.unwrap();
    next.execute(INSERT, titled("next")).await.unwrap();
    next.commit().await.unwrap();
    let late = slow.execute(INSERT, titled("late")).await.unwrap_err();
    assert!(matches!(late, Error::Timeout { what: "a transaction", .. }), "{late:?}");
    assert!(matches!(slow.query("select 1", vec![]).await, Err(Error::Timeout { .. })));
    assert!(matches!(slow.commit().await, Err(Error::Timeout { .. })));
    assert_eq!(titles(&room).await, ["next"]);
    is_counted(&room).await;
}

async fn one_whose_statement_never_ends_is_undone_and_the_next_goes_on(stage: &Stage) {
    let room = stage.clips().await;
    let mut slow = room.guest(Tenant::All).begin().await.unwrap();
    slow.execute(INSERT, titled("slow")).await.unwrap();
    let late = slow.execute(ENDLESS, vec![]).await.unwrap_err();
    assert!(matches!(late, Error::Timeout { what: "a transaction", .. }), "{late:?}");
    room.execute(INSERT, titled("next")).await.unwrap();
    assert!(slow.commit().await.is_err());
    assert_eq!(titles(&room).await, ["next"]);
    is_counted(&room).await;
}

async fn a_write_that_is_stopped_ends_its_transaction_and_a_read_does_not(stage: &Stage) {
    let room = stage.clips().await;
    let mut it = room.begin().await.unwrap();
    it.execute(INSERT, titled("a")).await.unwrap();
    let endless = "with recursive n (x) as (select cast(1 as bigint) union all select x + 1 from n) select count(*) from n";
    let error = it.query(endless, vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { what: "a statement", .. }), "{error:?}");
    it.execute(INSERT, titled("b")).await.unwrap();
    it.commit().await.unwrap();
    let mut it = room.begin().await.unwrap();
    it.execute(INSERT, titled("c")).await.unwrap();
    assert!(matches!(it.execute(ENDLESS, vec![]).await, Err(Error::Timeout { .. })));
    assert!(it.execute(INSERT, titled("d")).await.is_err());
    assert!(it.commit().await.is_err());
    assert_eq!(titles(&room).await, ["a", "b"]);
}

async fn a_statement_that_fails_is_undone_by_itself(stage: &Stage) {
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
}

/// Of SQLite alone: `or rollback` is its own.
#[tokio::test]
async fn one_that_undoes_itself_by_sql_has_ended() {
    let stage = Stage::on_sqlite(options());
    let room = stage.clips().await;
    let mut it = room.guest(Tenant::All).begin().await.unwrap();
    it.execute(INSERT, titled("a")).await.unwrap();
    let error = it.execute("insert or rollback into clip (title) values (null)", vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Constraint { .. }), "{error:?}");
    assert!(it.execute(INSERT, titled("b")).await.is_err());
    assert!(it.commit().await.is_err());
    room.execute(INSERT, titled("c")).await.unwrap();
    assert_eq!(titles(&room).await, ["c"]);
}

async fn a_guests_transaction_carries_what_the_host_notes_in_it(stage: &Stage) {
    let room = stage.clips().await;
    let note = "insert into _switchboard_outbox (what) values ($1)";
    for is_kept in [true, false] {
        let mut it = room.guest(Tenant::All).begin().await.unwrap();
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
    // The host may be the first to say something.
    let mut it = room.guest(Tenant::Only(7)).begin().await.unwrap();
    it.execute_as_host(note, titled("first")).await.unwrap();
    it.execute(INSERT, titled("b")).await.unwrap();
    it.commit().await.unwrap();
    assert_eq!(titles(&room).await, ["a", "b"]);
    let notes = room.query("select what from _switchboard_outbox order by what", vec![]).await.unwrap();
    assert_eq!(notes.to::<String>().unwrap(), ["clip.added", "first", "last"]);
}

async fn one_dropped_while_its_statement_runs_is_undone_when_that_ends(stage: &Stage) {
    let room = stage.clips().await;
    let mut it = room.begin().await.unwrap();
    it.execute(INSERT, titled("a")).await.unwrap();
    let gone = tokio::time::timeout(Duration::from_millis(20), it.execute(ENDLESS, vec![])).await;
    assert!(gone.is_err());
    // Nobody waits for that statement any more, but it has the connection.
    assert!(it.execute(INSERT, titled("b")).await.is_err());
    drop(it);
    room.execute(INSERT, titled("next")).await.unwrap();
    assert_eq!(titles(&room).await, ["next"]);
    let mut it = room.begin().await.unwrap();
    let gone = tokio::time::timeout(Duration::from_millis(20), it.execute(ENDLESS, vec![])).await;
    assert!(gone.is_err());
    assert!(it.commit().await.is_err());
    assert_eq!(titles(&room).await, ["next"]);
}

async fn one_that_was_asked_for_and_not_taken_holds_nobody_up(stage: &Stage) {
    let room = stage.clips().await;
    for _ in 0..50 {
        let _ = tokio::time::timeout(Duration::ZERO, room.begin()).await;
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.begin().await }
        });
        tokio::task::yield_now().await;
        waiting.abort();
    }
    room.execute(INSERT, titled("a")).await.unwrap();
    assert_eq!(titles(&room).await, ["a"]);
}
