//! `events`: what a plugin says happened, written beside the change that it reports.

use std::sync::Arc;

use serde_json::Value as Json;
use switchboard_api::{
    BoxFuture, Context, Failure, NewEvent,
    capability::{Clock, Events, Random, Schemas},
};
use switchboard_delivery::{Delivery, outbox_insert};
use switchboard_manifest::Manifest;

use crate::db::{OwnRoom, failure};

/// The events that a plugin declares.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) schemas: Arc<dyn Schemas>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) delivery: Arc<Delivery>,
}

/// An event ready to be written: a statement and its parameters.
pub(crate) type Insert = (&'static str, Vec<switchboard_sql::Value>);

impl Declared {
    /// Checks the event against what the manifest declares, and gives the statement that writes it.
    pub(crate) fn insert(&self, context: &Context, event: &NewEvent) -> Result<Insert, Failure> {
        let declared = self.manifest.provides.events.iter().find(|declared| declared.name == event.name);
        let declared = declared.ok_or_else(|| {
            Failure::broken(format!(
                "plugin `{}` declares no event `{}` under `provides.events`",
                self.manifest.id, event.name
            ))
        })?;
        if let Some(schema) = &declared.schema {
            let data: Json = event.data.to()?;
            let faults = self.schemas.check(&Json::Object(schema.clone()), &data, &["data"]);
            if let Some(fault) = faults.first() {
                let (place, name) = (fault.place(), &event.name);
                return Err(Failure::broken(format!(
                    "event `{name}` breaks its schema at {place}: {}",
                    fault.msg
                )));
            }
        }
        Ok(outbox_insert(event, context, self.new_id(), self.clock.now()))
    }

    /// Writes events, and has them delivered.
    ///
    /// Apart from the caller, who may go away while they are written: then they must not lie there without anybody woken.
    pub(crate) async fn then_wake(
        &self,
        write: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Result<(), Failure> {
        let (delivery, plugin) = (Arc::clone(&self.delivery), self.manifest.id.clone());
        let written = tokio::spawn(async move {
            write.await?;
            delivery.wake(&plugin);
            Ok(())
        });
        written.await.unwrap_or_else(|_| Err(Failure::unavailable("the server is stopping")))
    }

    /// 128 random bits in hexadecimal.
    fn new_id(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        format!("{:032x}", u128::from_be_bytes(bytes))
    }
}

/// Events apart from any change.
pub(crate) struct Outbox {
    pub(crate) room: OwnRoom,
    pub(crate) declared: Declared,
}

impl Events for Outbox {
    fn emit<'a>(&'a self, context: &'a Context, event: NewEvent) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let (sql, params) = self.declared.insert(context, &event)?;
            let room = self.room.get().await?.clone();
            let write = async move { room.execute(sql, params).await.map(drop).map_err(failure) };
            self.declared.then_wake(write).await
        })
    }
}
