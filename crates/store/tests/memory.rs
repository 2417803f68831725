//! What becomes of a statement that takes all the memory there is. Alone in its process, as the limit is the process's.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

use std::time::Duration;

use switchboard_store::{Error, Options, Store, Tenant};

#[tokio::test]
async fn memory_without_end_is_refused_and_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { statement_time: Duration::from_secs(60), ..Options::default() };
    let room = Store::open_sqlite(folder.path(), options).unwrap().room("clips").await.unwrap();
    room.execute("create table clip (title text)", vec![]).await.unwrap();
    let guest = room.guest(Tenant::All);
    let hoard = "with recursive n (x) as (select 1 union all select x + 1 from n)
                 select count(*) from (select x, zeroblob(8000000) as much from n order by much, x)";
    let error = guest.query(hoard, vec![]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    guest.execute("insert into clip (title) values ('Nine')", vec![]).await.unwrap();
    assert_eq!(guest.query("select * from clip", vec![]).await.unwrap().len(), 1);
}
