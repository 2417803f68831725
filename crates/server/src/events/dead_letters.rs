//! Events that were given up: looked at, sent again, and discarded.

use std::sync::Arc;

use switchboard_api::OrganizationId;
use switchboard_delivery::{Delivery, LetterFate, LetterFilter};
use switchboard_kernel::{By, Kernel};
use switchboard_sdk::{Timestamp, prelude::*};

use super::{
    cloud_event::CloudEvent,
    listed::{Wanted, parsed},
};
use crate::kernel_handle::KernelHandle;

/// Which dead letters are meant.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Letters {
    #[serde(flatten)]
    wanted: Wanted,
    /// Only those of the event with this id.
    event: Option<String>,
    /// Only those to this plugin.
    listener: Option<String>,
}

/// Which dead letters are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct LettersListing {
    #[serde(flatten)]
    letters: Letters,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

impl Default for LettersListing {
    fn default() -> Self {
        Self { letters: Letters::default(), limit: 100 }
    }
}

/// Which dead letters something becomes of. At least one of the parts is given, or `all`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct Which {
    #[serde(flatten)]
    letters: Letters,
    /// Every one that there is.
    all: bool,
}

/// Dead letters.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeadLetters {
    /// The letters, those of the newest events first. There may be fewer than were asked for, where their events are large.
    letters: Vec<DeadLetter>,
    /// How many there are in all.
    total: u64,
}

/// An event that a listener failed to hear too often.
#[derive(Debug, Serialize, JsonSchema)]
struct DeadLetter {
    /// The event.
    event: CloudEvent,
    /// The plugin that failed.
    listener: String,
    /// How often it was tried.
    attempts: u32,
    /// What it failed with the last time.
    error: String,
    /// When it was given up, in UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    at: Timestamp,
}

/// What became of dead letters.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Decided {
    /// How many there were.
    letters: u64,
}

impl Letters {
    fn filter(self, place: &str, organization: Option<OrganizationId>) -> Result<LetterFilter> {
        Ok(LetterFilter {
            events: self.wanted.filter(place, organization)?,
            event: self.event,
            listener: self.listener.map(|listener| parsed([place, "listener"], &listener)).transpose()?,
        })
    }
}

/// The dead letters that are wanted, in an organization or in all.
pub(crate) async fn dead_letters(
    kernel: &Kernel,
    delivery: &Delivery,
    organization: Option<OrganizationId>,
    LettersListing { letters, limit }: LettersListing,
) -> Result<Json<DeadLetters>> {
    let (letters, total) = delivery.dead_letters(&letters.filter("query", organization)?, limit).await?;
    let letter = |letter: switchboard_delivery::DeadLetter| {
        Ok(DeadLetter {
            listener: letter.listener.to_string(),
            attempts: letter.event.attempt,
            error: letter.error,
            at: letter.at,
            event: CloudEvent::of(kernel, letter.event)?,
        })
    };
    Ok(Json(DeadLetters { letters: letters.into_iter().map(letter).collect::<Result<_>>()?, total }))
}

/// Sends dead letters again, or discards them, in an organization or in all.
pub(crate) async fn decide(
    ctx: &Context,
    kernel: &KernelHandle,
    delivery: &Arc<Delivery>,
    organization: Option<OrganizationId>,
    Which { letters, all }: Which,
    fate: LetterFate,
) -> Result<Json<Decided>> {
    let Letters { wanted, event, listener } = &letters;
    if !all && wanted.is_all() && event.is_none() && listener.is_none() {
        return Err(invalid!(
            "say which dead letters: by `event`, `listener`, `plugin`, `type`, `subject` or time, or `all`"
        ));
    }
    let letters = letters.filter("body", organization)?;
    let delivery = Arc::clone(delivery);
    let decide = async move |_: Arc<Kernel>, by: By| delivery.decide(&by, &letters, fate).await;
    Ok(Json(Decided { letters: kernel.change(ctx, decide).await? }))
}
