//! The one place that calls a plugin: the layers around a call, the same for every kind and every plugin.
//!
//! Is it switched on for this organization → may this actor do this → is there room for one more → how long may it
//! take → the plugin → what is counted and logged of it.

use std::{
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt};
use switchboard_api::{
    About, Actor, Body, Call, CallKind, Context, Deadline, Failure, FilterCall, Organization, Payload, Reply,
    Stop, Usage,
};
use switchboard_manifest::OnFilterFailure;

use crate::{
    calls::{GivenUp, Underway},
    capturing::Capture,
    loaded::Loaded,
    pace::{Allowance, is_paced},
    snapshot::{FilterPoint, Participant, Snapshot},
};

/// How deep calls of plugins by plugins may go.
const DEEPEST: u8 = 16;

/// When to come back to a plugin that has no room for one more call.
const BUSY: Duration = Duration::from_secs(1);

/// For whom a call is made.
#[derive(Clone)]
pub struct Caller {
    /// The organization; none in global scope.
    pub organization: Option<Arc<Organization>>,
    /// Who is behind the call.
    pub actor: Arc<Actor>,
    /// The address from which the request came; none where no request did.
    pub from: Option<IpAddr>,
    /// Joins what belongs together in logs and traces.
    pub trace: Arc<str>,
    /// Set by whoever waits for the answer, when they no longer do.
    pub stop: Stop,
    /// How many calls of plugins stand above this one.
    pub depth: u8,
}

impl Caller {
    /// The host itself, for an organization or for none.
    pub fn system(organization: Option<Arc<Organization>>, trace: impl Into<Arc<str>>) -> Self {
        let actor = Arc::new(Actor::system());
        Self { organization, actor, from: None, trace: trace.into(), stop: Stop::default(), depth: 0 }
    }

    /// A plugin that calls another, for the same organization and on behalf of the same actor.
    pub fn within(context: &Context) -> Self {
        Self {
            organization: context.organization.clone(),
            actor: Arc::clone(&context.actor),
            from: context.from,
            trace: Arc::clone(&context.trace),
            stop: context.stop.within(),
            depth: context.depth + 1,
        }
    }
}

