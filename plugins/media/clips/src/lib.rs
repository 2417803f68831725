//! A library of gaming clips with their media.
//!
//! Everything belongs to the organization of the call: each statement names it, and another's clip is not found.
//! Read [`plugin()`] first, then the file named for what interests you.

mod allowance;
mod clip;
mod condition;
mod facts;
mod filters;
mod library;
mod matroska;
mod media;
mod mp4;
mod range;
mod search;
mod services;
mod sniff;
mod statistics;
mod stray;

use switchboard_sdk::{extract::Multipart, prelude::*};

switchboard_sdk::component!(plugin);

/// The plugin.
pub fn plugin() -> Definition {
    plugin!("manifest.yaml")
        .migrations(migrations![
            "001_initial.sql",
            "001_initial.postgres.sql",
            "001_initial.down.sql",
            "001_initial.postgres.down.sql"
        ])
        .get("/api/v1/clips", library::list_clips)
        .post("/api/v1/clips", library::create_clip)
        .get("/api/v1/clips/stats", statistics::clip_statistics)
        .get("/api/v1/clips/stats/summary", statistics::clip_statistics)
        .describe(|operation| operation.id = "clip_statistics_summary".to_owned())
        .post("/api/v1/clips/upload", media::upload_clip)
        .describe(|operation| {
            if let Some(body) = &mut operation.body {
                body.schema = Multipart::schema_with_file::<clip::NewClip>("file");
            }
        })
        .get("/api/v1/clips/{id}", library::get_clip)
        .put("/api/v1/clips/{id}", library::update_clip)
        .patch("/api/v1/clips/{id}", library::update_clip)
        .describe(|operation| operation.id = "patch_clip".to_owned())
        .delete("/api/v1/clips/{id}", library::delete_clip)
        .get("/api/v1/clips/{id}/media", media::download_media)
        .put("/api/v1/clips/{id}/media", media::replace_media)
        .service("clips.get", services::get)
        .service("clips.media", services::media)
        .service("clips.annotate", services::annotate)
        .on_load(stray::abandon_all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::plugin;

    #[test]
    fn what_is_declared_and_what_is_bound_agree() {
        let plugin = plugin().build().unwrap_or_else(|faults| panic!("{faults}"));
        let (provides, bound) = (&plugin.manifest().provides, plugin.description());
        let declared: BTreeSet<_> = provides.api_routes.iter().map(|route| route.key().to_string()).collect();
        assert_eq!(declared, bound.routes.iter().map(|operation| operation.key.clone()).collect());
        let declared: BTreeSet<_> = provides.services.iter().map(|service| service.name.clone()).collect();
        assert_eq!(declared, bound.services.iter().map(|service| service.name.clone()).collect());
        assert!(bound.filters.is_empty() && bound.listeners.is_empty() && bound.tasks.is_empty());
        let ids: BTreeSet<_> = bound.routes.iter().map(|operation| &operation.id).collect();
        assert_eq!(ids.len(), bound.routes.len(), "each route has an id of its own: {ids:?}");
    }
}
