//! Notices between processes, by PostgreSQL's own.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio_postgres::AsyncMessage;

use super::address::Wire;
use super::store::House;
use crate::Notice;

pub(crate) const CHANNEL: &str = "switchboard";

/// PostgreSQL takes 8,000 bytes at most.
const MOST_BYTES: usize = 7000;

/// How many notices wait for a listener that is slow; beyond that it is told that some are lost.
const MOST_WAITING: usize = 1024;

/// How often it is looked whether the connection still lives.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What is sent: who says it, what it is about, and what it says.
pub(crate) fn payload(own: &str, topic: &str, payload: &str) -> Result<String, String> {
    if topic.contains('\n') || topic.len() + payload.len() > MOST_BYTES {
        return Err(
            "a notice has a topic of one line, and 7,000 bytes at most. Have those who hear it read the rest"
                .to_owned(),
        );
    }
    Ok(format!("{own}\n{topic}\n{payload}"))
}

pub(crate) fn statement(own: &str, topic: &str, said: &str) -> Result<String, String> {
    let text = payload(own, topic, said)?.replace('\'', "''").replace('\0', "");
    Ok(format!("select pg_catalog.pg_notify('{CHANNEL}', '{text}')"))
}

/// Hears what other processes say, for as long as the store lives.
pub(crate) fn listen(house: &Arc<House>) -> broadcast::Sender<Notice> {
    let heard = broadcast::Sender::new(MOST_WAITING);
    let (weak, sender) = (Arc::downgrade(house), heard.clone());
    house.runtime.spawn(async move {
        let mut wait = Duration::from_millis(100);
        while weak.strong_count() > 0 {
            if once(&weak, &sender, &mut wait).await.is_none() {
                break;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    });
    heard
}

/// One connection, from its beginning to its end; none when the store is gone.
async fn once(house: &Weak<House>, heard: &broadcast::Sender<Notice>, wait: &mut Duration) -> Option<()> {
    let (own, connected) = {
        let house = house.upgrade()?;
        (house.own.clone(), house.connections.address().connect(house.owner()).await)
    };
    let (client, wire) = match connected {
        Ok(connected) => connected,
        Err(error) => {
            tracing::warn!("notices of other servers cannot be heard: {error}");
            return Some(());
        }
    };
    let (sender, mut messages) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        match wire {
            Wire::Plain(mut wire) => drive(|context| wire.poll_message(context), &sender).await,
            Wire::Tls(mut wire) => drive(|context| wire.poll_message(context), &sender).await,
        }
    });
    if client.batch_execute(&format!("listen {CHANNEL}")).await.is_err() {
        return Some(());
    }
    *wait = Duration::from_millis(100);
    // What was said before is unknown. Nobody may be there to hear it.
    let _ = heard.send(Notice::Lost);
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Some(message) = message else { return Some(()) };
                if let Some(notice) = notice(&own, &message) {
                    let _ = heard.send(notice);
                }
            }
            _ = look.tick() => {
                if house.strong_count() == 0 {
                    return None;
                }
                let alive = tokio::time::timeout(LOOK_EVERY, client.batch_execute("")).await;
                if !matches!(alive, Ok(Ok(()))) {
                    return Some(());
                }
            }
        }
    }
}

async fn drive(
    mut poll: impl FnMut(
        &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>>,
    sender: &mpsc::UnboundedSender<String>,
) {
    while let Some(Ok(message)) = std::future::poll_fn(&mut poll).await {
        if let AsyncMessage::Notification(said) = message
            && sender.send(said.payload().to_owned()).is_err()
        {
            return;
        }
    }
}

fn notice(own: &str, message: &str) -> Option<Notice> {
    let (who, rest) = message.split_once('\n')?;
    let (topic, payload) = rest.split_once('\n')?;
    (who != own).then(|| Notice::Said { topic: topic.to_owned(), payload: payload.to_owned() })
}