/// What one call asks for besides the call itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms<'a> {
    /// The action that the actor must be allowed to do.
    pub permission: Option<&'a str>,
    /// How long it may take; the plugin's `limits.call_ms` when absent.
    pub time: Option<Duration>,
    /// Where it is noted what the plugin's pace leaves to the organization, if it has one.
    pub left: Option<&'a OnceLock<Allowance>>,
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Unanswered {
    /// The plugin has as many calls running as it may. It was not called: to somebody who counts attempts, this is none.
    NoRoom(Failure),
    /// It failed, or may not be called.
    Failed(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Calls a plugin, if it may be called now.
///
/// # Errors
/// What the plugin fails with, or the [`Failure`] of the layer that held the call back: not found when it is not switched
/// on for the organization, forbidden, unavailable when too many calls run, rate limited when there were too many in this
/// second, timed out, or broken when it panics.
pub async fn dispatch(
    snapshot: &Snapshot,
    plugin: &Arc<Loaded>,
    caller: Caller,
    terms: Terms<'_>,
    call: Call,
) -> Result<Reply, Failure> {
    attempt(snapshot, plugin, caller, terms, call).await.map_err(|unanswered| match unanswered {
        Unanswered::NoRoom(failure) | Unanswered::Failed(failure) => failure,
    })
}

/// [`dispatch`], for somebody who counts attempts.
///
/// # Errors
/// As those of [`dispatch`], with want of room apart.
pub async fn attempt(
    snapshot: &Snapshot,
    plugin: &Arc<Loaded>,
    caller: Caller,
    terms: Terms<'_>,
    call: Call,
) -> Result<Reply, Unanswered> {
    let organization = caller.organization.as_deref().map(|organization| organization.id);
    let plugin = snapshot.version_for(plugin, organization);
    let manifest = plugin.manifest();
    if !matches!(call, Call::Lifecycle(_)) {
        permit(snapshot, plugin, caller.organization.as_deref(), &caller.actor, terms.permission)?;
    }
    if caller.depth > DEEPEST {
        return Err(Failure::broken(format!(
            "plugins call each other more than {DEEPEST} deep; the last was `{}`",
            manifest.id
        ))
        .into());
    }
    let _place = Place::take(plugin).map_err(Unanswered::NoRoom)?;
    // Asked after the place is taken: who pauses it waits for all places to be given back.
    if plugin.paused.load(Ordering::SeqCst) && !matches!(call, Call::Lifecycle(_)) {
        let message = format!("plugin `{}` is being replaced by another version", manifest.id);
        return Err(Unanswered::NoRoom(Failure::Unavailable { message, after: Some(BUSY) }));
    }
    let kind = call.kind();
    keep_pace(plugin, &caller, kind, terms.left)?;
    plugin.breaker.permit(&manifest.id, kind, organization)?;
    Ok(run(plugin, caller, terms, call).await?)
}

/// Whether a plugin may be called at all, for an organization and by an actor. [`dispatch`] asks this of every call; whoever
/// would read a long request only to have it refused asks it before.
///
/// # Errors
/// Not found when the plugin is not switched on for the organization; forbidden when the actor may not do the action.
pub fn permit(
    snapshot: &Snapshot,
    plugin: &Loaded,
    organization: Option<&Organization>,
    actor: &Actor,
    permission: Option<&str>,
) -> Result<(), Failure> {
    let id = plugin.id();
    if let Some(Organization { id: number, slug, .. }) = organization
        && !snapshot.is_enabled(plugin, *number)
    {
        return Err(Failure::not_found(format!(
            "plugin `{id}` is not switched on for organization `{slug}`"
        )));
    }
    match permission {
        Some(action) => snapshot.require(actor, organization, action, None),
        None => Ok(()),
    }
}

/// Refuses a call beyond those that the plugin takes in a second for the organization.
fn keep_pace(
    plugin: &Loaded,
    caller: &Caller,
    kind: CallKind,
    left: Option<&OnceLock<Allowance>>,
) -> Result<(), Failure> {
    let Some(rate) = plugin.rate.filter(|_| is_paced(kind)) else { return Ok(()) };
    let organization = caller.organization.as_deref();
    let taken = plugin.pace.take(&organization.map(|organization| organization.id), rate);
    if let (Some(left), Ok(allowance) | Err(allowance)) = (left, taken) {
        // The first note is this call's; there is no other.
        let _ = left.set(allowance);
    }
    taken.map(drop).map_err(|Allowance { after, .. }| {
        let (id, most) = (plugin.id(), rate.per_second());
        let whom = match organization {
            Some(organization) => format!("organization `{}`", organization.slug),
            None => "global scope".to_owned(),
        };
        let message =
            format!("plugin `{id}` was called as often as it may be for {whom}: {most} times a second");
        Failure::RateLimited { message, after }
    })
}

async fn run(plugin: &Arc<Loaded>, caller: Caller, terms: Terms<'_>, call: Call) -> Result<Reply, Failure> {
    let kind = call.kind();
    let time = terms.time.unwrap_or_else(|| Duration::from_millis(plugin.manifest().limits.call_ms));
    let begun = Instant::now();
    let context = Context::new(About {
        plugin: plugin.id().clone(),
        organization: caller.organization,
        actor: caller.actor,
        from: caller.from,
        trace: caller.trace,
        deadline: Deadline::after(begun, time),
        depth: caller.depth,
        stop: caller.stop,
        usage: Usage::default(),
    });
    let call = waiting_for_client(call, &context);
    // Before anything is waited for: that the caller went away meanwhile is noted as well.
    let underway = Underway::begin(plugin, &call, context, begun);
    let (capture, call) = Capture::of(plugin, call).await;
    let host = capture.as_ref().map_or(&plugin.host, Capture::host);
    let context = underway.context();
    let work = AssertUnwindSafe(plugin.plugin.call(host, context, call)).catch_unwind();
    let reply = match underway.outcome(work).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(panic)) => Err(Failure::broken(format!(
            "plugin `{}` panicked in a {}: {}",
            plugin.id(),
            kind.as_str(),
            panic_message(&*panic)
        ))),
        Err(GivenUp::Stopped) => Err(underway.was_stopped()),
        Err(GivenUp::TooLate) => {
            context.stop.set();
            Err(Failure::timed_out(format!(
                "plugin `{}` took longer than the {} it may for a {}",
                plugin.id(),
                Readable(time),
                kind.as_str()
            )))
        }
    };
    if let Err(failure @ (Failure::Broken { .. } | Failure::TimedOut { .. })) = &reply {
        let organization = context.organization.as_deref().map(|organization| organization.slug.as_str());
        tracing::error!(plugin = %plugin.id(), organization, trace = %context.trace, call = kind.as_str(), "{failure}");
    }
    if let Some(capture) = capture {
        capture.end(&underway, &reply);
    }
    underway.end(&reply);
    reply
}

