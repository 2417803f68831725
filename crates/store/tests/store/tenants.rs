//! What a statement for one tenant can reach of another's rows: nothing, whatever is written.
//!
//! Of SQLite alone, where statements are rewritten; on PostgreSQL its own policies do it, and `postgres.rs` attacks those.

use proptest::prelude::*;
use switchboard_store::{Error, Guest, Migration, Options, Room, Store, Synchronous, Tenant, Value};

/// What every foreign row has in it.
const SECRET: &str = "hidden";

const TABLES: &str = "
    create table clip (
        id integer primary key autoincrement, organization_id integer not null, title text not null,
        game text, seen integer not null default 0
    );
    create index clip_by_organization on clip (organization_id, game);
    create table comment (
        id integer primary key, organization_id integer not null,
        clip_id integer references clip (id) on delete cascade, body text
    );
    create table tag (name text primary key, organization_id integer not null, note text) without rowid;
    create table seat (organization_id integer not null, number integer, who text,
        primary key (organization_id, number));
    create table chair (number integer primary key on conflict replace, organization_id integer, who text);
    create table one (organization_id integer);
    create table label (id integer primary key, name text);
    create table lever (id integer primary key, name text, many integer);
    create table log (id integer primary key, organization_id integer, what text);

    create view recent (owner, name) as select organization_id, title from clip where id > 0 -- all of them
    ;
    create view twice as with r as (select name from recent) select a.name as one, b.name as other from r a, recent b;
    create view all_of_it as select clip.title, recent.name from clip, recent;
    create view a_straight as select * from straight;
    create view plain as select name from label;
    create view straight as select title from main.clip;
    create view door as select id, title from clip;
    create trigger through_the_door instead of update on door begin update clip set title = new.title where id = old.id; end;

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
    create virtual table words using fts5vocab (clip_text, 'row');
    create virtual table comment_text using fts5 (body, organization_id unindexed);
    create trigger comment_text_insert after insert on comment begin
        insert into comment_text (rowid, body, organization_id) values (new.id, new.body, new.organization_id);
        insert into log (organization_id, what) values (new.organization_id, 'comment');
    end;
    create virtual table misled using fts5 (who, content = 'chair', content_rowid = 'organization_id');
    create virtual table anything using fts5 (body);

    create trigger count_all after update of many on lever begin
        update lever set name = (select count(*) from clip) where id = new.id;
    end;
    create trigger wipe after delete on lever begin delete from comment where body like old.name; end;
    create trigger swap after insert on lever when new.name = 'swap' begin
        insert or replace into tag (name, organization_id) values ('two', 1);
    end;
";

/// Rows of the second tenant, then of the first, so that both rooms would give the next row the same number.
const OTHERS: &[&str] = &[
    "insert into clip (id, organization_id, title, game) values (1, 2, 'SECRET hidden one', 'go'), (2, 2, 'SECRET hidden two', 'chess')",
    "insert into comment (id, organization_id, clip_id, body) values (1, 2, 1, 'SECRET hidden comment')",
    "insert into tag (name, organization_id, note) values ('two', 2, 'SECRET hidden tag')",
    "insert into seat (organization_id, number, who) values (2, 1, 'SECRET hidden seat')",
    "insert into chair (number, organization_id, who) values (1, 2, 'SECRET hidden chair')",
    "insert into one (organization_id) values (2)",
    "insert into anything (body) values ('SECRET hidden anything')",
];
const OWN: &[&str] = &[
    "insert into clip (id, organization_id, title, game) values (3, 1, 'mine three', 'go'), (4, 1, 'mine four', 'go')",
    "insert into comment (id, organization_id, clip_id, body) values (2, 1, 3, 'mine')",
    "insert into tag (name, organization_id, note) values ('one', 1, 'mine')",
    "insert into seat (organization_id, number, who) values (1, 1, 'me')",
    "insert into one (organization_id) values (1)",
    "insert into label (id, name) values (1, 'shared')",
    "insert into lever (id, name, many) values (1, 'shared', 0)",
];

