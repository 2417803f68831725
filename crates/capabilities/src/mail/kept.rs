//! The mail of a test.

use std::sync::{Arc, Mutex, PoisonError};

use switchboard_api::{BoxFuture, Failure, capability::MailMessage};

use super::{Letter, MailCarrier, MailOptions, Sender};

/// Keeps messages instead of sending them. What a mail server would refuse unseen, such as a subject of two lines, is
/// refused here too.
///
/// ```
/// use std::sync::Arc;
/// use switchboard_capabilities::KeptMail;
/// let kept = Arc::<KeptMail>::default();
/// let options = KeptMail::options(&kept); // what the plugins under test are given
/// assert!(kept.take().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct KeptMail(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    messages: Vec<MailMessage>,
    failure: Option<Failure>,
}

impl KeptMail {
    /// The messages that were sent since the beginning, or since they were last taken.
    pub fn take(&self) -> Vec<MailMessage> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).messages)
    }

    /// From now on every message fails with this; with `None`, none does.
    pub fn fail_with(&self, failure: Option<Failure>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failure = failure;
    }

    /// Mail that is kept here.
    pub fn options(kept: &Arc<Self>) -> MailOptions {
        MailOptions::new(Sender::local(), Arc::clone(kept) as _)
    }
}

impl MailCarrier for KeptMail {
    fn carry<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(failure) = &kept.failure {
                return Err(failure.clone());
            }
            kept.messages.push(letter.message().clone());
            Ok("kept for the test".to_owned())
        })
    }
}
