//! The plugin's tables.

use bytes::Bytes;
use switchboard_api::{
    BoxFuture, Failure, NewEvent, Rows, Value,
    capability::{Engine, Transaction},
};

use super::{
    super::{Calling, bindings::switchboard::plugin::db},
    events,
};

#[derive(Clone, Copy)]
pub(crate) struct Db;

impl Db {
    pub(crate) fn engine(self) -> Result<Engine, Failure> {
        match db::engine()?.as_str() {
            "postgres" => Ok(Engine::Postgres),
            _ => Ok(Engine::Sqlite),
        }
    }

    pub(crate) async fn query(self, _: &Calling, sql: &str, params: Vec<Value>) -> Result<Rows, Failure> {
        Ok(rows(db::query(sql, &values(params))?))
    }

    pub(crate) async fn execute(self, _: &Calling, sql: &str, params: Vec<Value>) -> Result<u64, Failure> {
        Ok(db::execute(sql, &values(params))?)
    }

    pub(crate) async fn begin(self, _: &Calling) -> Result<Box<dyn Transaction>, Failure> {
        Ok(Box::new(db::begin()?))
    }
}

impl Transaction for db::Transaction {
    fn query<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<Rows, Failure>> {
        Box::pin(async move { Ok(rows(db::Transaction::query(self, sql, &values(params))?)) })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<u64, Failure>> {
        Box::pin(async move { Ok(db::Transaction::execute(self, sql, &values(params))?) })
    }

    fn first_time<'a>(&'a mut self, source: &'a str, event: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(async move { Ok(db::first_time(self, source, event)?) })
    }

    fn emit(&mut self, event: NewEvent) -> Result<(), Failure> {
        Ok(db::Transaction::emit(self, &events::given(event))?)
    }

    fn commit<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), Failure>>
    where
        Self: 'a,
    {
        Box::pin(async move { Ok(db::Transaction::commit(*self)?) })
    }
}

fn values(params: Vec<Value>) -> Vec<db::Value> {
    let value = |value| match value {
        Value::Null => db::Value::Null,
        Value::Boolean(value) => db::Value::Boolean(value),
        Value::Integer(value) => db::Value::Integer(value),
        Value::Real(value) => db::Value::Real(value),
        Value::Text(value) => db::Value::Text(value),
        Value::Bytes(value) => db::Value::Bytes(value.into()),
    };
    params.into_iter().map(value).collect()
}

fn rows(given: db::Rows) -> Rows {
    let value = |value| match value {
        db::Value::Null => Value::Null,
        db::Value::Boolean(value) => Value::Boolean(value),
        db::Value::Integer(value) => Value::Integer(value),
        db::Value::Real(value) => Value::Real(value),
        db::Value::Text(value) => Value::Text(value),
        db::Value::Bytes(value) => Value::Bytes(Bytes::from(value)),
    };
    Rows::new(given.columns, given.cells.into_iter().map(value).collect())
}