/// Everything that tenants own, and the secret in it.
const CONTENTS: &str = "
    select 'clip' || id || organization_id || title || coalesce(game, '') || seen from clip where organization_id = 2
    union all select 'comment' || id || organization_id || coalesce(clip_id, '') || body from comment where organization_id = 2
    union all select 'tag' || name || organization_id || note from tag where organization_id = 2
    union all select 'seat' || organization_id || number || who from seat where organization_id = 2
    union all select 'chair' || number || organization_id || who from chair where organization_id = 2
    union all select 'log' || id || organization_id || what from log where organization_id = 2
    union all select 'one' || organization_id from one where organization_id = 2
    union all select 'text' || rowid from clip_text where clip_text match 'secret'
    union all select 'comment_text' || rowid || body from comment_text where organization_id = 2 order by 1";

struct House {
    _folder: tempfile::TempDir,
    _store: Store,
    /// With the rows of two tenants.
    room: Room,
    /// With the rows of the first alone, as if there were no other.
    alone: Room,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
    let store = Store::open_sqlite(folder.path(), options).unwrap();
    let (room, alone) = (store.room("both").await.unwrap(), store.room("alone").await.unwrap());
    let tables = Migration { number: 1, name: "tables".into(), up: TABLES.into(), ..Migration::default() };
    for room in [&room, &alone] {
        room.migrate(std::slice::from_ref(&tables)).await.unwrap();
    }
    for sql in OTHERS.iter().chain(OWN) {
        room.execute(sql, vec![]).await.expect(sql);
    }
    for sql in OWN {
        alone.execute(sql, vec![]).await.expect(sql);
    }
    House { _folder: folder, _store: store, room, alone }
}

impl House {
    fn first(&self) -> Guest {
        self.room.guest(Tenant::Only(1))
    }

    async fn foreign(&self) -> Vec<String> {
        self.room.query(CONTENTS, vec![]).await.unwrap().to().unwrap()
    }

    /// What the first tenant gets on each way in, undone afterwards where it can be.
    async fn tried(&self, room: &Room, tenant: Tenant, sql: &str) -> Vec<Result<String, Error>> {
        let guest = room.guest(tenant);
        let mut outcomes = Vec::new();
        let mut transaction = guest.begin().await.unwrap();
        outcomes.push(transaction.query(sql, vec![]).await.map(|rows| format!("{rows:?}")));
        drop(transaction);
        let mut transaction = guest.begin().await.unwrap();
        transaction.query("select 1", vec![]).await.unwrap();
        let executed = transaction.execute(sql, vec![]).await;
        outcomes.push(executed.map(|executed| executed.rows_affected.to_string()));
        drop(transaction);
        outcomes
    }

    /// The statement gives what it would if there were no other tenant, and changes nothing of the other's.
    async fn answers_as_if_alone(&self, sql: &str) {
        let before = self.foreign().await;
        let here = self.tried(&self.room, Tenant::Only(1), sql).await;
        let alone = self.tried(&self.alone, Tenant::All, sql).await;
        for (here, alone) in here.iter().zip(&alone) {
            match (here, alone) {
                (Ok(here), Ok(alone)) => assert_eq!(here, alone, "{sql}"),
                (Err(_), Err(_)) => {}
                _ => panic!("{sql}: {here:?}, and alone {alone:?}"),
            }
        }
        // And once more such that it lasts.
        let lasting = self.first().query(sql, vec![]).await;
        assert!(!format!("{lasting:?}").contains(SECRET), "{sql}: {lasting:?}");
        assert_eq!(self.foreign().await, before, "{sql}");
    }

