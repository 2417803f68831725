//! What is tidied now and then, while the kernel serves.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use switchboard_api::Timestamp;

use crate::{error::Error, kernel::Kernel};

/// What was stored already of when tokens were last used, by number.
#[derive(Default)]
pub(crate) struct LastUses(Mutex<HashMap<i64, Timestamp>>);

impl Kernel {
    /// Stores when tokens were last used and which calls ended, and removes the records of calls whose time is over. Whoever runs a
    /// kernel calls this once a minute or so, and before the end: what a crash takes is only how recently a token was used.
    ///
    /// # Errors
    /// [`Error::Store`]; what was not stored is stored the next time.
    pub async fn housekeep(&self) -> Result<(), Error> {
        let used: Vec<(i64, Timestamp)> = {
            let stored = self.last_uses.0.lock().unwrap_or_else(PoisonError::into_inner);
            let tokens = self.directory.load().tokens();
            let used = tokens.iter().filter_map(|token| Some((token.id, token.last_used()?)));
            used.filter(|(id, at)| stored.get(id).is_none_or(|stored| stored < at)).collect()
        };
        for (id, at) in used {
            let sql = "update token set last_used_at = $2 where id = $1";
            self.room.execute(sql, vec![id.into(), at.to_string().into()]).await?;
            self.last_uses.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, at);
        }
        self.store_ended_calls().await?;
        self.store_captures().await?;
        self.shorten_ended_calls().await
    }
}
