//! The calls of plugins that run now: listed, and stopped.

use std::{
    future::poll_fn,
    ops::Deref,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, ready},
    time::{Duration, Instant},
};

use futures_util::task::AtomicWaker;
use switchboard_api::{
    Call, CallKind, Context, Failure, HookKind, OrganizationId, Payload, Reply, Timestamp,
};
use switchboard_manifest::Manifest;
use tokio::{
    task::{coop::Unconstrained, unconstrained},
    time::{Sleep, sleep_until},
};

use crate::{invocation::Outcome, loaded::Loaded};

/// In so many parts, so that threads seldom wait for each other.
const PARTS: usize = 16;

/// The calls that run now, of every version of every plugin.
pub(crate) struct Calls {
    parts: [Mutex<Vec<Arc<RunningCall>>>; PARTS],
    next: AtomicU64,
}

/// A call that runs now.
pub struct RunningCall {
    number: u64,
    plugin: Arc<Loaded>,
    kind: CallKind,
    what: What,
    bytes_in: Option<u64>,
    context: Context,
    begun: Instant,
    /// Who is to be told that it was stopped.
    waiting: AtomicWaker,
    /// Why it was stopped, if somebody has.
    stopped: OnceLock<Box<str>>,
}

/// What a plugin is called for, as it is said of the call.
enum What {
    /// The route at that position of the manifest.
    Route(usize),
    /// The service at that position of the manifest.
    Service(usize),
    Hook(HookKind),
    /// An event's type, or the name of a filter point, a task, a command, or a service that is not declared.
    Named(Box<str>),
}

impl What {
    /// What it is, and how many bytes come with it where that is known.
    fn of(call: &Call, manifest: &Manifest) -> (Self, Option<u64>) {
        let with = |what, payload: &Payload| (what, Some(payload.as_str().len() as u64));
        let named = |name: &str, payload| with(Self::Named(name.into()), payload);
        let service = |name: &str| {
            let position = manifest.provides.services.iter().position(|service| service.name == name);
            position.map_or_else(|| Self::Named(name.into()), Self::Service)
        };
        match call {
            Call::Request(request) => (Self::Route(request.route), request.body.length()),
            Call::Event(event) => named(&event.name, &event.data),
            Call::Filter(filter) => named(&filter.name, &filter.payload),
            Call::Task(task) => named(&task.name, &task.payload),
            Call::Service(called) => with(service(&called.name), &called.payload),
            Call::Command(command) => named(&command.name, &command.arguments),
            Call::Lifecycle(hook) => (Self::Hook(hook.kind()), None),
        }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::default()), next: AtomicU64::new(1) }
    }
}

impl Calls {
    fn part(&self, number: u64) -> Option<MutexGuard<'_, Vec<Arc<RunningCall>>>> {
        let part = self.parts.get(number as usize % PARTS)?;
        // Nothing panics while it is held.
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The calls that run now, the oldest first.
    pub(crate) fn running(&self) -> Vec<Arc<RunningCall>> {
        let parts = (0..PARTS as u64).filter_map(|number| self.part(number));
        let mut calls: Vec<_> = parts.flat_map(|part| part.clone()).collect();
        calls.sort_by_key(|call| call.number);
        calls
    }

    /// Stops the calls of which it is said, and gives how many there were.
    pub(crate) fn stop(&self, why: &str, which: impl Fn(&RunningCall) -> bool) -> usize {
        self.running().iter().filter(|call| which(call) && call.stop(why)).count()
    }
}

impl RunningCall {
    /// Its number, which no other call has since the server started.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The plugin that is called.
    pub fn plugin(&self) -> &Loaded {
        &self.plugin
    }

    /// The kind of call.
    pub fn kind(&self) -> CallKind {
        self.kind
    }

    /// For whom it is, and what it has used so far.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What it is called for: the route, or the name of the event, filter point, task, service, command or hook.
    pub fn what(&self) -> String {
        let manifest = self.plugin.manifest();
        let provides = &manifest.provides;
        match &self.what {
            What::Named(name) => name.to_string(),
            What::Hook(kind) => kind.as_str().to_owned(),
            What::Service(position) => {
                provides.services.get(*position).map(|service| service.name.clone()).unwrap_or_default()
            }
            What::Route(position) => {
                let route = provides.api_routes.get(*position);
                route.map(|it| format!("{} {}", it.method, manifest.address_of(it))).unwrap_or_default()
            }
        }
    }