    /// The statement is refused, tells nothing, and changes nothing of the other's.
    async fn refuses(&self, sql: &str) -> Error {
        let before = self.foreign().await;
        for outcome in self.tried(&self.room, Tenant::Only(1), sql).await {
            let error = outcome.expect_err(sql);
            assert!(!error.to_string().contains(SECRET), "{sql}: {error}");
        }
        self.first().execute(sql, vec![]).await.expect_err(sql);
        let error = self.first().query(sql, vec![]).await.expect_err(sql);
        assert_eq!(self.foreign().await, before, "{sql}");
        error
    }

    async fn forbids(&self, sql: &str) {
        let error = self.refuses(sql).await;
        assert!(matches!(error, Error::Forbidden { .. }), "{sql}: {error:?}");
    }
}

/// In SQL that both engines take.
const PORTABLE: &[&str] = &[
    "select * from clip order by id",
    "select count(*) from clip",
    "select title from clip where organization_id = 2",
    "select title from clip where organization_id <> 1 or organization_id = 1 order by id",
    "select title from clip where id = 1",
    "select max(id), min(id), count(distinct game) from clip",
    "select c.title from clip c order by 1",
    "select c.title from clip as c join clip as d on d.id <> c.id order by 1",
    "select c.title, d.title from clip c left join clip d on d.id = c.id - 2 order by 1, 2",
    "select c.title, d.title from clip c full join clip d on d.id = c.id - 2 order by 1, 2",
    "select c.title from label right join clip c on label.id = c.id order by 1",
    "select c.title from clip c cross join label order by 1",
    "select title from (select title from (select * from clip) as a) as b order by 1",
    "select (select max(title) from clip)",
    "select 1 where exists (select 1 from clip where organization_id = 2)",
    "select 1 where 2 in (select organization_id from clip)",
    "select title from clip union select title from clip union all select body from comment order by 1",
    "select title from clip except select title from clip where id = 3",
    "with clip2 as (select * from clip) select title from clip2 order by 1",
    "with a as (select title from clip), b as (select title from a) select a.title from a, b order by 1",
    "with recursive n (x) as (select min(id) from clip union all select x + 1 from n where x < 6) select x from n",
    "with clip as (select 5 as title) select title from clip",
    "with clip as (select 5 as title), other as (select title from clip) select title from other",
    "select title from (with clip as (select 5 as title) select title from clip) as x",
    "select id, (select count(*) from comment where clip_id = clip.id) from clip order by id",
    "select title, row_number() over (order by id) from clip order by id",
    "select game, count(*) from clip group by game having count(*) > 0 order by (select max(title) from clip)",
    "select title from clip order by id limit (select count(*) from clip) offset (select count(*) from comment)",
    "select title from \"clip\" order by id",
    "select title from CLIP order by id",
    "select title from/**/clip/* */order by id -- done",
    "select name from recent order by name",
    "select count(*) from recent",
    "select one, other from twice order by 1, 2",
    "select r.name from recent r join clip on clip.title = r.name order by 1",
    "select name from plain",
    "select title, name from all_of_it order by 1, 2",
    "select name from tag order by name",
    "select count(*) from one",
    "select coalesce(sum(seen), 0) from clip",
    "values ((select max(title) from clip))",
    "insert into clip (organization_id, title) values (1, 'new') returning title",
    "insert into clip (organization_id, title) values (1, (select max(title) from clip)) returning title",
    "insert into clip (organization_id, title) select 1, title from clip order by id returning title",
    "insert into clip (organization_id, title) values (1, 'new') returning (select count(*) from clip)",
    "with a as (select max(title) as t from clip) insert into clip (organization_id, title) select 1, t from a returning title",
    "insert into label (id, name) select 100 + id, title from clip",
    "insert into log (organization_id, what) select organization_id, title from clip",
    "insert into comment (id, organization_id, clip_id, body) values (50, 1, 3, 'more') returning body",
    "insert into comment (id, organization_id, clip_id, body) values (51, 1, 999, 'nowhere')",
    "insert into tag (name, organization_id) values ('three', 1)",
    "insert into tag (name, organization_id) values ('one', 1) on conflict (name) do update set note = 'again' returning note",
    "insert into tag (name, organization_id) values ('one', 1) on conflict (name) do update set note = (select max(title) from clip) where tag.note = 'mine' returning note",
    "insert into tag (name, organization_id) values ('one', 1) on conflict (name) do nothing",
    "insert into seat (organization_id, number, who) values (1, 1, 'you') on conflict (organization_id, number) do update set who = excluded.who returning who",
    "insert into seat as s (organization_id, number, who) values (1, 1, 'you') on conflict (organization_id, number) do update set who = s.who || excluded.who returning who",
    "update clip set title = 'changed'",
    "update clip set title = 'changed' returning id, title",
    "update clip set title = 'changed' where organization_id = 2 returning title",
    "update clip set title = 'changed' where id = 1 or id = 3",
    "update clip set title = 'changed' where id = 1 or true returning title",
    "update clip set title = (select max(title) from clip) where id in (select id from clip) returning title",
    "update clip as c set title = c.title || 'x' where c.id > 0 returning c.title",
    "update clip set seen = (select count(*) from clip as c where c.id <> clip.id) returning seen",
    "update clip set seen = o.id from clip as o where o.id = clip.id - 1 returning seen",
    "update clip set seen = o.id from comment as o where true returning seen",
    "update comment set clip_id = 4 where clip_id = 3",
    "update tag set note = 'changed' returning name",
    "update label set name = (select max(title) from clip) returning name",
    "delete from clip",
    "delete from clip where id = 1",
    "delete from clip where id = 1 or id = 3 returning title",
    "delete from clip where organization_id = 2",
    "delete from clip where id in (select id from clip) returning (select count(*) from clip where organization_id = 2)",
    "delete from clip as c where c.id > 0",
    "delete from tag",
    "delete from tag where name = 'two' returning note",
    "delete from comment where clip_id in (select id from clip where title like 'SECRET%')",
];

