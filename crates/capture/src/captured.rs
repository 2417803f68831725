//! A captured call, and the call made again.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use switchboard_api::{
    About, AccountId, Actions, Actor, ActorKind, Context, Deadline, Failure, Organization, OrganizationId,
    Plugin, Reply, Roles, Standing, Stop, Timestamp, Usage, capability::Level,
};
use switchboard_manifest::Manifest;

use crate::{
    input::Input,
    tape::{Asked, Recorder, Tape},
    taped,
};

/// The form of what is written. Another one is not read.
const FORM: u32 = 1;

/// A call that failed, with all that the plugin was given.
///
/// It holds what people have sent and what is in the plugin's tables: it is for those who may see that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Captured {
    form: u32,
    /// When it began.
    pub at: Timestamp,
    /// The plugin's id.
    pub plugin: String,
    /// Its version.
    pub version: String,
    organization: Option<Organization>,
    actor: CapturedActor,
    address: Option<IpAddr>,
    /// The id that joins what belongs together in logs and traces.
    pub trace: String,
    allowed_ms: u64,
    /// What it was called with.
    pub input: Input,
    asked: Vec<Asked>,
    /// What it failed with.
    pub failure: Failure,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CapturedActor {
    kind: ActorKind,
    name: String,
    account: Option<AccountId>,
    roles: Vec<String>,
    impersonator: Option<String>,
}

/// Why a captured call cannot be read or made again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no captured call.
    #[error("this is no captured call: {0}")]
    NotCaptured(#[from] serde_json::Error),
    /// It was written by another version.
    #[error(
        "the captured call has form {0}, and this version reads form {FORM}: use the version that captured it"
    )]
    OtherForm(u32),
    /// Something in it has another form.
    #[error("the captured call is damaged: {0} cannot be read")]
    Form(&'static str),
    /// The plugin has no such route any more.
    #[error("the plugin has no route `{0}`, which was called")]
    NoSuchRoute(String),
    /// It is a call of another plugin.
    #[error("it is a call of plugin `{captured}`, and this is plugin `{given}`")]
    OtherPlugin {
        /// Whose call it is.
        captured: String,
        /// What it was to be made with.
        given: String,
    },
}

/// What became of a call that was made again.
#[derive(Debug)]
pub struct Again {
    /// How it ended.
    pub reply: Result<Reply, Failure>,
    /// How long it took.
    pub took: Duration,
    /// Where it went another way than the one that was captured, if it did.
    pub strayed: Option<String>,
    /// What the plugin wrote to the log.
    pub log: Vec<(Level, String)>,
}

impl Captured {
    /// A call that failed.
    pub fn new(
        manifest: &Manifest,
        at: Timestamp,
        context: &Context,
        input: Input,
        recorder: Recorder,
        failure: Failure,
    ) -> Self {
        let actor = &context.actor;
        let roles = match &actor.standing {
            Standing::Member(roles) => roles.iter().map(str::to_owned).collect(),
            Standing::Free | Standing::Stranger | Standing::Anyone => Vec::new(),
        };
        Self {
            form: FORM,
            at,
            plugin: manifest.id.to_string(),
            version: manifest.version.to_string(),
            organization: context.organization.as_deref().cloned(),
            actor: CapturedActor {
                kind: actor.kind,
                name: actor.name.to_string(),
                account: actor.account,
                roles,
                impersonator: actor.impersonator.as_deref().map(str::to_owned),
            },
            address: context.from,
            trace: context.trace.to_string(),
            allowed_ms: manifest.limits.call_ms,
            input,
            asked: recorder.into_asked(),
            failure,
        }
    }

    /// One that was written as JSON.
    ///
    /// # Errors
    /// [`Error::NotCaptured`] and [`Error::OtherForm`].
    pub fn read(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let Form { form } = serde_json::from_str(text)?;
        if form != FORM {
            return Err(Error::OtherForm(form));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The organization for which it was called; none in global scope.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.organization.as_ref().map(|organization| organization.id)
    }

    /// How often the plugin asked the host for something.
    pub fn questions(&self) -> usize {
        self.asked.len()
    }

    /// Calls the plugin as it was called, with a host that gives the same answers.
    ///
    /// # Errors
    /// [`Error::OtherPlugin`], [`Error::NoSuchRoute`], and [`Error::Form`] when the captured call is damaged. That the plugin fails is
    /// no error but what is looked for.
    pub async fn again(&self, plugin: &dyn Plugin) -> Result<Again, Error> {
        let manifest = plugin.manifest();
        if manifest.id.as_str() != self.plugin {
            let (captured, given) = (self.plugin.clone(), manifest.id.to_string());
            return Err(Error::OtherPlugin { captured, given });
        }
        let call = self.input.again(manifest)?;
        let tape = Arc::new(Tape::of(self.asked.clone(), self.at));
        let host = Arc::new(taped::host(None, &manifest.id, &tape));
        let begun = Instant::now();
        let context = self.context(manifest, begun);
        let reply = plugin.call(&host, &context, call).await;
        Ok(Again { reply, took: begun.elapsed(), strayed: tape.strayed(), log: tape.said() })
    }

    fn context(&self, manifest: &Manifest, begun: Instant) -> Context {
        let actor = &self.actor;
        let roles = Roles::new(actor.roles.iter().map(String::as_str));
        Context::new(About {
            plugin: manifest.id.clone(),
            organization: self.organization.clone().map(Arc::new),
            actor: Arc::new(Actor {
                kind: actor.kind,
                name: actor.name.as_str().into(),
                account: actor.account,
                actions: Actions::default(),
                standing: Standing::Member(roles),
                impersonator: actor.impersonator.as_deref().map(Into::into),
            }),
            from: self.address,
            trace: self.trace.as_str().into(),
            deadline: Deadline::after(begun, Duration::from_millis(self.allowed_ms)),
            depth: 0,
            stop: Stop::default(),
            usage: Usage::default(),
        })
    }
}
