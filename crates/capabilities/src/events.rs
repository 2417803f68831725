//! `events`: what a plugin says happened, written beside the change that it reports.

use std::sync::Arc;

use serde_json::Value as Json;
use switchboard_api::{
    BoxFuture, Context, Failure, NewEvent,
    capability::{Clock, Events, Random},
};
use switchboard_delivery::{Delivery, outbox_insert};
use switchboard_kernel::Rules;
use switchboard_manifest::Manifest;
use switchboard_store::Engine;

use crate::db::{OwnRoom, failure};

/// The events that a plugin declares.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) manifest: Arc<Manifest>,
    /// What each carries, in the manifest's order, where it says.
    pub(crate) rules: Arc<[Option<Rules>]>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) delivery: Arc<Delivery>,
}

/// An event ready to be written: a statement and its parameters.
pub(crate) type Insert = (&'static str, Vec<switchboard_sql::Value>);

/// The rules of the events that a manifest declares.
///
/// # Errors
/// [`Failure::Broken`] naming the event whose schema is none.
pub(crate) fn rules_of(manifest: &Manifest) -> Result<Arc<[Option<Rules>]>, Failure> {
    let rules = |event: &switchboard_manifest::EventType| {
        let rules = event.schema.as_ref().map(Rules::new).transpose();
        rules.map_err(|error| {
            Failure::broken(format!("the schema of event `{}` is none: {error}", event.name))
        })
    };
    manifest.provides.events.iter().map(rules).collect()
}

impl Declared {
    /// Checks the event against what the manifest declares, and gives the statement that writes it.
    pub(crate) fn insert(&self, context: &Context, event: &NewEvent) -> Result<Insert, Failure> {
        let (name, manifest) = (&event.name, &self.manifest);
        let position = manifest.provides.events.iter().position(|declared| declared.name == *name);
        let position = position.ok_or_else(|| {
            let id = &manifest.id;
            Failure::broken(format!("plugin `{id}` declares no event `{name}` under `provides.events`"))
        })?;
        if let Some(rules) = self.rules.get(position).and_then(Option::as_ref) {
            let data: Json = event.data.to()?;
            let faults = rules.faults(&data, &["data"]);
            if !faults.is_empty() {
                let each = faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.msg));
                let each = each.collect::<Vec<_>>().join("; ");
                return Err(Failure::broken(format!("event `{name}` breaks its schema: {each}")));
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
            let write = async move {
                let written = match room.engine() {
                    // Events are committed in the order of their numbers.
                    Engine::Postgres => match room.begin().await {
                        Ok(transaction) => transaction.commit_with([(sql, params)]).await,
                        Err(error) => Err(error),
                    },
                    _ => room.execute(sql, params).await.map(drop),
                };
                written.map_err(failure)
            };
            self.declared.then_wake(write).await
        })
    }
}
