//! What the host keeps for one instance of a plugin.

use std::{any::Any, sync::Arc};

use switchboard_api::{Context, Failure, Host, capability::Level};
use switchboard_manifest::PluginId;
use wasmtime::component::{HasSelf, Resource, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    WasiHttpCtx, WasiHttpCtxView, WasiHttpView,
    p2::{body, types},
};

use crate::{
    bindings::exported::description,
    bounds::Bounds,
    interrupted::{Answer, Interrupted},
    outgoing::InCall,
    wasi,
};

/// A plugin may hold no more transactions, bodies, files and writers at the same time.
const MOST_HELD: usize = 256;

/// With what it holds of WASI, such as streams and headers, no more than these.
const MOST_OF_ALL: usize = 1024;

/// Headers that a plugin puts together take no more bytes.
const LARGEST_HEADERS: usize = 64 << 10;

/// What the host keeps for one instance of a plugin.
pub(crate) struct State {
    pub(crate) plugin: PluginId,
    pub(crate) table: ResourceTable,
    pub(crate) bounds: Bounds,
    /// The call that the instance is in.
    in_call: InCall,
    /// How many resources of the contract the plugin holds.
    held: usize,
    /// How it describes itself, until it is asked.
    pub(crate) description: Option<description::Guest>,
    /// Made when the plugin first asks for something of WASI.
    wasi: Option<Box<WasiCtx>>,
    http: WasiHttpCtx,
}

/// A call, with the door out that it was given.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) host: Arc<Host>,
    pub(crate) context: Context,
}

/// How imports find the state.
pub(crate) type Data = HasSelf<State>;

impl State {
    pub(crate) fn new(plugin: PluginId, bounds: Bounds) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_OF_ALL);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(LARGEST_HEADERS);
        Self {
            plugin,
            table,
            bounds,
            in_call: InCall::default(),
            held: 0,
            description: None,
            wasi: None,
            http,
        }
    }

    pub(crate) fn begin(&mut self, host: Arc<Host>, context: Context) {
        self.in_call.running = Some(Running { host, context });
    }

    /// Ends the call. Whether the instance may be used again: nothing of the call is left in it, and it has not grown too large.
    pub(crate) fn end(&mut self) -> bool {
        if let Some(Running { context, .. }) = self.in_call.running.take() {
            context.usage.note_memory(self.bounds.taken() as u64);
        }
        self.held == 0 && !self.bounds.is_large() && !self.table.iter_mut().any(is_of_request)
    }

    /// The call that the instance is in; outside of one, such as while the plugin describes itself, nothing can be asked.
    pub(crate) fn call(&self) -> Answer<&Running> {
        let outside = || Failure::unavailable("the host can be asked only within a call");
        Ok(self.in_call.running.as_ref().ok_or_else(outside)?)
    }

    /// As [`call`](Self::call), where the contract knows no failure.
    pub(crate) fn running(&self) -> wasmtime::Result<&Running> {
        let running = self.in_call.running.as_ref();
        running.ok_or_else(|| wasmtime::format_err!("the host can be asked only within a call"))
    }

    /// Whether the call's time is up or nobody waits for it any more; false outside of one.
    pub(crate) fn over(&self) -> Option<Over> {
        let context = &self.in_call.running.as_ref()?.context;
        if context.stop.is_set() {
            Some(Over::Stopped)
        } else {
            context.time_left().is_zero().then_some(Over::Time)
        }
    }

    pub(crate) fn write_line(&self, level: Level, message: &str) {
        match &self.in_call.running {
            Some(call) => call.host.log.write(&call.context, level, message),
            None => tracing::info!(plugin = %self.plugin, "{}", message.escape_debug()),
        }
    }

    /// Keeps a resource for the plugin.
    pub(crate) fn keep<T: Send + 'static>(&mut self, resource: T) -> Answer<Resource<T>> {
        if self.held >= MOST_HELD {
            let message =
                format!("the plugin holds {MOST_HELD} transactions, bodies and files, the most it may");
            return Err(Failure::Unavailable { message, after: None }.into());
        }
        self.hold(resource).map_err(Interrupted::Ended)
    }

    /// As [`keep`](Self::keep), where the contract knows no failure.
    pub(crate) fn hold<T: Send + 'static>(&mut self, resource: T) -> wasmtime::Result<Resource<T>> {
        wasmtime::ensure!(self.held < MOST_HELD, "the plugin holds {MOST_HELD} bodies, the most it may");
        let kept = self.table.push(resource)?;
        self.held += 1;
        Ok(kept)
    }

    /// Takes a resource from the plugin.
    pub(crate) fn take<T: 'static>(&mut self, resource: Resource<T>) -> Answer<T> {
        self.take_back(resource).map_err(Interrupted::Ended)
    }

    /// As [`take`](Self::take), where the contract knows no failure.
    pub(crate) fn take_back<T: 'static>(&mut self, resource: Resource<T>) -> wasmtime::Result<T> {
        let taken = self.table.delete(resource)?;
        self.held = self.held.saturating_sub(1);
        Ok(taken)
    }

    /// Lets go of a resource that the plugin has dropped.
    pub(crate) fn let_go<T: 'static>(&mut self, resource: Resource<T>) -> wasmtime::Result<()> {
        self.take_back(resource).map(drop)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let plugin = &self.plugin;
        let ctx = self.wasi.get_or_insert_with(|| Box::new(wasi::nothing_but_output(plugin)));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.in_call, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Whether a resource keeps something of a request or an answer going.
fn is_of_request(resource: &mut (dyn Any + Send)) -> bool {
    resource.is::<types::HostIncomingRequest>()
        || resource.is::<types::HostResponseOutparam>()
        || resource.is::<types::HostOutgoingResponse>()
        || resource.is::<types::HostOutgoingRequest>()
        || resource.is::<types::HostFutureIncomingResponse>()
        || resource.is::<types::HostIncomingResponse>()
        || resource.is::<body::HostIncomingBody>()
        || resource.is::<body::HostFutureTrailers>()
        || resource.is::<body::HostOutgoingBody>()
}

/// Why a call is ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Over {
    /// Its time is up.
    #[error("its time was up")]
    Time,
    /// Nobody waits for it.
    #[error("nobody waited for it any more")]
    Stopped,
}
