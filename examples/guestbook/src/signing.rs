//! What is looked at before an entry is stored.

use switchboard_sdk::prelude::*;

use crate::entry::NewEntry;

#[derive(Deserialize)]
struct Settings {
    refused_words: Vec<String>,
}

/// Takes the blanks off both ends of the message, and refuses one with nothing left or with a refused word in it.
pub(crate) async fn refuse_words(ctx: Context, mut new: NewEntry) -> Result<NewEntry> {
    new.message = new.message.trim().to_owned();
    if new.message.is_empty() {
        return Err(invalid!("a message of blanks says nothing"));
    }
    let said = new.message.to_lowercase();
    let settings: Settings = ctx.config()?;
    match settings.refused_words.iter().find(|word| said.contains(&word.to_lowercase())) {
        Some(word) => Err(conflict!("a message with `{word}` in it is refused here")),
        None => Ok(new),
    }
}
