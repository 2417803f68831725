//! Calls that failed, captured with all that the plugin was given: for its author.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use serde::Deserialize;
use switchboard_api::{Call, Failure, Host, OrganizationId, Reply, Timestamp};
use switchboard_capture::{Captured, Input, Recorder};
use switchboard_sql::Conditions;

use crate::{
    audit::{Entry, moment},
    by::By,
    calls::RunningCall,
    error::Error,
    invocation::Outcome,
    kernel::Kernel,
    loaded::Loaded,
};

/// So many calls are captured at the most when it is asked for.
pub const MOST_CAPTURED: u32 = 10;

/// So many are kept of all plugins together; beyond it the oldest goes.
const MOST_KEPT: i64 = 100;

/// A larger one is not kept.
const LARGEST: usize = 8 << 20;

/// Whether the next calls of a plugin that fail are captured.
#[derive(Default)]
pub(crate) struct Capturing {
    /// How many are yet to be captured.
    left: AtomicU32,
    /// Those that were, and wait to be stored.
    waiting: Mutex<Vec<Captured>>,
}

/// A call that is being made, and captured if it fails.
pub(crate) struct Capture {
    recorder: Recorder,
    input: Input,
}

/// A call that was captured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeptCapture {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub at: Timestamp,
    /// The plugin's id.
    pub plugin_id: String,
    /// The version of the plugin that was called.
    pub plugin_version: String,
    /// The organization for which it was called; none in global scope.
    pub organization_id: Option<OrganizationId>,
    /// What was called.
    pub what: String,
    /// What it failed with.
    pub message: String,
}

impl Capture {
    /// Prepares to capture a call, if that is wanted of the plugin and the call is one that can be.
    pub(crate) async fn of(plugin: &Loaded, call: Call) -> (Option<Self>, Call) {
        if plugin.capturing.left.load(Ordering::Relaxed) == 0 {
            return (None, call);
        }
        let (input, call) = Box::pin(Input::of(call, plugin.manifest())).await;
        let capture = input.map(|input| Self { recorder: Recorder::new(&plugin.host), input });
        (capture, call)
    }

    /// The host to call the plugin with.
    pub(crate) fn host(&self) -> &Arc<Host> {
        self.recorder.host()
    }

    /// Keeps it if it failed by the plugin's fault.
    pub(crate) fn end(self, call: &RunningCall, reply: &Result<Reply, Failure>) {
        let Err(failure) = reply else { return };
        if Outcome::Failed(failure).plugins_fault().is_none() {
            return;
        }
        let capturing = &call.plugin().capturing;
        let take = |left: u32| left.checked_sub(1);
        if capturing.left.try_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return;
        }
        let at = call.began(call.plugin().watch.clock.now());
        let (manifest, context) = (call.plugin().manifest(), call.context());
        let captured = Captured::new(manifest, at, context, self.input, self.recorder, failure.clone());
        capturing.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(captured);
    }
}

