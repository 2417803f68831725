//! `db`: the plugin's own room in the store.

use std::sync::Arc;

use switchboard_api::{
    BoxFuture, Context, Failure, NewEvent, Rows, Value,
    capability::{Db, Engine, Transaction},
};
use switchboard_delivery::{Delivery, prepare};
use switchboard_store::{Error, Guest, Room, Store, Tenant};
use tokio::sync::OnceCell;

use crate::events::{Declared, Insert};

/// A plugin's room, opened when it is first used.
#[derive(Clone)]
pub(crate) struct OwnRoom {
    store: Store,
    name: Arc<str>,
    room: Arc<OnceCell<Room>>,
}

impl OwnRoom {
    pub(crate) fn new(store: Store, name: String) -> Self {
        Self { store, name: name.into(), room: Arc::default() }
    }

    /// The room, with the tables that the delivery keeps in it.
    pub(crate) async fn get(&self) -> Result<&Room, Failure> {
        let open = async {
            let room = self.store.room(&self.name).await.map_err(failure)?;
            prepare(&room).await.map_err(|error| Failure::unavailable(error.to_string()))?;
            Ok(room)
        };
        self.room.get_or_try_init(|| open).await
    }
}

/// The plugin's tables.
pub(crate) struct OwnTables {
    pub(crate) room: OwnRoom,
    /// Absent when `events` was not granted.
    pub(crate) events: Option<Declared>,
    pub(crate) delivery: Arc<Delivery>,
}

impl OwnTables {
    /// The plugin's face of the room: for an organization, only that one's rows.
    async fn guest(&self, context: &Context) -> Result<Guest, Failure> {
        let tenant = match &context.organization {
            Some(organization) => Tenant::Only(organization.id.0),
            None => Tenant::All,
        };
        Ok(self.room.get().await?.guest(tenant))
    }
}

impl Db for OwnTables {
    fn engine(&self) -> Engine {
        match self.room.store.engine() {
            switchboard_store::Engine::Postgres => Engine::Postgres,
            _ => Engine::Sqlite,
        }
    }

    fn query<'a>(
        &'a self,
        context: &'a Context,
        sql: &'a str,
        params: Vec<Value>,
    ) -> BoxFuture<'a, Result<Rows, Failure>> {
        Box::pin(async move { self.guest(context).await?.query(sql, params).await.map_err(failure) })
    }

    fn execute<'a>(
        &'a self,
        context: &'a Context,
        sql: &'a str,
        params: Vec<Value>,
    ) -> BoxFuture<'a, Result<u64, Failure>> {
        Box::pin(async move {
            let executed = self.guest(context).await?.execute(sql, params).await.map_err(failure)?;
            Ok(executed.rows_affected)
        })
    }

    fn begin<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Box<dyn Transaction>, Failure>> {
        Box::pin(async move {
            let inner = self.guest(context).await?.begin().await.map_err(failure)?;
            let (events, delivery) = (self.events.clone(), Arc::clone(&self.delivery));
            let changes = Changes { inner, events, delivery, context: context.clone(), said: Vec::new() };
            Ok(Box::new(changes) as Box<dyn Transaction>)
        })
    }
}

/// A transaction, with the events that it will have said.
struct Changes {
    inner: switchboard_store::Transaction,
    events: Option<Declared>,
    delivery: Arc<Delivery>,
    context: Context,
    said: Vec<Insert>,
}

impl Transaction for Changes {
    fn query<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<Rows, Failure>> {
        Box::pin(async move { self.inner.query(sql, params).await.map_err(failure) })
    }

    fn execute<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<u64, Failure>> {
        Box::pin(async move { Ok(self.inner.execute(sql, params).await.map_err(failure)?.rows_affected) })
    }

    fn first_time<'a>(&'a mut self, source: &'a str, event: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(async move { self.delivery.mark(&mut self.inner, source, event).await.map_err(failure) })
    }

    fn emit(&mut self, event: NewEvent) -> Result<(), Failure> {
        let events = self.events.as_ref().ok_or_else(|| {
            Failure::forbidden(format!(
                "plugin `{}` may not say `{}`: its manifest must ask for `events` under `capabilities`",
                self.context.plugin, event.name
            ))
        })?;
        self.said.push(events.insert(&self.context, &event)?);
        Ok(())
    }

    fn commit<'a>(mut self: Box<Self>) -> BoxFuture<'a, Result<(), Failure>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let Some(events) = self.events.take().filter(|_| !self.said.is_empty()) else {
                return self.inner.commit().await.map_err(failure);
            };
            let commit = async move { self.inner.commit_with(self.said).await.map_err(failure) };
            events.then_wake(commit).await
        })
    }
}

/// What the store's error means to a plugin.
pub(crate) fn failure(error: Error) -> Failure {
    let message = error.to_string();
    match error {
        Error::Constraint { .. } => Failure::conflict(message),
        Error::TooLarge { .. } => Failure::invalid(message),
        Error::Timeout { .. } => Failure::timed_out(message),
        Error::Full { .. }
        | Error::Io { .. }
        | Error::Unavailable { .. }
        | Error::Uncertain { .. }
        | Error::Corrupt { .. } => Failure::unavailable(message),
        _ => Failure::broken(message),
    }
}
