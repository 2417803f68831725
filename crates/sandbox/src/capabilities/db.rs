//! `db`: the plugin's own tables.

use switchboard_api::{
    Rows, Value,
    capability::{Engine, Transaction},
};
use wasmtime::component::Resource;

use crate::{
    bindings::imports::{db, types},
    conversion::{event_in, value_in, value_out},
    interrupted::Answer,
    state::State,
};

/// A transaction that a plugin has begun. Dropping it undoes it.
#[expect(unreachable_pub, reason = "the generated bindings give it out again")]
pub struct Begun(Box<dyn Transaction>);

fn params_in(params: Vec<db::Value>) -> Vec<Value> {
    params.into_iter().map(value_in).collect()
}

fn rows_out(rows: Rows) -> db::Rows {
    let (columns, cells) = rows.into_parts();
    db::Rows { columns: columns.to_vec(), cells: cells.into_iter().map(value_out).collect() }
}

impl db::Host for State {
    async fn engine(&mut self) -> Answer<String> {
        let call = self.call()?;
        let engine = match call.host.db(&call.context)?.engine() {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        };
        Ok(engine.to_owned())
    }

    async fn query(&mut self, sql: String, params: Vec<db::Value>) -> Answer<db::Rows> {
        let call = self.call()?;
        Ok(rows_out(call.host.db(&call.context)?.query(&call.context, &sql, params_in(params)).await?))
    }

    async fn execute(&mut self, sql: String, params: Vec<db::Value>) -> Answer<u64> {
        let call = self.call()?;
        Ok(call.host.db(&call.context)?.execute(&call.context, &sql, params_in(params)).await?)
    }

    async fn begin(&mut self) -> Answer<Resource<Begun>> {
        let call = self.call()?;
        let transaction = call.host.db(&call.context)?.begin(&call.context).await?;
        self.keep(Begun(transaction))
    }

    async fn first_time(
        &mut self,
        transaction: Resource<Begun>,
        source: String,
        event: String,
    ) -> Answer<bool> {
        let Begun(transaction) = self.table.get_mut(&transaction)?;
        Ok(transaction.first_time(&source, &event).await?)
    }
}

impl db::HostTransaction for State {
    async fn query(
        &mut self,
        transaction: Resource<Begun>,
        sql: String,
        params: Vec<db::Value>,
    ) -> Answer<db::Rows> {
        let Begun(transaction) = self.table.get_mut(&transaction)?;
        Ok(rows_out(transaction.query(&sql, params_in(params)).await?))
    }

    async fn execute(
        &mut self,
        transaction: Resource<Begun>,
        sql: String,
        params: Vec<db::Value>,
    ) -> Answer<u64> {
        let Begun(transaction) = self.table.get_mut(&transaction)?;
        Ok(transaction.execute(&sql, params_in(params)).await?)
    }

    async fn emit(&mut self, transaction: Resource<Begun>, event: types::NewEvent) -> Answer<()> {
        let event = event_in(event)?;
        let Begun(transaction) = self.table.get_mut(&transaction)?;
        Ok(transaction.emit(event)?)
    }

    async fn commit(&mut self, transaction: Resource<Begun>) -> Answer<()> {
        let Begun(transaction) = self.take(transaction)?;
        Ok(transaction.commit().await?)
    }

    async fn drop(&mut self, transaction: Resource<Begun>) -> wasmtime::Result<()> {
        self.let_go(transaction)
    }
}
