//! The engine's own: the same component called by wasmtime, with nothing of Switchboard around it.

use std::path::Path;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, InstancePre, Linker},
};

use self::bindings::exports::switchboard::plugin::offered_services::{Guest, GuestIndices};

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, dead_code, clippy::all, clippy::pedantic)]
    wasmtime::component::bindgen!({ path: "../wit", world: "plugin", exports: { default: async } });
}

/// A component of which nothing is asked but its services.
pub(crate) struct Bare {
    engine: Engine,
    pre: InstancePre<()>,
    services: GuestIndices,
}

/// An instance that is called again and again.
pub(crate) struct Instance {
    store: Store<()>,
    services: Guest,
}

impl Bare {
    /// Compiles it for an engine that is set up as Switchboard's is.
    pub(crate) fn new(component: &Path) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        let mut pool = PoolingAllocationConfig::new();
        pool.table_elements(50_000)
            .max_core_instances_per_component(40)
            .max_tables_per_component(40)
            .max_memories_per_component(4);
        config
            .epoch_interruption(true)
            .concurrency_support(false)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config)?;
        let component = Component::from_file(&engine, component)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component)?;
        let pre = linker.instantiate_pre(&component)?;
        let services = GuestIndices::new(&pre)?;
        Ok(Self { engine, pre, services })
    }

    pub(crate) async fn begin(&self) -> wasmtime::Result<Instance> {
        let mut store = Store::new(&self.engine, ());
        // Nobody counts epochs here.
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let services = self.services.load(&mut store, &instance)?;
        Ok(Instance { store, services })
    }
}

impl Instance {
    #[expect(clippy::ptr_arg, reason = "what is generated takes them so")]
    pub(crate) async fn ask(&mut self, service: &String, payload: &String) -> wasmtime::Result<String> {
        let said = self.services.call_answer(&mut self.store, service, payload).await?;
        said.map_err(|failure| wasmtime::format_err!("{failure:?}"))
    }
}