    /// How long it has run.
    pub fn running_for(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Stops it; false when it was stopped before.
    fn stop(&self, why: &str) -> bool {
        let is_first = self.stopped.set(why.into()).is_ok();
        self.context.stop.set();
        self.waiting.wake();
        is_first
    }

    /// What its caller is told when it was stopped.
    pub(crate) fn was_stopped(&self) -> Failure {
        let why = self.stopped.get().map_or("nobody waits for it any more", |why| why);
        let (id, kind) = (self.plugin.id(), self.kind.as_str());
        Failure::unavailable(format!("plugin `{id}` was stopped in a {kind}: {why}"))
    }

    pub(crate) fn organization(&self) -> Option<OrganizationId> {
        self.context.organization_id()
    }

    /// When it began, if it is so late now.
    pub(crate) fn began(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.running_for()).unwrap_or(now)
    }

    pub(crate) fn bytes_in(&self) -> Option<u64> {
        self.bytes_in
    }

    /// In which second it began, of those since some moment.
    pub(crate) fn second_since(&self, start: Instant) -> u64 {
        self.begun.saturating_duration_since(start).as_secs()
    }
}

/// Why a call's work was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// Somebody stopped it.
    Stopped,
    /// Its time was up.
    TooLate,
}

/// A call that is under way until this is dropped.
pub(crate) struct Underway {
    call: Arc<RunningCall>,
    has_ended: bool,
}

impl Underway {
    /// Notes that a call has begun.
    pub(crate) fn begin(plugin: &Arc<Loaded>, call: &Call, context: Context, begun: Instant) -> Self {
        let (what, bytes_in) = What::of(call, plugin.manifest());
        let calls = &plugin.watch.calls;
        let call = Arc::new(RunningCall {
            number: calls.next.fetch_add(1, Ordering::Relaxed),
            plugin: Arc::clone(plugin),
            kind: call.kind(),
            what,
            bytes_in,
            context,
            begun,
            waiting: AtomicWaker::new(),
            stopped: OnceLock::new(),
        });
        if let Some(mut part) = calls.part(call.number) {
            part.push(Arc::clone(&call));
        }
        Self { call, has_ended: false }
    }

    /// What the call's work gives, unless it is given up before: at the deadline, which may move on meanwhile, or when it is stopped.
    pub(crate) async fn outcome<T>(&self, work: impl Future<Output = T>) -> Result<T, GivenUp> {
        let mut work = pin!(work);
        let mut timer = pin!(None::<Unconstrained<Sleep>>);
        let is_stopped = || self.stopped.get().is_some();
        poll_fn(|polling| {
            if is_stopped() {
                return Poll::Ready(Err(GivenUp::Stopped));
            }
            if let Poll::Ready(done) = work.as_mut().poll(polling) {
                return Poll::Ready(Ok(done));
            }
            // Most work is done at once, and needs neither somebody to wake nor a timer.
            self.waiting.register(polling.waker());
            if is_stopped() {
                return Poll::Ready(Err(GivenUp::Stopped));
            }
            loop {
                if let Some(timer) = timer.as_mut().as_pin_mut() {
                    ready!(timer.poll(polling));
                }
                let deadline = self.context.deadline.instant();
                if deadline <= Instant::now() {
                    return Poll::Ready(Err(GivenUp::TooLate));
                }
                // That work takes more than its share of the runtime is no reason not to look at the time.
                timer.set(Some(unconstrained(sleep_until(deadline.into()))));
            }
        })
        .await
    }

    /// Notes how it ended.
    pub(crate) fn end(mut self, reply: &Result<Reply, Failure>) {
        self.has_ended = true;
        let (call, failure) = (&self.call, reply.as_ref().err());
        let took = call.running_for();
        call.plugin.measures.count(call.kind, took, failure);
        let outcome = match failure {
            Some(_) if call.stopped.get().is_some() => Outcome::Stopped,
            Some(failure) => Outcome::Failed(failure),
            None => Outcome::Done,
        };
        let bytes_out = match reply {
            Ok(Reply::Response(response)) => response.body.length(),
            Ok(Reply::Payload(payload)) => Some(payload.as_str().len() as u64),
            Ok(Reply::Said(said)) => Some(said.text.len() as u64),
            Ok(Reply::Done) | Err(_) => None,
        };
        self.note(took, &outcome, bytes_out);
    }

    fn note(&self, took: Duration, outcome: &Outcome<'_>, bytes_out: Option<u64>) {
        let call = &self.call;
        call.plugin.breaker.note(call.kind, call.organization(), outcome);
        call.plugin.watch.note(call, took, outcome, bytes_out);
    }
}

impl Deref for Underway {
    type Target = RunningCall;

    fn deref(&self) -> &RunningCall {
        &self.call
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let (call, plugin) = (&self.call, &self.call.plugin);
        if let Some(mut part) = plugin.watch.calls.part(call.number)
            && let Some(place) = part.iter().position(|other| other.number == call.number)
        {
            part.swap_remove(place);
        }
        if !self.has_ended {
            let outcome = if call.stopped.get().is_some() { Outcome::Stopped } else { Outcome::Abandoned };
            self.note(call.running_for(), &outcome, None);
        }
    }
}
