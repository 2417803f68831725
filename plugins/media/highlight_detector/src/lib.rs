//! Finds the loud moments of clips.
//!
//! The analysis stands by itself: [`analyse`] takes a media file and gives its highlights, and knows nothing of
//! plugins, organizations or databases. Around it, [`plugin()`] listens to the `clips` plugin. Read [`analyse`],
//! [`Highlight`] and [`Unheard`] first; the method and its sources are in the README.

use switchboard_sdk::{Definition, plugin};

pub mod analysis;
pub mod highlight;
pub mod loudness;
pub mod median;
pub mod sound;

mod background;
mod captured;
mod clip;
mod edit_list;
mod listening;
mod processed;

pub use analysis::{Analysis, Progress, analyse};
pub use highlight::{Highlight, Kind, Settings};
pub use sound::Unheard;

switchboard_sdk::component!(plugin);

/// The plugin, as `manifest.yaml` declares it.
pub fn plugin() -> Definition {
    plugin!("manifest.yaml")
        .filter("clip.captured", captured::find_highlights)
        .filter("clip.processed", processed::mark_complete)
        .task("analyse", background::find_highlights)
}
