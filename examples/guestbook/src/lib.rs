//! A guestbook: the plugin that `docs/writing-a-plugin.md` writes.
//!
//! Everything belongs to the organization of the call: each statement names it. It knows nothing of the kernel. Read
//! [`plugin()`] first, then the file named for what interests you.

mod count;
mod entry;
mod signatures;
mod signing;
mod tidy;

use switchboard_sdk::prelude::*;

switchboard_sdk::component!(plugin);

/// The plugin, as `manifest.yaml` declares it.
pub fn plugin() -> Definition {
    plugin!("manifest.yaml")
        .migrations(migrations!["001_initial.sql", "001_initial.postgres.sql", "001_initial.down.sql"])
        .get("/entries", entry::list_entries)
        .post("/entries", entry::sign)
        .filter("guestbook.signing", signing::refuse_words)
        .on("guestbook.signed", tidy::after_signing)
        .task("tidy", tidy::remove_oldest)
        .service("guestbook.count", count::count)
        .command("signatures", signatures::tell)
}