/// While a request waits for its body's bytes, its deadline stands still.
fn waiting_for_client(call: Call, context: &Context) -> Call {
    match call {
        Call::Request(mut request) => {
            if let in_pieces @ (Body::Stream { .. } | Body::Lent(_)) = request.body {
                let length = in_pieces.length();
                let state = (in_pieces.into_chunks(), context.clone());
                let chunks = futures_util::stream::unfold(state, async |(mut chunks, context)| {
                    let waiting = context.deadline.stand_still();
                    let chunk = chunks.next().await?;
                    drop(waiting);
                    Some((chunk, (chunks, context)))
                });
                request.body = Body::stream(chunks, length);
            }
            Call::Request(request)
        }
        other => other,
    }
}

/// Passes a payload through everyone who takes part in a filter point.
///
/// The deadline of the call that asks stands still meanwhile.
///
/// # Errors
/// A veto as [`Failure::Conflict`]; another failure of one that takes part, where the point says that it is fatal.
pub async fn apply_filters(
    snapshot: &Snapshot,
    context: &Context,
    point: &str,
    mut payload: Payload,
) -> Result<Payload, Failure> {
    let _waiting = context.deadline.stand_still();
    let filters = snapshot.filter_point(point).ok_or_else(|| {
        Failure::broken(format!("plugin `{}` declares no filter point `{point}`", context.plugin))
    })?;
    for participant in &filters.participants {
        let organization = context.organization.as_deref();
        if organization.is_some_and(|organization| !snapshot.is_enabled(&participant.plugin, organization.id))
        {
            continue;
        }
        match pass(snapshot, context, filters, participant, point, &payload).await {
            Ok(changed) => payload = changed.unwrap_or(payload),
            Err(veto @ Failure::Conflict { .. }) => return Err(veto),
            Err(failure) if filters.on_failure == OnFilterFailure::Fail => return Err(failure),
            Err(failure) => {
                let plugin = participant.plugin.id();
                tracing::warn!(%plugin, point, trace = %context.trace, "a filter was skipped: {failure}");
            }
        }
    }
    Ok(payload)
}

/// What one that takes part makes of the payload; nothing when it leaves it as it is.
async fn pass(
    snapshot: &Snapshot,
    context: &Context,
    filters: &FilterPoint,
    participant: &Participant,
    point: &str,
    payload: &Payload,
) -> Result<Option<Payload>, Failure> {
    let call = Call::Filter(FilterCall { name: point.to_owned(), payload: payload.clone() });
    let terms = Terms { time: participant.timeout_ms.map(Duration::from_millis), ..Terms::default() };
    let Reply::Payload(changed) =
        dispatch(snapshot, &participant.plugin, Caller::within(context), terms, call).await?
    else {
        return Ok(None);
    };
    if let Some(rules) = filters.rules()
        && let Some(fault) = rules.faults(&changed.to()?, &[]).first()
    {
        let (id, place) = (participant.plugin.id(), fault.place());
        let message =
            format!("plugin `{id}` gave back what `{point}` does not take, at `{place}`: {}", fault.msg);
        return Err(Failure::broken(message));
    }
    Ok(Some(changed))
}

/// One of the places for calls that run at the same time; given back when dropped.
struct Place<'a>(&'a Loaded);

impl<'a> Place<'a> {
    fn take(plugin: &'a Loaded) -> Result<Self, Failure> {
        let most = plugin.manifest().limits.concurrent_calls;
        let place = Self(plugin);
        if plugin.running.fetch_add(1, Ordering::SeqCst) < most {
            Ok(place)
        } else {
            let message = format!("plugin `{}` has {most} calls running, the most it may", plugin.id());
            Err(Failure::Unavailable { message, after: Some(BUSY) })
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A duration as people write it: `10 s`, `250 ms`.
struct Readable(Duration);

impl std::fmt::Display for Readable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{} s", self.0.as_secs()),
            _ => write!(f, "{} ms", self.0.as_millis()),
        }
    }
}