/// In SQLite's own.
const SQLITE: &[&str] = &[
    "select title from [clip] order by id",
    "select title from `clip` order by id",
    "select title from 'clip' order by id",
    "select title from main_clip.clip, clip main_clip",
    "select title from \u{feff}clip order by id",
    "select 2 in one",
    "select 2 in(one), 1 in one",
    "select 1 where 2 in \"one\"",
    "select x.title from (clip) as x order by 1",
    "select title from (clip, label) order by 1",
    "select title from ((clip)) order by 1",
    "select group_concat(title) over (order by (select max(title) from clip)) from clip order by id",
    "select title from clip natural join comment order by 1",
    "select title from clip c join comment using (organization_id) order by 1",
    "select clip.* from clip, label order by id",
    "select json_group_array(title) from clip",
    "select value from clip, json_each('[1]') order by 1",
    "with x as materialized (select title from clip) select title from x, x as y order by 1",
    "with recursive x as (select id from clip union select id + 1 from x limit 9) select * from x order by 1",
    "insert or ignore into tag (name, organization_id) values ('one', 1)",
    "insert or abort into clip (organization_id, title) values (1, 'x') returning title",
    "insert or fail into clip (organization_id, title) values (1, 'x'), (1, 'y') returning title",
    "update or ignore clip set title = 'x' where id > 0 returning title",
    "update or ignore seat set number = 1",
    "update clip indexed by clip_by_organization set title = 'x' where game = 'go'",
    "insert into tag values ('one', 1, null) on conflict (name) where name > '' do update set note = 'x' returning note",
    "insert into tag values ('one', 1, null) on conflict (name) do update set (note) = (select 'x') returning note;",
    "delete from clip where rowid = 1",
    "delete from clip where id = 3 returning rowid;  -- end",
    "select rowid, title from clip_text where clip_text match 'mine' order by rowid",
    "select rowid from clip_text where clip_text match 'secret'",
    "select count(*) from clip_text where clip_text match 'secret OR mine'",
    "select title from clip_text where rowid = 1",
    "select title from clip_text order by rowid",
    "select t.title from clip_text t join clip on clip.id = t.rowid where t.clip_text match 'mine' order by t.rowid",
    "select id from clip where id in (select rowid from clip_text where clip_text match 'mine') order by id",
    "select snippet(clip_text, 0, '<', '>', '', 9) from clip_text where clip_text match 'three'",
    "select highlight(clip_text, 0, '<', '>') from clip_text where clip_text match 'secret'",
    "select body from comment_text where comment_text match 'mine'",
    "select body from comment_text where comment_text match 'secret'",
    "select body from comment_text where organization_id = 2",
    "select count(*) from comment_text",
];