impl Kernel {
    /// Captures the next calls of a plugin that fail by its fault, so many of them of each version that serves; 0 ends that. They are captured on this server, and
    /// until it ends or the plugin is loaded anew.
    ///
    /// # Errors
    /// [`Error::NoSuchPlugin`]; [`Error::Refused`] when it does not serve; [`Error::Invalid`] for more than [`MOST_CAPTURED`].
    pub async fn capture_failures(&self, by: &By, id: &str, calls: u32) -> Result<(), Error> {
        if calls > MOST_CAPTURED {
            let message = format!("at most {MOST_CAPTURED} calls are captured at a time");
            return Err(Error::Invalid(Failure::invalid(message)));
        }
        self.serving(id)?;
        let entry = Entry::new("capture.asked_for", format!("plugin:{id}"));
        self.change(by).await?.commit(entry.after(serde_json::json!({ "calls": calls }))).await?;
        for version in self.snapshot().every_version().filter(|plugin| plugin.id().as_str() == id) {
            version.capturing.left.store(calls, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How many calls of a plugin that fail are yet to be captured.
    pub fn captures_wanted(&self, id: &str) -> u32 {
        self.snapshot().plugin(id).map_or(0, |plugin| plugin.capturing.left.load(Ordering::Relaxed))
    }

    /// The calls that were captured, the newest first; those of one plugin, or of all.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn captures(&self, plugin: Option<&str>) -> Result<Vec<KeptCapture>, Error> {
        self.store_captures().await?;
        let mut wanted = Conditions::default();
        if let Some(plugin) = plugin {
            wanted.add("plugin_id =", plugin.into());
        }
        let (wanted, values) = wanted.into_parts();
        let sql = format!(
            "select id, at, plugin_id, plugin_version, organization_id, what, message from capture \
             where {wanted} order by id desc"
        );
        Ok(self.room.query(&sql, values).await?.to()?)
    }

    /// A call that was captured, as the JSON that [`Captured::read`] reads.
    ///
    /// # Errors
    /// [`Error::NoSuch`]; [`Error::Store`].
    pub async fn capture(&self, by: &By, id: i64) -> Result<String, Error> {
        let sql = "select plugin_id, text from capture where id = $1";
        let row = self.room.query(sql, vec![id.into()]).await?.into_iter().next();
        let Some(row) = row else { return Err(Error::NoSuch(format!("there is no captured call {id}"))) };
        let (plugin, text) = row.to::<(String, String)>()?;
        // It holds what people have sent: that somebody has read it is known.
        let entry = Entry::new("capture.read", format!("plugin:{plugin}"));
        self.change(by).await?.commit(entry.after(serde_json::json!({ "capture": id }))).await?;
        Ok(text)
    }

    /// Removes a call that was captured.
    ///
    /// # Errors
    /// [`Error::NoSuch`]; [`Error::Store`].
    pub async fn remove_capture(&self, by: &By, id: i64) -> Result<(), Error> {
        let mut change = self.change(by).await?;
        if change.execute("delete from capture where id = $1", vec![id.into()]).await? == 0 {
            return Err(Error::NoSuch(format!("there is no captured call {id}")));
        }
        change.commit(Entry::new("capture.removed", format!("capture:{id}"))).await
    }

    /// Stores what was captured since the last time.
    pub(crate) async fn store_captures(&self) -> Result<(), Error> {
        let snapshot = self.snapshot();
        for plugin in snapshot.every_version() {
            let waiting =
                std::mem::take(&mut *plugin.capturing.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            for captured in waiting {
                self.store_capture(&captured).await?;
            }
        }
        Ok(())
    }

    async fn store_capture(&self, captured: &Captured) -> Result<(), Error> {
        let text = serde_json::to_string(captured).map_err(|error| Error::Data(error.to_string()))?;
        let organization = captured.organization();
        let plugin = captured.plugin.parse().map_err(|_| Error::NoSuchPlugin(captured.plugin.clone()))?;
        let without_secrets =
            |text: String| self.without_secrets(&plugin, organization, &text).unwrap_or(text);
        let text = without_secrets(text);
        if text.len() > LARGEST {
            tracing::warn!(plugin = %plugin, bytes = text.len(), "a captured call is too large to be kept");
            return Ok(());
        }
        let values = vec![
            moment(captured.at).into(),
            captured.plugin.as_str().into(),
            captured.version.as_str().into(),
            organization.into(),
            captured.input.what().into(),
            without_secrets(captured.failure.to_string()).into(),
            text.into(),
        ];
        let insert = "insert into capture (at, plugin_id, plugin_version, organization_id, what, message, text) \
                      values ($1, $2, $3, $4, $5, $6, $7)";
        self.room.execute(insert, values).await?;
        let shorten = "delete from capture where id <= (select max(id) from capture) - $1";
        self.room.execute(shorten, vec![MOST_KEPT.into()]).await?;
        Ok(())
    }
}
