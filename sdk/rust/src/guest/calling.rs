//! For whom the running call is made.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    time::Duration,
};

use switchboard_api::{
    About, AccountId, Actions, Actor, ActorKind, Context, Deadline, Organization, OrganizationId, Roles,
    Standing, Stop, Usage,
};

use super::bindings::switchboard::plugin::call::{self, get_info, should_stop, time_left_ms};

/// For whom the running call is made: asked of the host when somebody wants to know, and once.
#[derive(Clone)]
pub(crate) struct Calling {
    plugin: &'static str,
    known: Arc<OnceLock<Context>>,
}

impl Calling {
    pub(super) fn new(plugin: &'static str) -> Self {
        Self { plugin, known: Arc::default() }
    }

    /// The time left until the call is ended.
    pub(crate) fn time_left(&self) -> Duration {
        time_left()
    }

    /// Whether long work should be given up.
    pub(crate) fn should_stop(&self) -> bool {
        should_stop()
    }
}

impl Deref for Calling {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.known.get_or_init(|| context(self.plugin, get_info()))
    }
}

fn time_left() -> Duration {
    Duration::from_millis(time_left_ms())
}

fn context(plugin: &str, info: call::Info) -> Context {
    let call::Info { organization, actor, address, trace } = info;
    let organization = organization.map(|call::Organization { id, slug, name }| {
        Arc::new(Organization { id: OrganizationId(id), slug, name })
    });
    Context::new(About {
        #[expect(clippy::expect_used, reason = "`component!` has looked at it when this was compiled")]
        plugin: plugin.parse().expect("a plugin's id"),
        actor: Arc::new(self::actor(actor, organization.is_some())),
        organization,
        from: address.and_then(|address| address.parse().ok()),
        trace: trace.into(),
        deadline: Deadline::kept_elsewhere(time_left),
        depth: 0,
        stop: Stop::kept_elsewhere(should_stop),
        usage: Usage::default(),
    })
}

/// Who is behind the call. What they may do is the host's to say, by `require`: here they may do nothing.
fn actor(actor: call::Actor, somewhere: bool) -> Actor {
    let call::Actor { kind, name, account, roles, impersonator } = actor;
    let kind = match kind.as_str() {
        "user" => ActorKind::User,
        "token" => ActorKind::Token,
        "plugin" => ActorKind::Plugin,
        "system" => ActorKind::System,
        _ => ActorKind::Anyone,
    };
    let roles = Roles::new(roles.iter().map(String::as_str));
    let standing = match kind {
        ActorKind::System => Standing::Free,
        ActorKind::Anyone => Standing::Anyone,
        _ if somewhere => Standing::Member(roles),
        _ => Standing::Stranger,
    };
    let account = account.map(AccountId);
    let impersonator = impersonator.map(Into::into);
    Actor { kind, name: name.into(), account, actions: Actions::default(), standing, impersonator }
}
