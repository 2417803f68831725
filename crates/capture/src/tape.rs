//! What a plugin asked the host during one call, and what it was answered: recorded, or played.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use switchboard_api::{BoxFuture, Failure, Host, Timestamp, capability::Level};

use crate::{taped, wire::Wire};

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The capability and what of it was asked for, such as `db.query`.
    pub(crate) what: String,
    /// What was asked with.
    pub(crate) with: Json,
    /// What the host answered.
    pub(crate) answer: Json,
}

/// The questions of one call with their answers.
#[derive(Default)]
pub(crate) struct Tape {
    asked: Mutex<Vec<Asked>>,
    /// The first question that none of the answers was to.
    strayed: Mutex<Option<String>>,
    /// The time that the plugin was told last.
    time: Mutex<Timestamp>,
    /// What the plugin wrote to the log while the answers were played.
    said: Mutex<Vec<(Level, String)>>,
}

impl Tape {
    /// One that plays these answers, of a call that began then.
    pub(crate) fn of(asked: Vec<Asked>, at: Timestamp) -> Self {
        Self { asked: Mutex::new(asked), time: Mutex::new(at), ..Self::default() }
    }

    pub(crate) fn record(&self, what: &str, with: Json, answer: &impl Wire) {
        held(&self.asked).push(Asked { what: what.to_owned(), with, answer: answer.out() });
    }

    /// The answer to the first such question that was not played yet.
    pub(crate) fn play<T: Wire>(&self, what: &str, with: &Json) -> Result<T, Failure> {
        self.play_if_there(what, with).ok_or_else(|| {
            let asked = held(&self.asked);
            let next = asked.iter().find(|asked| asked.what == what);
            let instead = match next {
                Some(next) => format!("the next that was captured is with {}", next.with),
                None => "no further one was captured".to_owned(),
            };
            let strayed = format!("it asks for `{what}` with {with}; {instead}");
            held(&self.strayed).get_or_insert(strayed.clone());
            Failure::broken(format!("the call goes another way than the one that was captured: {strayed}"))
        })
    }

    /// The answer to the first such question that was not played yet, if there is one.
    pub(crate) fn play_if_there<T: Wire>(&self, what: &str, with: &Json) -> Option<T> {
        let mut asked = held(&self.asked);
        let place = asked.iter().position(|asked| asked.what == what && asked.with == *with)?;
        T::back(&asked.remove(place).answer)
    }

    /// The time, if it is on the tape; else the last that was.
    pub(crate) fn time(&self, told: Option<Timestamp>) -> Timestamp {
        let mut time = held(&self.time);
        *time = told.unwrap_or(*time);
        *time
    }

    pub(crate) fn say(&self, level: Level, message: &str) {
        held(&self.said).push((level, message.to_owned()));
    }

    pub(crate) fn said(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut held(&self.said))
    }

    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut held(&self.asked))
    }

    pub(crate) fn strayed(&self) -> Option<String> {
        held(&self.strayed).clone()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A capability through which a tape is recorded, or that a tape plays.
pub(crate) struct Taped<C: ?Sized> {
    /// None where answers are played.
    pub(crate) real: Option<Arc<C>>,
    pub(crate) tape: Arc<Tape>,
}

impl<C: ?Sized + Send + Sync> Taped<C> {
    /// Asks the real one and keeps what it answers, or plays it.
    pub(crate) fn ask<'a, T: Wire + Send + 'a>(
        &'a self,
        what: &'static str,
        with: Json,
        ask: impl FnOnce(&'a C) -> BoxFuture<'a, Result<T, Failure>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Failure>> {
        Box::pin(async move {
            let Some(real) = &self.real else { return self.tape.play(what, &with)? };
            let answer = ask(real).await;
            self.tape.record(what, with, &answer);
            answer
        })
    }

    /// The same, where nobody is waited for.
    pub(crate) fn ask_at_once<T: Wire>(
        &self,
        what: &'static str,
        with: Json,
        ask: impl FnOnce(&C) -> T,
    ) -> Result<T, Failure> {
        let Some(real) = &self.real else { return self.tape.play(what, &with) };
        let answer = ask(real);
        self.tape.record(what, with, &answer);
        Ok(answer)
    }

    /// The same for what an instance asks for on its own account too, such as when it begins: there need be no answer.
    pub(crate) fn ask_idly<T: Wire>(
        &self,
        what: &'static str,
        with: Json,
        ask: impl FnOnce(&C) -> T,
    ) -> Option<T> {
        match &self.real {
            Some(_) => self.ask_at_once(what, with, ask).ok(),
            None => self.tape.play_if_there(what, &with),
        }
    }
}

/// Stands between a plugin and its host during one call, and keeps what the host answers.
pub struct Recorder {
    tape: Arc<Tape>,
    host: Arc<Host>,
}

impl Recorder {
    /// One for a call that is about to be made with this host.
    pub fn new(host: &Host) -> Self {
        let tape = Arc::new(Tape::default());
        Self { host: Arc::new(taped::host(Some(host), &host.plugin, &tape)), tape }
    }

    /// The host to make the call with.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// What was asked and answered.
    pub(crate) fn into_asked(self) -> Vec<Asked> {
        self.tape.take()
    }
}
