//! Whatever statements are made of, a tenant's give what they would in a room that never held another's rows.
//!
//! Of SQLite alone, where statements are rewritten; on PostgreSQL its own policies do it.

use proptest::prelude::*;
use switchboard_store::{Migration, Options, Room, Store, Synchronous, Tenant};

const TABLES: &str = "
    create table clip (id integer primary key, organization_id integer not null, title text, game text, seen integer);
    create index clip_by_game on clip (organization_id, game, seen);
    create index clip_by_title on clip (title);
    create table comment (
        organization_id integer not null, number integer not null, clip_id integer, body text,
        primary key (organization_id, number)
    ) without rowid;
    create view popular as select id, title, seen from clip where seen > 1;
    create virtual table clip_text using fts5 (title, game, content = 'clip', content_rowid = 'id');
    create trigger clip_text_insert after insert on clip begin
        insert into clip_text (rowid, title, game) values (new.id, new.title, new.game);
    end;
    create trigger clip_text_update after update on clip begin
        insert into clip_text (clip_text, rowid, title, game) values ('delete', old.id, old.title, old.game);
        insert into clip_text (rowid, title, game) values (new.id, new.title, new.game);
    end;
    create trigger clip_text_delete after delete on clip begin
        insert into clip_text (clip_text, rowid, title, game) values ('delete', old.id, old.title, old.game);
    end;
";

fn pick(among: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(among).prop_map(str::to_owned).boxed()
}

/// An expression over columns that every source below has.
fn value(depth: u32) -> BoxedStrategy<String> {
    let plain = pick(&["id", "seen", "title", "1", "2", "3", "'ace'", "null", "organization_id"]);
    if depth == 0 {
        return plain;
    }
    prop_oneof![
        3 => plain,
        1 => (value(depth - 1), value(depth - 1)).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
        1 => source(depth - 1).prop_map(|source| format!("(select max(seen) from {source})")),
        1 => source(depth - 1).prop_map(|source| format!("(select count(*) from {source})")),
        1 => (condition(depth - 1), value(depth - 1)).prop_map(|(when, then)| format!("case when {when} then {then} end")),
    ]
    .boxed()
}

fn condition(depth: u32) -> BoxedStrategy<String> {
    let plain = pick(&[
        "true",
        "id > 3",
        "seen = 1",
        "title = 'ace'",
        "game is not null",
        "organization_id = 1",
        "organization_id = 2",
        "organization_id <> 1",
        "title > 'b'",
        "id in (1, 2, 5, 6)",
        "game = 'go' and seen > 0",
    ]);
    if depth == 0 {
        return plain;
    }
    prop_oneof![
        3 => plain,
        1 => (condition(depth - 1), condition(depth - 1)).prop_map(|(a, b)| format!("({a} or {b})")),
        1 => (condition(depth - 1), condition(depth - 1)).prop_map(|(a, b)| format!("{a} and not ({b})")),
        1 => (value(depth - 1), value(depth - 1)).prop_map(|(a, b)| format!("{a} = {b}")),
        1 => source(depth - 1).prop_map(|source| format!("id in (select id from {source})")),
        1 => (source(depth - 1), condition(depth - 1))
            .prop_map(|(source, condition)| format!("exists (select 1 from {source} where {condition})")),
        1 => pick(&["ace", "go", "clutch OR ace"])
            .prop_map(|words| format!("id in (select rowid from clip_text where clip_text match '{words}')")),
    ]
    .boxed()
}

/// What stands behind `from`, with the columns of a clip.
fn source(depth: u32) -> BoxedStrategy<String> {
    let plain = pick(&["clip", "\"clip\"", "Clip as c", "(select * from clip) as s", "(clip)"]);
    if depth == 0 {
        return plain;
    }
    prop_oneof![
        3 => plain,
        1 => select(depth - 1).prop_map(|select| format!("({select}) as s")),
        1 => condition(depth - 1).prop_map(|condition| {
            format!("(select a.* from clip a left join comment b on b.clip_id = a.id where {condition_of_a}) as j",
                condition_of_a = condition.replace("id in (1", "a.id in (1").replace("organization_id", "a.organization_id")
                    .replace("id > 3", "a.id > 3"))
        }),
        1 => Just("(select p.id, 1 as organization_id, p.title, 'go' as game, p.seen from popular p) as v".to_owned()),
    ]
    .boxed()
}

/// Gives the columns of a clip.
fn select(depth: u32) -> BoxedStrategy<String> {
    let columns = "id, organization_id, title, game, seen";
    (source(depth), condition(depth), any::<bool>(), 0..4_u8)
        .prop_map(move |(source, condition, is_limited, shape)| {
            let limit = if is_limited { " order by id, title limit 3" } else { "" };
            let one = format!("select {columns} from {source} where {condition}");
            match shape {
                0 => format!("select * from ({one}{limit})"),
                1 => format!("with w as ({one}) select {columns} from w union select {columns} from clip where seen > 2"),
                2 => format!("select * from (with clip as (select 9 as id, 1 as organization_id, 'x' as title, null as game, 1 as seen) {one})"),
                _ => one,
            }
        })
        .boxed()
}