#[tokio::test]
async fn a_tenants_statement_answers_as_if_there_were_no_other() {
    for sql in PORTABLE.iter().chain(SQLITE) {
        house().await.answers_as_if_alone(sql).await;
    }
}

/// What would lead past the guard.
const PAST: &[&str] = &[
    "select title from main.clip",
    "select title from MAIN . clip",
    "select title from \"main\".\"clip\"",
    "select title from [main].clip",
    "select title from 'main'.'clip'",
    "select title from main/**/./**/clip",
    "select count(*) from main.clip",
    "select 2 in main.one",
    "select (select max(title) from main.clip)",
    "with clip as (select * from main.clip) select * from clip",
    "select * from (with clip as (select * from main.clip) select * from clip)",
    "update clip set title = (select max(title) from main.clip)",
    "update main.clip set title = ''",
    "delete from main.clip",
    "insert into main.clip (organization_id, title) values (1, 'x')",
    "delete from label returning (select max(title) from main.clip)",
    "select * from temp.clip",
    "select * from straight",
    "select * from a_straight",
    "select * from misled where misled match 'mine'",
    "select count(*) from words",
    "select term from words",
    "select * from anything",
    "insert into anything (body) values ('x')",
    "select * from clip_text_data",
    "select id from \"clip_text_docsize\"",
    "select * from comment_text_content",
    "delete from clip_text_idx",
    "select title from clip where id in (select id from clip_text_docsize)",
    "insert into clip_text (clip_text) values ('rebuild')",
    "insert into clip_text (clip_text) values ('delete-all')",
    "insert into clip_text (rowid, title) values (1, 'x')",
    "delete from clip_text",
    "delete from comment_text where organization_id = 1",
    "update comment_text set organization_id = 1",
    "update door set title = 'x'",
    "update recent set name = 'x'",
    "delete from recent",
    "insert into recent values (1, 'x')",
    "select last_insert_rowid()",
    "select changes()",
    "select total_changes()",
    "select * from sqlite_sequence",
    "select * from sqlite_master",
    "select * from pragma_table_info('clip')",
    "pragma table_info(clip)",
    "create table x as select * from clip",
    "create temp view x as select * from clip",
    "attach ':memory:' as m",
];

#[tokio::test]
async fn what_would_lead_past_the_guard_is_forbidden() {
    let it = house().await;
    for sql in PAST {
        it.forbids(sql).await;
    }
}

