//! Calling those who listen.

use std::sync::Arc;

use switchboard_api::{Actor, Call, Failure};
use switchboard_kernel::{Caller, Directory, Loaded, Snapshot, Terms, Unanswered};
use switchboard_manifest::PluginId;

use crate::outbox::Said;

/// How one attempt went.
pub(crate) enum Heard {
    Well,
    Failed(Unanswered),
    /// Nobody is there to hear it, and it is not waited for.
    Skipped,
}

/// Who hears an event now, in their order.
pub(crate) fn listeners<'a>(snapshot: &'a Snapshot, said: &Said) -> Vec<&'a Arc<Loaded>> {
    let mut all: Vec<(i32, &Arc<Loaded>)> = snapshot
        .plugins()
        .iter()
        .filter(|plugin| said.organization_id().is_none_or(|id| snapshot.is_enabled(plugin, id)))
        .filter_map(|plugin| {
            let listeners = plugin.manifest().provides.listeners.iter();
            let priority =
                listeners.filter(|listener| listener.hears(&said.name)).map(|it| it.priority).min()?;
            Some((priority, plugin))
        })
        .collect();
    all.sort_by(|(a, left), (b, right)| (a, left.id()).cmp(&(b, right.id())));
    all.into_iter().map(|(_, plugin)| plugin).collect()
}

/// What a delivery needs to call a listener.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) source: PluginId,
    pub(crate) actor: Arc<Actor>,
}

impl Teller {
    pub(crate) async fn tell(
        &self,
        said: &Said,
        listener: &Arc<Loaded>,
        attempt: u32,
    ) -> Result<(), Unanswered> {
        let event = said.event(self.source.as_str(), attempt).map_err(Failure::from)?;
        let organization = match said.organization_id() {
            None => None,
            Some(id) => match self.directory.organization(id) {
                Some(organization) => Some(Arc::clone(organization)),
                // Nobody is left to hear it.
                None => return Ok(()),
            },
        };
        let mut caller = Caller::system(organization, said.trace());
        caller.actor = Arc::clone(&self.actor);
        let call = Call::Event(event);
        switchboard_kernel::attempt(&self.snapshot, listener, caller, Terms::default(), call).await.map(drop)
    }

    pub(crate) async fn again(&self, said: &Said, listener: &Arc<Loaded>, attempt: u32) -> Heard {
        if said.organization_id().is_some_and(|id| !self.snapshot.is_enabled(listener, id)) {
            return Heard::Skipped;
        }
        match self.tell(said, listener, attempt).await {
            Ok(()) => Heard::Well,
            Err(unanswered) => Heard::Failed(unanswered),
        }
    }
}
