//! `mail`: messages to people, from the operator's address, by way of whatever carries them.

mod carrier;
mod folder;
mod kept;
mod letter;
mod smtp;
mod smtp_server;

use std::{num::NonZeroU32, sync::Arc};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use switchboard_api::{
    BoxFuture, Context, Failure, OrganizationId,
    capability::{Clock, Mail, MailMessage, Random},
};

pub use carrier::MailCarrier;
pub use folder::MailFolder;
pub use kept::KeptMail;
pub use letter::{Letter, Sender};
pub use smtp::Smtp;
pub use smtp_server::SmtpServer;

/// How many messages a plugin may send in a minute for one organization, unless the operator says otherwise.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);

/// What the operator says of mail.
#[derive(Clone)]
pub struct MailOptions {
    /// Whom messages are from.
    pub from: Sender,
    /// How many messages a plugin may send in a minute for one organization.
    pub per_minute: NonZeroU32,
    /// What carries them.
    pub carrier: Arc<dyn MailCarrier>,
}

impl MailOptions {
    /// Messages are carried by this, as many in a minute as usual.
    pub fn new(from: Sender, carrier: Arc<dyn MailCarrier>) -> Self {
        Self { from, per_minute: PER_MINUTE, carrier }
    }
}

impl Default for MailOptions {
    /// Nothing carries mail: every message is refused as unavailable.
    fn default() -> Self {
        Self::new(Sender::local(), Arc::new(carrier::Nobody))
    }
}

/// How many messages are left to each organization. Organizations are few and stay; none stands for global scope.
type Allowances = RateLimiter<
    Option<OrganizationId>,
    HashMapStateStore<Option<OrganizationId>>,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as governor::clock::Clock>::Instant>,
>;

/// The mail of one plugin.
pub(crate) struct OwnMail {
    options: MailOptions,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    allowances: Allowances,
}

impl OwnMail {
    pub(crate) fn new(options: MailOptions, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let quota = Quota::per_minute(options.per_minute);
        let allowances = RateLimiter::hashmap_with_clock(quota, MonotonicClock);
        Self { options, clock, random, allowances }
    }

    fn take_one(&self, context: &Context) -> Result<(), Failure> {
        let organization = context.organization_id();
        self.allowances.check_key(&organization).map_err(|too_early| Failure::RateLimited {
            message: format!(
                "plugin `{}` may send {} messages a minute here",
                context.plugin, self.options.per_minute
            ),
            after: too_early.wait_time_from(self.allowances.clock().now()),
        })
    }

    async fn post(&self, context: &Context, message: MailMessage) -> Result<(), Failure> {
        let mut id = [0; 16];
        self.random.fill(&mut id);
        let letter = Letter::write(message, &self.options.from, u128::from_be_bytes(id), self.clock.now())?;
        self.take_one(context)?;
        // A slow mail server is not the plugin's fault, and each carrier has its own patience.
        let _waiting = context.deadline.stand_still();
        let carried = self.options.carrier.carry(&letter).await;
        let plugin = context.plugin.as_str();
        let organization = context.organization.as_deref().map(|organization| organization.slug.as_str());
        let (trace, id, recipients) = (&*context.trace, letter.id(), letter.recipients().len());
        match &carried {
            Ok(to) => {
                tracing::info!(plugin, organization, trace, id, recipients, "a message was sent: {to}");
            }
            Err(failure) => {
                tracing::warn!(plugin, organization, trace, id, "a message was not sent: {failure}");
            }
        }
        carried.map(drop)
    }
}

impl Mail for OwnMail {
    fn send<'a>(&'a self, context: &'a Context, message: MailMessage) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(self.post(context, message))
    }
}