#[tokio::test]
async fn a_row_of_another_is_not_written_whatever_writes_it() {
    let it = house().await;
    for sql in [
        "insert into clip (organization_id, title) values (2, 'forged')",
        "insert into clip (organization_id, title) values (1, 'mine'), (2, 'forged') returning title",
        "insert into clip (organization_id, title) select 2, title from clip",
        "insert into tag (name, organization_id) values ('forged', 2)",
        "insert into one default values",
        "insert into one values (null)",
        "insert into one values ('1x')",
        "insert into one values (1.5)",
        "update clip set organization_id = 2",
        "update clip set organization_id = 2 where id = 3 returning title",
        "update or ignore clip set organization_id = 2",
        "update one set organization_id = null",
        "insert into one select organization_id + 1 from one",
        // The key is another's.
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set note = 'x'",
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set note = tag.note returning note",
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set note = '' where tag.note like 'SECRET%'",
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set note = '' where tag.note like 'x%'",
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set note = '' where abs(case when tag.note like 'S%' then -9223372036854775808 else 0 end) = 0",
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set organization_id = 1",
        "insert into tag as t (name, organization_id) values ('two', 1) on conflict (name) do update set organization_id = 1 where t.name = 'two' returning note",
        "insert or replace into tag (name, organization_id) values ('two', 1)",
        "replace into tag (name, organization_id) values ('two', 1)",
        "update or replace tag set name = 'two'",
        "insert or replace into clip (id, organization_id, title) values (1, 1, 'x')",
        "replace into clip (id, organization_id, title) values (1, 1, 'x')",
        "insert or replace into lever (id, name) values (1, 'x')",
        "insert into chair (number, organization_id) values (1, 1)",
        "update chair set number = 1",
        // Triggers.
        "update lever set many = 1",
        "insert into lever (name) values ('swap')",
    ] {
        it.forbids(sql).await;
    }
    it.room.execute("insert into lever (id, name) values (9, 'SECRET%')", vec![]).await.unwrap();
    it.forbids("delete from lever where id = 9").await;
}

#[tokio::test]
async fn a_reference_deletes_no_row_of_another() {
    let it = house().await;
    let foreign =
        "insert into comment (id, organization_id, clip_id, body) values (90, 2, 3, 'SECRET hidden reply')";
    it.room.execute(foreign, vec![]).await.unwrap();
    it.forbids("delete from clip where id = 3").await;
    it.first().execute("delete from clip where id = 4", vec![]).await.unwrap();
}

#[tokio::test]
async fn a_condition_cannot_be_left_by_its_parentheses() {
    let it = house().await;
    for sql in [
        "update clip set title = 'x' where 1) or (1",
        "update clip set title = 'x' where 1) or (1 returning title",
        "delete from clip where id = 1) or (id = 1",
        "delete from clip where 1)--",
        "delete from clip where (1",
        "delete from clip where $1(()",
        "delete from clip where 1; delete from clip",
        "insert into tag (name, organization_id) values ('two', 1) on conflict (name) do update set note = '' where 1) or (1",
        "select title from clip where title = 'unfinished",
        "select title from clip where id = :id",
    ] {
        it.refuses(sql).await;
    }
}

#[tokio::test]
async fn an_error_tells_nothing_of_rows_that_are_not_seen() {
    let it = house().await;
    let fails = "abs(case when title like 'SEC%' then -9223372036854775808 else 0 end)";
    for sql in [
        format!("select {fails} from clip order by id"),
        format!("select id from clip where {fails} = 0 order by id"),
        format!("select id from clip where id = 1 and {fails} = 0"),
        format!("select id from clip where game = 'go' and {fails} = 0 order by id"),
        format!("update clip set seen = 1 where {fails} = 0"),
        format!("update clip set seen = {fails}"),
        format!("delete from clip where {fails} = 0"),
        format!("delete from clip where id = 1 and {fails} = 0"),
    ] {
        it.answers_as_if_alone(&sql).await;
    }
}

#[tokio::test]
async fn whoever_is_for_no_tenant_sees_every_row() {
    let it = house().await;
    let all = it.room.guest(Tenant::All);
    for (sql, count) in
        [("select * from clip", 4), ("select * from main.clip", 4), ("select * from straight", 4)]
    {
        assert_eq!(all.query(sql, vec![]).await.unwrap().len(), count, "{sql}");
        it.first().query("select * from clip", vec![]).await.unwrap();
    }
    let changed = all.execute("update clip set seen = 5", vec![]).await.unwrap();
    assert_eq!(changed.rows_affected, 4);
    let changed = it.first().execute("update clip set seen = 6", vec![]).await.unwrap();
    assert_eq!(changed.rows_affected, 2);
}

