//! A component as a plugin.

use std::{sync::Arc, time::Duration};

use switchboard_api::{BoxFuture, Call, Context, Description, Failure, HookKind, Host, Plugin, Reply};
use switchboard_manifest::Manifest;
use wasmtime::{
    Store, UpdateDeadline,
    component::{Component, InstancePre},
};

use crate::{
    Error,
    bounds::Bounds,
    compiled::CompiledForms,
    exports::{Exported, Exports},
    import,
    on_the_spot::{OnTheSpot, Seen, Slowness, takes_long},
    plain,
    sandbox::Shared,
    state::{Over, State},
    trap,
    warm::Warm,
};

/// A guest runs on the thread that asks for so many epochs: less than two, more than one.
const EPOCHS: u64 = 2;

/// How long a component may take to begin and to describe itself.
const DESCRIBING: Duration = Duration::from_secs(10);

/// A description is at most this large.
const LONGEST_DESCRIPTION: usize = 4 << 20;

/// A component as a plugin.
pub(crate) struct ComponentPlugin(Arc<Inner>);

pub(crate) struct Inner {
    shared: Arc<Shared>,
    manifest: Arc<Manifest>,
    migrations: Vec<(String, String)>,
    description: Description,
    /// Where each route of the manifest stands in the description.
    routes: Vec<Option<u32>>,
    pre: InstancePre<State>,
    exported: Exported,
    warm: Warm<Instance>,
    slowness: Slowness,
}

/// An instance of a component, in no call or in one.
struct Instance {
    store: Store<State>,
    exports: Exports,
}

impl ComponentPlugin {
    /// Checks the component against its manifest, begins it once, and has it describe itself; unless it has before, which is kept.
    pub(crate) async fn new(
        shared: Arc<Shared>,
        component: &Component,
        manifest: Arc<Manifest>,
        migrations: Vec<(String, String)>,
        forms: &CompiledForms,
        name: &str,
    ) -> Result<Self, Error> {
        import::check(&shared.engine, component, &manifest)?;
        let pre = shared.linker.instantiate_pre(component).map_err(not_begun)?;
        let exported = Exported::find(&pre);
        let mut inner = Inner {
            shared,
            manifest,
            migrations,
            description: Description::default(),
            routes: Vec::new(),
            pre,
            exported,
            warm: Warm::default(),
            slowness: Slowness::default(),
        };
        let memory = inner.manifest.limits.memory_mb;
        inner.description = match forms.description(name, memory) {
            Some(said) => described(&said)?,
            None => match Box::pin(inner.describe()).await? {
                Some(said) => {
                    let description = described(&said)?;
                    forms.keep_description(name, memory, &said);
                    description
                }
                None => plain::description(&inner.manifest)?,
            },
        };
        inner.check_exports()?;
        let position = |key: &str| inner.description.routes.iter().position(|route| route.key == key);
        let routes = inner.manifest.provides.api_routes.iter();
        inner.routes = routes
            .map(|route| position(&route.key().to_string()).and_then(|position| position.try_into().ok()))
            .collect();
        let inner = Arc::new(inner);
        inner.shared.sweeping(&inner);
        Ok(Self(inner))
    }
}

fn described(said: &str) -> Result<Description, Error> {
    serde_json::from_str(said).map_err(|error| Error::Description(error.to_string()))
}

fn not_begun(error: wasmtime::Error) -> Error {
    Error::NotBegun(format!("{error:#}"))
}

impl Inner {
    /// Begins the component, and asks it what it binds, on the runtime for guests: nobody's request waits for it. One for `wasi:http` says
    /// nothing.
    async fn describe(&self) -> Result<Option<String>, Error> {
        let indices = self.exported.description.as_ref();
        if indices.is_none() && self.exported.incoming_handler.is_none() {
            return Err(Error::NoDescription);
        }
        let describing = async {
            let Instance { mut store, .. } = self.instantiate_as(indices).await.map_err(not_begun)?;
            let Some(describe) = store.data_mut().description.take() else { return Ok(None) };
            store.set_epoch_deadline(EPOCHS);
            let said = describe.call_describe(&mut store).await.map_err(not_begun)?;
            if said.len() > LONGEST_DESCRIPTION {
                return Err(Error::Description(format!(
                    "it is longer than {} MiB",
                    LONGEST_DESCRIPTION >> 20
                )));
            }
            Ok(Some(said))
        };
        let describing = Seen::new(&self.shared, Box::pin(describing));
        tokio::time::timeout(DESCRIBING, describing).await.map_err(|_| {
            Error::NotBegun(format!(
                "it takes longer than {} seconds to describe itself",
                DESCRIBING.as_secs()
            ))
        })?
    }