fn statement() -> BoxedStrategy<String> {
    let upsert = "insert into comment (organization_id, number, clip_id, body) ";
    prop_oneof![
        4 => (select(2), value(1)).prop_map(|(select, value)| format!("select {value}, id, title, seen, game from ({select}) order by 2, 3, 4, 1, 5")),
        2 => (source(2), value(2)).prop_map(|(source, value)| format!("select game, count(*), max({value}) from {source} group by game order by 1, 2, 3")),
        2 => (value(2), condition(2)).prop_map(|(value, condition)| format!("update clip set seen = {value} where {condition}")),
        1 => (value(1), condition(1)).prop_map(|(value, condition)| format!("update clip set seen = {value} where {condition} returning seen is null")),
        1 => condition(2).prop_map(|condition| format!("update clip as c set title = o.body from comment as o where o.clip_id = c.id and c.id in (select id from clip where {condition})")),
        1 => condition(2).prop_map(|condition| format!("delete from clip where seen = 0 and {condition}")),
        1 => condition(1).prop_map(|condition| format!("delete from clip where id = 6 and {condition} returning id, title")),
        1 => (1..9_i64, source(1), condition(1)).prop_map(move |(number, source, condition)| {
            format!("{upsert}select 1, {number}, max(id), max(title) from {source} where {condition} \
                     on conflict (organization_id, number) do update set body = excluded.body, clip_id = (select min(id) from clip)")
        }),
        1 => (1..9_i64, condition(0)).prop_map(move |(number, condition)| {
            format!("{upsert}values (1, {number}, (select max(id) from clip where {condition}), 'ace') \
                     on conflict (organization_id, number) do update set body = 'again' where comment.clip_id > 2 returning body")
        }),
        1 => (10..14_i64, 0..3_i64).prop_map(|(id, seen)| {
            format!("insert into clip (id, organization_id, title, game, seen) values ({id}, 1, 'new ace', 'go', {seen})")
        }),
    ]
    .boxed()
}

const STATE: &str = "select id, title, game, seen, null from clip where organization_id = $1
    union all select number, body, null, clip_id, 1 from comment where organization_id = $1
    union all select c.id, null, null, null, 2 from clip c where c.organization_id = $1
        and c.id in (select rowid from clip_text where clip_text match 'ace') order by 5, 1";

async fn state(room: &Room, tenant: i64) -> String {
    format!("{:?}", room.query(STATE, vec![tenant.into()]).await.unwrap())
}

async fn follow(statements: Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
    let store = Store::open_sqlite(folder.path(), options).unwrap();
    let tables = [Migration { number: 1, name: "tables".into(), up: TABLES.into(), ..Migration::default() }];
    let (both, alone) = (store.room("both").await.unwrap(), store.room("alone").await.unwrap());
    for (room, tenants) in [(&both, &[1, 2][..]), (&alone, &[1][..])] {
        room.migrate(&tables).await.unwrap();
        for tenant in tenants {
            let first = 4 * (tenant - 1);
            for sql in [
                format!(
                    "insert into clip values ({}, {tenant}, 'ace', 'go', 0), ({}, {tenant}, 'clutch', null, 1), \
                         ({}, {tenant}, 'ace clutch', 'go', 2), ({}, {tenant}, null, 'chess', 3)",
                    first * 5 + 3,
                    first * 5 + 4,
                    first * 5 + 5,
                    first * 5 + 6
                ),
                format!(
                    "insert into comment values ({tenant}, 1, {}, 'body'), ({tenant}, 2, {}, null)",
                    first * 5 + 3,
                    first * 5 + 5
                ),
            ] {
                room.execute(&sql, vec![]).await.unwrap();
            }
        }
    }
    let other = state(&both, 2).await;
    for sql in statements {
        let here = both.guest(Tenant::Only(1)).query(&sql, vec![]).await;
        let there = alone.guest(Tenant::All).query(&sql, vec![]).await;
        match (&here, &there) {
            (Ok(here), Ok(there)) => assert_eq!(format!("{here:?}"), format!("{there:?}"), "{sql}"),
            (Err(_), Err(_)) => {}
            _ => panic!("{sql}: {here:?}, and alone {there:?}"),
        }
        assert_eq!(state(&both, 1).await, state(&alone, 1).await, "{sql}");
        assert_eq!(state(&both, 2).await, other, "{sql}");
    }
    store.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tenants_room_is_as_if_it_were_its_own(statements in prop::collection::vec(statement(), 1..12)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(follow(statements));
    }
}