#[tokio::test]
async fn tenants_that_ask_at_once_get_their_own() {
    let it = house().await;
    let ask = |tenant: i64| {
        let guest = it.room.guest(Tenant::Only(tenant));
        tokio::spawn(async move {
            for number in 0..50_i64 {
                let put = "insert into clip (organization_id, title, seen) values ($1, 'more', $2)";
                guest.execute(put, vec![tenant.into(), number.into()]).await.unwrap();
                let owners: Vec<i64> = guest
                    .query("select distinct organization_id from clip", vec![])
                    .await
                    .unwrap()
                    .to()
                    .unwrap();
                assert_eq!(owners, [tenant]);
            }
        })
    };
    for asked in [1, 2, 1, 2, 3].map(ask) {
        asked.await.unwrap();
    }
}

#[tokio::test]
async fn a_refused_write_harms_none_that_is_committed_with_it() {
    let it = house().await;
    let (first, second) = (it.first(), it.room.guest(Tenant::Only(2)));
    let (own, forged, others) = tokio::join!(
        first.execute("insert into clip (organization_id, title) values (1, 'own')", vec![]),
        first.execute("insert into clip (organization_id, title) values (2, 'forged')", vec![]),
        second.execute("insert into clip (organization_id, title) values (2, 'others')", vec![]),
    );
    own.unwrap();
    assert!(matches!(forged, Err(Error::Forbidden { .. })), "{forged:?}");
    others.unwrap();
    let sql = "select title from clip where title in ('own', 'forged', 'others') order by title";
    let titles: Vec<String> = it.room.query(sql, vec![]).await.unwrap().to().unwrap();
    assert_eq!(titles, ["others", "own"]);
}

#[tokio::test]
async fn tables_that_change_are_guarded_as_they_are_now() {
    let it = house().await;
    let first = it.first();
    let migration = |number: u32, up: &str| Migration {
        number,
        name: "next".into(),
        up: up.into(),
        ..Migration::default()
    };
    let mut migrations =
        vec![Migration { number: 1, name: "tables".into(), up: TABLES.into(), ..Migration::default() }];
    assert_eq!(first.query("select * from label", vec![]).await.unwrap().len(), 1);
    for (number, up, sql, seen) in [
        (
            2,
            "create table later (organization_id integer, x text); insert into later values (1, 'a'), (2, 'b')",
            "select * from later",
            1,
        ),
        (3, "alter table label add column organization_id integer", "select * from label", 0),
        (4, "alter table clip rename to film", "select * from film", 2),
        (5, "drop table later", "select * from film", 2),
        (6, "create table later (x text); insert into later values ('a'), ('b')", "select * from later", 2),
    ] {
        migrations.push(migration(number, up));
        it.room.migrate(&migrations).await.unwrap();
        assert_eq!(first.query(sql, vec![]).await.unwrap().len(), seen, "{up}");
        let mut transaction = first.begin().await.unwrap();
        assert_eq!(transaction.query(sql, vec![]).await.unwrap().len(), seen, "{up}");
        let forged = transaction.execute("update one set organization_id = 2", vec![]).await;
        assert!(matches!(forged, Err(Error::Forbidden { .. })), "{forged:?}");
        transaction.commit().await.unwrap();
    }
    let saved = it.room.save().await.unwrap();
    it.room.execute("create table host_made (organization_id integer)", vec![]).await.unwrap();
    it.room.execute("insert into host_made values (1), (2)", vec![]).await.unwrap();
    assert_eq!(first.query("select * from host_made", vec![]).await.unwrap().len(), 1);
    assert!(first.execute("insert into host_made values (2)", vec![]).await.is_err());
    it.room.restore(&saved).await.unwrap();
    assert!(first.query("select * from host_made", vec![]).await.is_err());
    assert_eq!(first.query("select * from film", vec![]).await.unwrap().len(), 2);
    let forged = first.execute("insert into one values (2)", vec![]).await;
    assert!(matches!(forged, Err(Error::Forbidden { .. })), "{forged:?}");
    it.room.discard(saved).await.unwrap();
}

