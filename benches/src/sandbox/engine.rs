//! The engine's own: the same component called by wasmtime, with nothing of Switchboard around it.

use std::path::Path;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, HasSelf, InstancePre, Linker, ResourceTable, ResourceType, types::ComponentItem},
};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use self::bindings::{
    exports::switchboard::plugin::offered_services::{Guest, GuestIndices},
    switchboard::plugin::{call, log, random, types},
};

mod bindings {
    #![allow(missing_docs, unreachable_pub, unsafe_code, dead_code, clippy::all, clippy::pedantic)]
    wasmtime::component::bindgen!({ path: "../wit", world: "plugin", exports: { default: async } });
}

/// A component of which nothing is asked but its services.
pub(crate) struct Bare {
    engine: Engine,
    pre: InstancePre<Outside>,
    services: GuestIndices,
}

/// An instance that is called again and again.
pub(crate) struct Instance {
    store: Store<Outside>,
    services: Guest,
}

/// What the runtimes of languages ask for, and what SDKs ask of the host for each call.
pub(crate) struct Outside {
    table: ResourceTable,
    wasi: WasiCtx,
}

impl WasiView for Outside {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl call::Host for Outside {
    fn get_info(&mut self) -> call::Info {
        let organization =
            call::Organization { id: 1, slug: "default".to_owned(), name: "Default".to_owned() };
        let actor = call::Actor {
            kind: "system".to_owned(),
            name: "system".to_owned(),
            account: None,
            roles: Vec::new(),
            impersonator: None,
        };
        call::Info { organization: Some(organization), actor, address: None, trace: "bench".to_owned() }
    }

    fn time_left_ms(&mut self) -> u64 {
        10_000
    }

    fn should_stop(&mut self) -> bool {
        false
    }

    fn require(&mut self, _: String, _: Option<String>) -> Result<(), types::Failure> {
        Ok(())
    }
}

impl log::Host for Outside {
    fn write(&mut self, _: log::Level, _: String) {}
}

impl random::Host for Outside {
    fn get_bytes(&mut self, count: u32) -> Vec<u8> {
        (0..count).map(|number| number as u8).collect()
    }
}

impl types::Host for Outside {}

/// What is answered by the host above; whatever else of Switchboard is asked ends the call.
const ANSWERED: [&str; 4] = ["types", "call", "log", "random"];

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
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        types::add_to_linker::<_, HasSelf<Outside>>(&mut linker, |outside| outside)?;
        call::add_to_linker::<_, HasSelf<Outside>>(&mut linker, |outside| outside)?;
        log::add_to_linker::<_, HasSelf<Outside>>(&mut linker, |outside| outside)?;
        random::add_to_linker::<_, HasSelf<Outside>>(&mut linker, |outside| outside)?;
        trap_on_the_rest(&engine, &mut linker, &component)?;
        let pre = linker.instantiate_pre(&component)?;
        let services = GuestIndices::new(&pre)?;
        Ok(Self { engine, pre, services })
    }

    pub(crate) async fn begin(&self) -> wasmtime::Result<Instance> {
        let outside = Outside { table: ResourceTable::new(), wasi: WasiCtxBuilder::new().build() };
        let mut store = Store::new(&self.engine, outside);
        // Nobody counts epochs here.
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.pre.instantiate_async(&mut store).await?;
        let services = self.services.load(&mut store, &instance)?;
        Ok(Instance { store, services })
    }
}

fn trap_on_the_rest(
    engine: &Engine,
    linker: &mut Linker<Outside>,
    component: &Component,
) -> wasmtime::Result<()> {
    for (interface, imported) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(imported) = imported.ty else { continue };
        let Some(name) = interface.strip_prefix("switchboard:plugin/") else { continue };
        if ANSWERED.contains(&name.split('@').next().unwrap_or_default()) {
            continue;
        }
        let mut linker = linker.instance(interface)?;
        for (name, item) in imported.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    linker.func_new(name, |_, _, _, _| Err(wasmtime::format_err!("there is no host")))?;
                }
                ComponentItem::Resource(_) => {
                    linker.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

impl Instance {
    #[expect(clippy::ptr_arg, reason = "what is generated takes them so")]
    pub(crate) async fn ask(&mut self, service: &String, payload: &String) -> wasmtime::Result<String> {
        let said = self.services.call_answer(&mut self.store, service, payload).await?;
        said.map_err(|failure| wasmtime::format_err!("{failure:?}"))
    }
}
