//! The organization's events: what was said in it, what was given up, and which of its plugins hear nothing for now.

use std::sync::Arc;

use switchboard_delivery::{Delivery, LetterFate};
use switchboard_sdk::{
    Definition,
    extract::{Headers, Shared},
    prelude::*,
};

use super::{called_for, plugins::seen};
use crate::{
    events::{
        self, DeadLetters, Decided, EventInFull, Events, InForm, LettersListing, Listener, Listing, Stream,
        Wanted, Which,
    },
    kernel_handle::KernelHandle,
};

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/events", list_own_events)
        .get("/events/stream", follow_own_events)
        .get("/events/{plugin}/{id}", get_own_event)
        .get("/dead-letters", list_own_dead_letters)
        .post("/dead-letters/replay", replay_own_dead_letters)
        .post("/dead-letters/discard", discard_own_dead_letters)
        .get("/listeners", list_own_listeners)
        .post("/listeners/{id}/pause", pause_own_listener)
        .post("/listeners/{id}/resume", resume_own_listener)
}

async fn list_own_events(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(listing): Query<Listing>,
    headers: Headers,
) -> Result<InForm<Events>> {
    let organization = called_for(&ctx)?.id;
    events::events(&*kernel.kernel()?, &delivery, Some(organization), listing, &headers).await
}

async fn follow_own_events(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(wanted): Query<Wanted>,
    headers: Headers,
) -> Result<Stream> {
    events::stream(kernel.kernel()?, &delivery, Some(called_for(&ctx)?.id), wanted, &headers).await
}

async fn get_own_event(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path((plugin, id)): Path<(String, String)>,
    headers: Headers,
) -> Result<InForm<EventInFull>> {
    let organization = called_for(&ctx)?.id;
    events::event(&*kernel.kernel()?, &delivery, Some(organization), (&plugin, &id), &headers).await
}

async fn list_own_dead_letters(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(listing): Query<LettersListing>,
) -> Result<Json<DeadLetters>> {
    events::dead_letters(&*kernel.kernel()?, &delivery, Some(called_for(&ctx)?.id), listing).await
}

async fn replay_own_dead_letters(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Json(which): Json<Which>,
) -> Result<Json<Decided>> {
    let organization = called_for(&ctx)?.id;
    events::decide(&ctx, &kernel, &delivery, Some(organization), which, LetterFate::Replayed).await
}

async fn discard_own_dead_letters(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Json(which): Json<Which>,
) -> Result<Json<Decided>> {
    let organization = called_for(&ctx)?.id;
    events::decide(&ctx, &kernel, &delivery, Some(organization), which, LetterFate::Discarded).await
}

async fn list_own_listeners(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
) -> Result<Json<Vec<Listener>>> {
    events::listeners(&*kernel.kernel()?, &delivery, Some(called_for(&ctx)?.id)).await
}

async fn pause_own_listener(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<NoContent> {
    pause(&ctx, &kernel, id, true).await
}

async fn resume_own_listener(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
) -> Result<NoContent> {
    pause(&ctx, &kernel, id, false).await
}

async fn pause(ctx: &Context, kernel: &KernelHandle, id: String, pause: bool) -> Result<NoContent> {
    let organization = called_for(ctx)?;
    seen(&kernel.kernel()?.snapshot(), &id, organization.id)?;
    events::pause(ctx, kernel, id, Some(organization.slug.clone()), pause).await
}