#[tokio::test]
async fn a_room_without_tenants_rows_confines_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(folder.path(), Options::default()).unwrap();
    let room = store.room("plain").await.unwrap();
    room.execute("create table note (id integer primary key, body text)", vec![]).await.unwrap();
    room.execute("create virtual table note_text using fts5 (body)", vec![]).await.unwrap();
    let guest = room.guest(Tenant::Only(1));
    guest.execute("insert or replace into note (id, body) values (1, 'x')", vec![]).await.unwrap();
    guest.execute("insert into note_text (body) values ('x')", vec![]).await.unwrap();
    assert_eq!(
        guest.query("select * from main.note join note_text using (body)", vec![]).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn as_many_parameters_as_without_a_tenant_may_be_given() {
    let it = house().await;
    let numbers =
        |count: usize| (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let sql = |count: usize| format!("select count(*) from clip where id in ({})", numbers(count));
    it.first().query(&sql(1000), vec![Value::Integer(3); 1000]).await.unwrap();
    it.first().query(&sql(1001), vec![Value::Integer(3); 1001]).await.unwrap_err();
}

/// One of the statements above, with pieces of it taken out and others put in.
fn garbled() -> impl Strategy<Value = String> {
    let pieces = [
        "clip",
        "main",
        ".",
        "main.clip",
        "(",
        ")",
        "'",
        "\"",
        "[",
        "]",
        "`",
        "--",
        "/*",
        "*/",
        ",",
        ";",
        "with",
        "as",
        "select",
        "from",
        "where",
        "or",
        "and",
        "in",
        "not",
        "*",
        "1",
        "title",
        "group_concat(title)",
        "returning title",
        "union all select title from clip",
        "clip as (select * from clip)",
        "materialized",
        "recursive",
        "do update set",
        "on conflict",
        "organization_id",
        "organization_id = 2",
        "join",
        "values",
        "explain",
        "explain query plan",
        "tag",
        "one",
        "clip_text",
        "clip_text_data",
        "recent",
        "straight",
        "temp",
        "x''",
        "$1",
        "$1(",
        "\u{feff}",
        "\n",
        "end",
        "case when",
        "insert or replace into",
        "update",
        "delete from",
        "set",
        "title = title",
        "true",
        "2",
    ];
    let all: Vec<&str> = PORTABLE.iter().chain(SQLITE).chain(PAST).copied().collect();
    let change = (any::<prop::sample::Index>(), 0..3_u8, prop::sample::select(pieces.to_vec()));
    (prop::sample::select(all), prop::collection::vec(change, 1..5)).prop_map(|(sql, changes)| {
        let mut words: Vec<String> =
            sql.split_inclusive([' ', '(', ')', '.', ',']).map(str::to_owned).collect();
        for (place, kind, piece) in changes {
            let at = place.index(words.len());
            match kind {
                0 => words[at] = format!("{piece} "),
                1 => words.insert(at, format!("{piece} ")),
                _ => words[at] = piece.to_owned(),
            }
        }
        words.concat()
    })
}

async fn try_all(statements: Vec<String>) {
    let it = house().await;
    let before = it.foreign().await;
    for sql in statements {
        let mut transaction = it.first().begin().await.unwrap();
        transaction.query("select 1", vec![]).await.unwrap();
        let params = if sql.contains("$1") { vec![Value::Integer(2)] } else { vec![] };
        let outcome = transaction.query(&sql, params).await;
        assert!(!format!("{outcome:?}").contains(SECRET), "{sql}: {outcome:?}");
        let seen = transaction.query_as_host(CONTENTS, vec![]).await.unwrap().to::<String>().unwrap();
        assert_eq!(seen, before, "{sql}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_garbled_statement_reaches_nothing_either(statements in prop::collection::vec(garbled(), 200)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(try_all(statements));
    }
}
