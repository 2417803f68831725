//! Whatever is done in whatever order, a room holds what a simple map would.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use switchboard_store::{Engine, Error, Room, Tenant, Transaction};

use crate::stage::{Stage, on_each_engine, options};

on_each_engine! {
    options() => a_room_holds_what_a_map_would;
}

#[derive(Debug, Clone)]
enum Change {
    Put(i64, i64),
    /// Fails if it is there.
    Add(i64, i64),
    /// Two rows, of which the second fails if it is there.
    AddTwo(i64, i64),
    Remove(i64),
    Wrong,
    Read,
}

#[derive(Debug, Clone)]
enum Step {
    Alone(Change),
    /// Several at once, each a transaction of its own, of keys that do not meet.
    AtOnce(Vec<(i64, i64)>),
    Together(Vec<Change>, bool),
    SaveAndRestore(Vec<Change>),
    Reopen,
}

fn change() -> impl Strategy<Value = Change> {
    let key = 0..8_i64;
    prop_oneof![
        (key.clone(), any::<i64>()).prop_map(|(key, value)| Change::Put(key, value)),
        (key.clone(), any::<i64>()).prop_map(|(key, value)| Change::Add(key, value)),
        (key.clone(), key.clone()).prop_map(|(one, two)| Change::AddTwo(one, two)),
        key.prop_map(Change::Remove),
        Just(Change::Wrong),
        Just(Change::Read),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let changes = || prop::collection::vec(change(), 0..6);
    prop_oneof![
        4 => change().prop_map(Step::Alone),
        2 => prop::collection::btree_map(0..8_i64, any::<i64>(), 0..6)
            .prop_map(|puts| Step::AtOnce(puts.into_iter().collect())),
        4 => (changes(), any::<bool>()).prop_map(|(changes, is_kept)| Step::Together(changes, is_kept)),
        1 => changes().prop_map(Step::SaveAndRestore),
        1 => Just(Step::Reopen),
    ]
}

type Model = BTreeMap<i64, i64>;

impl Change {
    fn sql(&self) -> (&'static str, Vec<i64>) {
        match *self {
            Self::Put(key, value) => (
                "insert into pair values ($1, $2) on conflict (key) do update set value = excluded.value",
                vec![key, value],
            ),
            Self::Add(key, value) => ("insert into pair values ($1, $2)", vec![key, value]),
            Self::AddTwo(one, two) => ("insert into pair values ($1, 0), ($2, 0)", vec![one, two]),
            Self::Remove(key) => ("delete from pair where key = $1", vec![key]),
            Self::Wrong => ("insert into nowhere values (1)", vec![]),
            Self::Read => ("select 1", vec![]),
        }
    }

    /// How many rows change, or none if it fails.
    fn apply(&self, model: &mut Model) -> Option<u64> {
        match *self {
            Self::Put(key, value) => {
                model.insert(key, value);
                Some(1)
            }
            Self::Add(key, _) if model.contains_key(&key) => None,
            Self::Add(key, value) => {
                model.insert(key, value);
                Some(1)
            }
            Self::AddTwo(one, two) if one == two || model.contains_key(&one) || model.contains_key(&two) => {
                None
            }
            Self::AddTwo(one, two) => {
                model.extend([(one, 0), (two, 0)]);
                Some(2)
            }
            Self::Remove(key) => Some(model.remove(&key).map_or(0, |_| 1)),
            Self::Wrong => None,
            Self::Read => Some(0),
        }
    }
}

const ALL: &str = "select key, value from pair order by key";

async fn alone(room: &Room, change: &Change) -> Result<u64, Error> {
    let (sql, values) = change.sql();
    let values = values.into_iter().map(Into::into).collect();
    Ok(room.guest(Tenant::All).execute(sql, values).await?.rows_affected)
}

async fn within(transaction: &mut Transaction, change: &Change) -> Result<u64, Error> {
    let (sql, values) = change.sql();
    let values = values.into_iter().map(Into::into).collect();
    Ok(transaction.execute(sql, values).await?.rows_affected)
}

async fn follow(stage: &Stage, steps: Vec<Step>) {
    let store = &stage.store;
    let mut room = store.room("pairs").await.unwrap();
    room.clear().await.unwrap();
    room.execute("create table pair (key bigint primary key, value bigint)", vec![]).await.unwrap();
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Alone(change) => assert_eq!(alone(&room, &change).await.ok(), change.apply(&mut model)),
            Step::AtOnce(puts) => {
                let puts: Vec<_> = puts.into_iter().map(|(key, value)| Change::Put(key, value)).collect();
                let all: Vec<_> = puts
                    .iter()
                    .cloned()
                    .map(|put| {
                        let room = room.clone();
                        tokio::spawn(async move { alone(&room, &put).await })
                    })
                    .collect();
                for (one, put) in all.into_iter().zip(puts) {
                    assert_eq!(one.await.unwrap().ok(), put.apply(&mut model));
                }
            }
            Step::Together(changes, is_kept) => {
                let mut inside = model.clone();
                let mut transaction = room.guest(Tenant::All).begin().await.unwrap();
                for change in changes {
                    assert_eq!(within(&mut transaction, &change).await.ok(), change.apply(&mut inside));
                    let seen: Vec<(i64, i64)> = transaction.query(ALL, vec![]).await.unwrap().to().unwrap();
                    assert_eq!(seen, inside.clone().into_iter().collect::<Vec<_>>());
                }
                if is_kept {
                    transaction.commit().await.unwrap();
                    model = inside;
                }
            }
            Step::SaveAndRestore(changes) => {
                let copy = room.save().await.unwrap();
                let mut thrown_away = model.clone();
                for change in changes {
                    assert_eq!(alone(&room, &change).await.ok(), change.apply(&mut thrown_away));
                }
                room.restore(&copy).await.unwrap();
            }
            Step::Reopen => {
                store.close().await;
                room = store.room("pairs").await.unwrap();
            }
        }
        let there: Vec<(i64, i64)> = room.query(ALL, vec![]).await.unwrap().to().unwrap();
        assert_eq!(there, model.clone().into_iter().collect::<Vec<_>>());
    }
    room.check().await.unwrap();
}

/// Follows many sequences of steps, in one room after the other.
async fn a_room_holds_what_a_map_would(stage: &Stage) {
    let cases = if stage.engine == Engine::Postgres { 16 } else { 64 };
    let mut runner =
        TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let steps = prop::collection::vec(step(), 0..25);
    let here = tokio::runtime::Handle::current();
    let followed = runner.run(&steps, |steps| {
        tokio::task::block_in_place(|| here.block_on(follow(stage, steps)));
        Ok(())
    });
    followed.unwrap();
}
