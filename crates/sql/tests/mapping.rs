//! Rows as the types of those who ask.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Debug;

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use switchboard_sql::{Rows, Value};

fn row(cells: &[(&str, Value)]) -> Rows {
    let columns: Vec<String> = cells.iter().map(|(name, _)| (*name).to_owned()).collect();
    Rows::new(columns, cells.iter().map(|(_, value)| value.clone()).collect())
}

fn read<T: DeserializeOwned>(cells: &[(&str, Value)]) -> T {
    row(cells).to().unwrap().pop().unwrap()
}

fn refusal<T: DeserializeOwned + Debug>(cells: &[(&str, Value)]) -> String {
    row(cells).to::<T>().unwrap_err().to_string()
}

#[derive(Debug, PartialEq, Deserialize)]
struct Id(i64);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Queued,
    Done,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Everything {
    id: Id,
    size: u64,
    share: f64,
    is_done: bool,
    was_done: Option<bool>,
    note: Option<String>,
    data: Vec<u8>,
    digest: [u8; 4],
    state: State,
    created_at: Timestamp,
}

fn everything() -> Vec<(&'static str, Value)> {
    vec![
        ("id", 7.into()),
        ("size", i64::MAX.into()),
        ("share", 1.into()),
        ("is_done", 1.into()),
        ("was_done", 0.into()),
        ("note", Value::Null),
        ("data", vec![1_u8, 2, 255].into()),
        ("digest", vec![9_u8; 4].into()),
        ("state", "done".into()),
        ("created_at", "2026-01-31T12:00:00.123456Z".into()),
    ]
}

#[test]
fn a_struct_takes_each_column_by_its_type() {
    let expected = Everything {
        id: Id(7),
        size: i64::MAX.unsigned_abs(),
        share: 1.0,
        is_done: true,
        was_done: Some(false),
        note: None,
        data: vec![1, 2, 255],
        digest: [9; 4],
        state: State::Done,
        created_at: "2026-01-31T12:00:00.123456Z".parse().unwrap(),
    };
    assert_eq!(read::<Everything>(&everything()), expected);
}

#[test]
fn columns_that_nobody_asks_for_are_passed_over_in_any_order() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Two {
        b: String,
        a: i64,
    }
    let rows = Rows::new(
        ["a".to_owned(), "other".to_owned(), "b".to_owned()],
        vec![1.into(), vec![0_u8].into(), "x".into(), 2.into(), Value::Null, "y".into()],
    );
    let expected = [Two { a: 1, b: "x".into() }, Two { a: 2, b: "y".into() }];
    assert_eq!(rows.to::<Two>().unwrap(), expected);
}

#[test]
fn a_value_that_does_not_fit_names_its_column() {
    let replaced = |column: &str, value: Value| {
        let mut cells = everything();
        cells.iter_mut().find(|(name, _)| *name == column).unwrap().1 = value;
        refusal::<Everything>(&cells)
    };
    for (column, value) in [
        ("size", Value::Integer(-1)),
        ("is_done", Value::Integer(2)),
        ("note", Value::Integer(1)),
        ("data", Value::Text("text".into())),
        ("digest", vec![1_u8; 5].into()),
        ("state", "paused".into()),
        ("created_at", "yesterday".into()),
        ("id", Value::Null),
        ("share", Value::Text("1.5".into())),
    ] {
        let why = replaced(column, value);
        assert!(why.starts_with(&format!("column `{column}`: ")), "{why}");
    }
}

#[test]
fn a_column_that_is_missing_or_there_twice_is_named() {
    let mut cells = everything();
    cells.retain(|(name, _)| *name != "state");
    assert_eq!(refusal::<Everything>(&cells), "the query gave no column `state`");
    cells = everything();
    cells.push(("id", 8.into()));
    assert!(refusal::<Everything>(&cells).starts_with("the query gave two columns `id`"));
    cells.retain(|(name, _)| *name != "note");
    cells.pop();
    assert_eq!(read::<Everything>(&cells).note, None, "what is optional may be missing");
}

#[test]
fn one_column_is_its_value_and_a_tuple_the_columns_in_order() {
    assert_eq!(read::<i64>(&[("n", 7.into())]), 7);
    assert_eq!(read::<Id>(&[("n", 7.into())]), Id(7));
    assert!(read::<bool>(&[("n", 1.into())]));
    assert_eq!(read::<Option<i64>>(&[("max", Value::Null)]), None);
    assert_eq!(read::<State>(&[("state", "queued".into())]), State::Queued);
    assert_eq!(read::<Vec<u8>>(&[("data", vec![1_u8, 2].into())]), [1, 2]);
    assert_eq!(read::<[u8; 2]>(&[("data", vec![1_u8, 2].into())]), [1, 2]);
    assert_eq!(read::<(Vec<u8>,)>(&[("data", vec![1_u8, 2].into())]), (vec![1, 2],));
    assert_eq!(read::<(i64, Option<String>)>(&[("a", 1.into()), ("b", Value::Null)]), (1, None));
    assert_eq!(
        refusal::<i64>(&[("a", 1.into()), ("b", 2.into())]),
        "one column was expected, the query gave 2"
    );
    assert_eq!(refusal::<(i64, i64)>(&[("a", 1.into())]), "2 columns were expected, the query gave 1");
}

#[test]
fn rows_that_are_not_whole_are_cut_off() {
    let rows = Rows::new(["a".to_owned(), "b".to_owned()], vec![1.into(), 2.into(), 3.into()]);
    assert_eq!(rows.len(), 1);
    assert!(Rows::new(Vec::<String>::new(), vec![1.into()]).is_empty());
    assert_eq!(rows.into_iter().next().unwrap().get("b"), Some(&Value::Integer(2)));
}

#[test]
fn options_and_nothing_become_null() {
    assert_eq!(Value::from(None::<i64>), Value::Null);
    assert_eq!(Value::from(Some("x")), Value::Text("x".into()));
    assert_eq!(Value::from(()), Value::Null);
}
