//! What other processes on the same database say.

use tokio::sync::broadcast;

/// What was heard from another process on the same database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Another process announced this.
    Said {
        /// What it is about.
        topic: String,
        /// What it says of that.
        payload: String,
    },
    /// Something may have been missed: whoever listens reads everything anew. Comes when the connection is there anew, and
    /// the first time too, as nothing is known of what was said before.
    Lost,
}

/// What other processes on the same database announce, as it comes. On SQLite, where there is no other, nothing ever does.
#[derive(Debug)]
pub struct Changes {
    heard: Option<broadcast::Receiver<Notice>>,
}

impl Changes {
    pub(crate) fn none() -> Self {
        Self { heard: None }
    }

    pub(crate) fn from(heard: broadcast::Receiver<Notice>) -> Self {
        Self { heard: Some(heard) }
    }

    /// Waits for the next notice; for ever when none can come.
    pub async fn next(&mut self) -> Notice {
        let Some(heard) = &mut self.heard else { return std::future::pending().await };
        match heard.recv().await {
            Ok(notice) => notice,
            Err(broadcast::error::RecvError::Lagged(_)) => Notice::Lost,
            Err(broadcast::error::RecvError::Closed) => {
                self.heard = None;
                std::future::pending().await
            }
        }
    }
}
