//! The one plugin that a component is.

use std::sync::OnceLock;

use switchboard_api::Failure;
use switchboard_manifest::Listener;

use super::{Calling, host::HOST, panicking};
use crate::{Context, Definition, binding::Bound, context::Shares};

/// What a component is made of; [`component!`](crate::component) implements it.
pub trait Component {
    /// The plugin's id.
    const ID: &'static str;

    /// The plugin as its author writes it.
    fn definition() -> Definition;
}

/// The id, if it is one; otherwise the crate does not compile.
///
/// # Panics
/// When it is none.
#[allow(clippy::panic, clippy::indexing_slicing, reason = "it is asked while the crate is compiled")]
pub const fn plugin_id(builder: Option<&'static str>, package: &'static str) -> &'static str {
    let id = match builder {
        Some(id) => id,
        None => package,
    };
    let (bytes, mut at) = (id.as_bytes(), 0);
    while at < bytes.len() {
        let fits = matches!((at, bytes[at]), (_, b'a'..=b'z') | (1.., b'0'..=b'9' | b'_'));
        assert!(
            fits,
            "a plugin's id is lower-case letters, digits and `_`, a letter first: build with `switchboard plugin build`"
        );
        at += 1;
    }
    assert!(
        at > 0 && at <= 64,
        "a plugin's id has 1 to 64 characters: build with `switchboard plugin build`"
    );
    id
}

/// The plugin of this component, with its handlers at hand.
pub(super) struct Plugged {
    pub(super) bound: Bound,
    /// The bound patterns of events, in their order.
    pub(super) listeners: Vec<Listener>,
    shared: Shares,
    id: &'static str,
}

/// The plugin, made when it is first asked for.
pub(super) fn plugged<P: Component>() -> &'static Plugged {
    static PLUGGED: OnceLock<Plugged> = OnceLock::new();
    PLUGGED.get_or_init(|| {
        panicking::log_panics();
        let (shared, bound) = P::definition().into_parts();
        let listener = |(pattern, _): &(String, _)| Listener { event: pattern.clone(), priority: 0 };
        let listeners = bound.listeners.iter().map(listener).collect();
        Plugged { bound, listeners, shared: shared.into(), id: P::ID }
    })
}

impl Plugged {
    /// What a handler of the running call gets.
    pub(super) fn context(&self) -> Context {
        Context { host: HOST, call: Calling::new(self.id), shared: self.shared.clone() }
    }

    /// The handler that is bound to a name.
    pub(super) fn find<'a, T>(
        &self,
        kind: &str,
        bound: &'a [(String, T)],
        name: &str,
    ) -> Result<&'a T, Failure> {
        let found = bound.iter().find(|(bound, _)| bound == name).map(|(_, handler)| handler);
        found.ok_or_else(|| self.unbound(kind, name))
    }

    /// The failure of a call for something that nothing is bound to.
    pub(super) fn unbound(&self, kind: &str, name: &str) -> Failure {
        Failure::broken(format!("plugin `{}` binds no {kind} `{name}`", self.id))
    }
}
