//! Events of all organizations: what was said, what was given up, and who hears nothing for now.

use std::sync::Arc;

use switchboard_delivery::{Delivery, LetterFate};
use switchboard_sdk::{
    Definition,
    extract::{Headers, Shared},
    prelude::*,
};

use super::{
    KernelHandle,
    whose::{Of, Whose},
};
use crate::events::{
    self, DeadLetters, Decided, EventInFull, Events, InForm, LettersListing, Listener, Listing, Stream,
    Wanted, Which,
};

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/api/admin/events", list_events)
        .get("/api/admin/events/stream", follow_events)
        .get("/api/admin/events/{plugin}/{id}", get_event)
        .get("/api/admin/dead-letters", list_dead_letters)
        .post("/api/admin/dead-letters/replay", replay_dead_letters)
        .post("/api/admin/dead-letters/discard", discard_dead_letters)
        .get("/api/admin/listeners", list_listeners)
        .post("/api/admin/listeners/{id}/pause", pause_listener)
        .post("/api/admin/listeners/{id}/resume", resume_listener)
}

async fn list_events(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(Of { which, whose }): Query<Of<Listing>>,
    headers: Headers,
) -> Result<InForm<Events>> {
    events::events(&*kernel.kernel()?, &delivery, whose.id(&kernel)?, which, &headers).await
}

async fn follow_events(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(Of { which, whose }): Query<Of<Wanted>>,
    headers: Headers,
) -> Result<Stream> {
    events::stream(kernel.kernel()?, &delivery, whose.id(&kernel)?, which, &headers).await
}

async fn get_event(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Path((plugin, id)): Path<(String, String)>,
    headers: Headers,
) -> Result<InForm<EventInFull>> {
    events::event(&*kernel.kernel()?, &delivery, None, (&plugin, &id), &headers).await
}

async fn list_dead_letters(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(Of { which, whose }): Query<Of<LettersListing>>,
) -> Result<Json<DeadLetters>> {
    events::dead_letters(&*kernel.kernel()?, &delivery, whose.id(&kernel)?, which).await
}

async fn replay_dead_letters(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(whose): Query<Whose>,
    Json(which): Json<Which>,
) -> Result<Json<Decided>> {
    events::decide(&ctx, &kernel, &delivery, whose.id(&kernel)?, which, LetterFate::Replayed).await
}

async fn discard_dead_letters(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(whose): Query<Whose>,
    Json(which): Json<Which>,
) -> Result<Json<Decided>> {
    events::decide(&ctx, &kernel, &delivery, whose.id(&kernel)?, which, LetterFate::Discarded).await
}

async fn list_listeners(
    kernel: Shared<KernelHandle>,
    delivery: Shared<Arc<Delivery>>,
    Query(whose): Query<Whose>,
) -> Result<Json<Vec<Listener>>> {
    events::listeners(&*kernel.kernel()?, &delivery, whose.id(&kernel)?).await
}

async fn pause_listener(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<NoContent> {
    events::pause(&ctx, &kernel, id, whose.organization, true).await
}

async fn resume_listener(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<NoContent> {
    events::pause(&ctx, &kernel, id, whose.organization, false).await
}
