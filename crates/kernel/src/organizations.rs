//! How an organization comes to be.

use std::sync::Arc;

use switchboard_api::{Failure, Organization};

use crate::{audit::Entry, by::By, directory, error::Error, kernel::Kernel};

/// The most characters of an organization's name in addresses, and of the one that people read.
const MOST_CHARACTERS: usize = 80;

impl Kernel {
    /// Makes an organization, and switches on for it whatever a new one begins with.
    ///
    /// A plugin whose `on_enable` fails stays off there; the log says why.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is none; [`Error::Refused`] when another organization has it.
    pub async fn create_organization(
        &self,
        by: &By,
        slug: &str,
        name: &str,
    ) -> Result<Arc<Organization>, Error> {
        let name = name.trim();
        if !is_slug(slug) {
            return Err(Error::Invalid(Failure::invalid(format!(
                "`{slug}` cannot be an organization's name in addresses: write 1 to {MOST_CHARACTERS} lower-case \
                 letters, digits and `-`, with a letter or digit at both ends"
            ))));
        }
        if name.is_empty() || name.chars().count() > MOST_CHARACTERS {
            let message = format!("an organization's name has 1 to {MOST_CHARACTERS} characters");
            return Err(Error::Invalid(Failure::invalid(message)));
        }
        {
            let _changing = self.changing.lock().await;
            if self.named(slug).is_ok() {
                return Err(Error::Refused(format!(
                    "an organization `{slug}` exists already; choose another name"
                )));
            }
            self.insert_organization(by, slug, name).await?;
        }
        for plugin in self.snapshot().plugins() {
            let manifest = plugin.manifest();
            if manifest.enabled_by_default
                && !manifest.private
                && !manifest.global_plugin
                && let Err(error) = self.enable(by, manifest.id.as_str(), slug).await
            {
                tracing::error!(plugin = %manifest.id, organization = slug, "stays off in a new organization: {error}");
            }
        }
        self.named(slug)
    }

    /// Makes it, and nothing else.
    pub(crate) async fn insert_organization(&self, by: &By, slug: &str, name: &str) -> Result<(), Error> {
        let mut change = self.change(by).await?;
        let id = directory::create_organization(&mut change, slug, name, self.now()).await?;
        let entry = Entry::new("organization.created", format!("organization:{slug}")).within(Some(id));
        change.commit(entry.after(serde_json::json!({ "slug": slug, "name": name }))).await?;
        self.read_directory().await
    }
}

fn is_slug(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MOST_CHARACTERS).contains(&text.len())
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::is_slug;

    #[test]
    fn an_organization_is_named_so_that_the_name_stands_in_an_address_as_it_is() {
        for fits in ["a", "acme", "acme-2", "7th-street"] {
            assert!(is_slug(fits), "{fits}");
        }
        for does_not in ["", "-acme", "acme-", "Acme", "acme inc", "a/b", "ä", &"a".repeat(81)] {
            assert!(!is_slug(does_not), "{does_not}");
        }
    }
}
