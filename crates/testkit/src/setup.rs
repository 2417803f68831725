//! What a stage begins with.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use switchboard_api::{Faults, Plugin};
use switchboard_capabilities::{KeptMail, MailOptions, SeededRandom, SetClock};
use switchboard_kernel::{HOOK_TIME, Loader, References};

use crate::{Stage, home::Home, stage::Outside};

/// What a stage begins with: its time, the seed of its random bytes, its mail, and its patience.
///
/// ```no_run
/// # async fn example(plugin: std::sync::Arc<dyn switchboard_testkit::api::Plugin>) {
/// # use switchboard_testkit::Stage;
/// let new_year = "2027-01-01T00:00:00Z".parse().unwrap();
/// let stage = Stage::setup().time(new_year).seed(42).with([plugin]).await;
/// stage.clock().advance(std::time::Duration::from_secs(3600));
/// # }
/// ```
#[derive(Default)]
pub struct Setup {
    clock: SetClock,
    seed: u64,
    hook_time: Option<Duration>,
    mail: Option<MailOptions>,
    references: References,
    loader: Option<Arc<dyn Loader>>,
}

impl Setup {
    /// The time when the plugins are loaded. Without it: 2026-01-02T03:04:05Z.
    #[must_use]
    pub fn time(self, time: Timestamp) -> Self {
        self.clock.set(time);
        self
    }

    /// The seed of all random bytes. The same seed gives the same bytes to those who ask in the same order.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How long a hook may take. Without it: as long as on a server.
    #[must_use]
    pub fn hook_time(self, limit: Duration) -> Self {
        Self { hook_time: Some(limit), ..self }
    }

    /// What carries mail. Without it, [`Stage::mail`] keeps it.
    #[must_use]
    pub fn mail(self, mail: MailOptions) -> Self {
        Self { mail: Some(mail), ..self }
    }

    /// What configurations may refer to. Without it: what they may on a server that its operator has not set up.
    #[must_use]
    pub fn references(self, references: References) -> Self {
        Self { references, ..self }
    }

    /// What loads the plugins that stand in `plugins/` in the stage's folder. Without it, nobody looks there.
    #[must_use]
    pub fn loader(self, loader: Arc<dyn Loader>) -> Self {
        Self { loader: Some(loader), ..self }
    }

    /// As [`Stage::with`].
    ///
    /// # Panics
    /// When a plugin does not load, with its reason.
    pub async fn with(self, plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Stage {
        let stage = self.with_some_failing(plugins).await;
        for (id, entry) in stage.kernel().catalog().entries() {
            let serves = stage.kernel().snapshot().plugin(id.as_str()).is_some();
            assert!(serves, "`{id}` does not serve: {:?}", entry.state);
        }
        stage
    }

    /// As [`Stage::with_some_failing`].
    pub async fn with_some_failing(self, plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Stage {
        let home = Home::new().await;
        let kept = Arc::<KeptMail>::default();
        let outside = Outside {
            clock: Arc::new(self.clock),
            random: Arc::new(SeededRandom::new(self.seed)),
            mail: self.mail.unwrap_or_else(|| KeptMail::options(&kept)),
            kept,
            faults: Arc::<Faults>::default(),
            references: self.references,
            loader: self.loader,
        };
        Stage::loaded(plugins, home, outside, self.hook_time.unwrap_or(HOOK_TIME)).await
    }
}