    /// Whatever has a handler must be callable.
    fn check_exports(&self) -> Result<(), Error> {
        let (said, has) = (&self.description, &self.exported);
        let first = |names: &[String]| names.first().map(|name| format!("`{name}`"));
        let needs = [
            (
                said.routes.first().map(|route| format!("`{}`", route.key)),
                has.routes.is_some() || has.incoming_handler.is_some(),
                "routes",
            ),
            (first(&said.filters), has.filters.is_some(), "filters"),
            (first(&said.listeners), has.listeners.is_some(), "listeners"),
            (first(&said.tasks), has.tasks.is_some(), "tasks"),
            (first(&said.commands), has.commands.is_some(), "commands"),
            (
                said.services.first().map(|service| format!("`{}`", service.name)),
                has.offered_services.is_some(),
                "offered-services",
            ),
            (
                said.hooks.first().map(|hook: &HookKind| format!("`{}`", hook.as_str())),
                has.lifecycle.is_some(),
                "lifecycle",
            ),
        ];
        for (what, has, interface) in needs {
            if let Some(what) = what.filter(|_| !has) {
                return Err(Error::NotExported { what, interface });
            }
        }
        Ok(())
    }

    async fn instantiate(&self) -> wasmtime::Result<Instance> {
        match self.instantiate_as(None).await {
            // There was no room: let those go that wait.
            Err(error) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
                self.shared.make_room();
                self.instantiate_as(None).await
            }
            other => other,
        }
    }

    async fn instantiate_as(
        &self,
        description: Option<&crate::bindings::exported::description::GuestIndices>,
    ) -> wasmtime::Result<Instance> {
        let most = (self.manifest.limits.memory_mb as usize) << 20;
        let state = State::new(self.manifest.id.clone(), Bounds::new(most));
        let mut store = Store::new(&self.shared.engine, state);
        store.limiter(|state| &mut state.bounds);
        store.set_epoch_deadline(EPOCHS);
        store.epoch_deadline_callback(|store| match store.data().over() {
            Some(over) => Err(over.into()),
            None => {
                takes_long();
                Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
            }
        });
        let instance = self.pre.instantiate_async(&mut store).await?;
        if let Some(description) = description {
            let description = description.load(&mut store, &instance)?;
            store.data_mut().description = Some(description);
        }
        let exports = self.exported.of(&mut store, &instance)?;
        Ok(Instance { store, exports })
    }

    async fn invoke(
        self: Arc<Self>,
        host: Arc<Host>,
        context: Context,
        call: Call,
    ) -> Result<Reply, Failure> {
        let kind = call.kind();
        let organization = context.organization_id();
        let plugin = &self.manifest.id;
        let mut instance = match self.warm.take(organization, &self.shared.waiting) {
            Some(instance) => instance,
            None => self.instantiate().await.map_err(|error| not_instantiated(&self.manifest, &error))?,
        };
        let Instance { store, exports } = &mut instance;
        store.data_mut().begin(host, context);
        store.set_epoch_deadline(EPOCHS);
        let route = |position: usize| self.routes.get(position).copied().flatten();
        let answer = exports.call(store, call, &self.manifest, route).await;
        let is_clean = store.data_mut().end();
        match answer {
            Ok(answer) => {
                if is_clean && self.manifest.limits.reuse_instances {
                    self.warm.give(organization, instance, &self.shared.waiting, self.shared.most_waiting);
                }
                answer
            }
            Err(error) => Err(trap::failure(plugin, kind, store.data(), &error)),
        }
    }

    /// Lets instances go that wait for nothing.
    pub(crate) fn sweep(&self, all_of_them: bool) {
        self.warm.sweep(&self.shared.waiting, all_of_them);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.sweep(true);
    }
}

fn not_instantiated(manifest: &Manifest, error: &wasmtime::Error) -> Failure {
    let plugin = &manifest.id;
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        let message = format!(
            "plugin `{plugin}` cannot be called now: as many sandboxed plugins run as there is room for"
        );
        return Failure::Unavailable { message, after: Some(Duration::from_secs(1)) };
    }
    match error.downcast_ref::<Over>() {
        Some(over) => Failure::timed_out(format!("plugin `{plugin}` was ended while it was begun: {over}")),
        None => Failure::broken(format!(
            "plugin `{plugin}` cannot be begun, with {} MiB of memory: {error:#}",
            manifest.limits.memory_mb
        )),
    }
}

impl Plugin for ComponentPlugin {
    fn manifest(&self) -> &Arc<Manifest> {
        &self.0.manifest
    }

    fn description(&self) -> &Description {
        &self.0.description
    }

    fn migrations(&self) -> &[(String, String)] {
        &self.0.migrations
    }

    fn call<'a>(
        &'a self,
        host: &'a Arc<Host>,
        context: &'a Context,
        call: Call,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        let work = Arc::clone(&self.0).invoke(Arc::clone(host), context.clone(), call);
        Box::pin(OnTheSpot::new(&self.0.shared, &self.0.slowness, Box::pin(work)))
    }
}
