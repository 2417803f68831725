//! How an organization comes to be, changes, goes and comes back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use switchboard_api::{AccountId, Failure, Fault, Hook, Organization, OrganizationId, Timestamp};
use switchboard_authorization::OWNER;

use crate::{
    audit::{Change, Entry},
    by::By,
    directory,
    error::Error,
    kernel::Kernel,
};

/// The most characters of an organization's name in addresses, and of the one that people read.
const MOST_CHARACTERS: usize = 80;

/// How long an organization that was removed can be brought back.
pub const KEPT_DAYS: i64 = 30;

/// What an organization sets for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// The time zone in which its people think, by its IANA name; UTC when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The language and region of its people, such as `de` or `pt-BR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// How often it may be called for in a second; as the server says when absent. Global administrators alone set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<u32>,
}

/// An organization with all that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationInFull {
    /// Its number and names.
    pub organization: Organization,
    /// What it sets for itself.
    pub settings: OrganizationSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is gone, if it is.
    pub removed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct OrganizationRow {
    id: OrganizationId,
    slug: String,
    name: String,
    settings: String,
    created_at: Timestamp,
    removed_at: Option<Timestamp>,
}

impl TryFrom<OrganizationRow> for OrganizationInFull {
    type Error = Error;

    fn try_from(row: OrganizationRow) -> Result<Self, Error> {
        let settings = serde_json::from_str(&row.settings).map_err(|error| {
            Error::Data(format!("organization `{}` has settings that are none: {error}", row.slug))
        })?;
        let organization = Organization { id: row.id, slug: row.slug, name: row.name };
        Ok(Self { organization, settings, created_at: row.created_at, removed_at: row.removed_at })
    }
}

/// An organization to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewOrganization<'a> {
    pub(crate) slug: &'a str,
    pub(crate) name: &'a str,
    /// Who owns it; nobody at first when absent.
    pub(crate) owner: Option<AccountId>,
}

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
        self.create_organization_with(by, slug, name, None).await
    }

    /// The same, with its first owner.
    ///
    /// # Errors
    /// As [`create_organization`](Self::create_organization).
    pub async fn create_organization_with(
        &self,
        by: &By,
        slug: &str,
        name: &str,
        owner: Option<AccountId>,
    ) -> Result<Arc<Organization>, Error> {
        let _changing = self.changing().await?;
        let new = NewOrganization { slug, name, owner };
        let change = self.change(by).await?;
        self.found_organization(by, change, new).await
    }

    /// Makes an organization, as the last part of a change that is under way.
    pub(crate) async fn found_organization(
        &self,
        by: &By,
        mut change: Change<'_>,
        new: NewOrganization<'_>,
    ) -> Result<Arc<Organization>, Error> {
        let entry = self.insert_organization(&mut change, new).await?;
        change.commit(entry).await?;
        self.members.forget();
        self.read_directory().await?;
        let organization = self.named(new.slug)?;
        self.begin_with_defaults(by, &organization).await;
        Ok(organization)
    }

    /// Makes it within a change, and nothing else.
    pub(crate) async fn insert_organization(
        &self,
        change: &mut Change<'_>,
        new: NewOrganization<'_>,
    ) -> Result<Entry, Error> {
        let (slug, name) = (new.slug, check_name(new.name)?);
        check_slug(slug)?;
        let taken = change.query("select removed_at from organization where slug = $1", vec![slug.into()]);
        if let Some(removed_at) = taken.await?.to::<Option<String>>()?.pop() {
            return Err(Error::Refused(match removed_at {
                None => format!("an organization `{slug}` exists already; choose another name"),
                Some(_) => format!(
                    "an organization `{slug}` was removed less than {KEPT_DAYS} days ago and could come back; choose \
                     another name"
                ),
            }));
        }
        let now = self.now();
        let id = directory::create_organization(change, slug, name, now).await?;
        if let Some(owner) = new.owner {
            let sql =
                "insert into member (organization_id, account_id, roles, joined_at) values ($1, $2, $3, $4)";
            change.execute(sql, vec![id.into(), owner.into(), OWNER.into(), now.to_string().into()]).await?;
        }
        let entry = Entry::new("organization.created", format!("organization:{slug}")).within(Some(id));
        Ok(entry.after(serde_json::json!({ "slug": slug, "name": name, "owner": new.owner })))
    }

    /// An organization that was not removed, with all that is kept of it.
    ///
    /// # Errors
    /// [`Error::NoSuchOrganization`]; [`Error::Store`].
    pub async fn organization_in_full(&self, id: OrganizationId) -> Result<OrganizationInFull, Error> {
        let sql = "select id, slug, name, settings, created_at, removed_at from organization \
                   where id = $1 and removed_at is null";
        let rows = self.room.query(sql, vec![id.into()]).await?.to::<OrganizationRow>()?;
        rows.into_iter().next().ok_or_else(|| Error::NoSuchOrganization(id.to_string()))?.try_into()
    }

    /// Every organization, by name in addresses, also those that were removed and could come back.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Data`].
    pub async fn every_organization(&self) -> Result<Vec<OrganizationInFull>, Error> {
        let sql = "select id, slug, name, settings, created_at, removed_at from organization \
                   where purged_at is null order by slug";
        let rows = self.room.query(sql, vec![]).await?.to::<OrganizationRow>()?;
        rows.into_iter().map(OrganizationInFull::try_from).collect()
    }

    /// Gives an organization another name for people to read, or other settings; what is absent stays as it was. Its name in
    /// addresses stays for ever.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault by field.
    pub async fn change_organization(
        &self,
        by: &By,
        organization: &Organization,
        name: Option<&str>,
        settings: Option<OrganizationSettings>,
    ) -> Result<OrganizationInFull, Error> {
        let _changing = self.changing().await?;
        let before = self.organization_in_full(organization.id).await?;
        let name = name.map_or(Ok(before.organization.name.as_str()), check_name)?;
        let settings = settings.unwrap_or_else(|| before.settings.clone());
        check_settings(&settings)?;
        let text = serde_json::to_string(&settings).map_err(|error| Error::Data(error.to_string()))?;
        let mut change = self.change(by).await?;
        let sql = "update organization set name = $2, settings = $3 where id = $1";
        change.execute(sql, vec![organization.id.into(), name.into(), text.into()]).await?;
        let shown = |name: &str, settings: &OrganizationSettings| serde_json::json!({ "name": name, "settings": settings });
        let entry = Entry::new("organization.changed", format!("organization:{}", organization.slug))
            .within(Some(organization.id))
            .before(shown(&before.organization.name, &before.settings))
            .after(shown(name, &settings));
        change.commit(entry).await?;
        self.read_directory().await?;
        self.organization_in_full(organization.id).await
    }

    /// Takes an organization away: its plugins are told that they are switched off there, and from then on it is nowhere to be
    /// seen. For [`KEPT_DAYS`] days it can be brought back as it was, but for its tokens: those are revoked.
    ///
    /// A plugin whose `on_disable` fails does not hold it up; the log says so.
    ///
    /// # Errors
    /// [`Error::Refused`] for the last organization of a server.
    pub async fn remove_organization(&self, by: &By, organization: &Arc<Organization>) -> Result<(), Error> {
        let _changing = self.changing().await?;
        self.organization_in_full(organization.id).await?;
        if self.directory().organizations().len() < 2 {
            let message =
                format!("`{}` is the only organization of this server: it stays", organization.slug);
            return Err(Error::Refused(message));
        }
        let snapshot = self.snapshot();
        let of_organizations = snapshot.plugins().iter().rev().filter(|it| !it.manifest().global_plugin);
        for plugin in of_organizations.filter(|plugin| snapshot.is_enabled(plugin, organization.id)) {
            self.undo(plugin, organization, Hook::Disable).await;
        }
        let mut change = self.change(by).await?;
        for sql in [
            "update organization set removed_at = $2 where id = $1",
            "update token set revoked_at = $2, name = name || ' (revoked ' || cast(id as text) || ')' \
             where organization_id = $1 and revoked_at is null",
        ] {
            change.execute(sql, vec![organization.id.into(), self.now().to_string().into()]).await?;
        }
        let entry = Entry::new("organization.removed", format!("organization:{}", organization.slug));
        change.commit(entry.within(Some(organization.id)).before(&organization.name)).await?;
        self.members.forget();
        self.read_directory().await
    }

    /// Brings an organization back that was removed, with its people and plugins. A plugin whose `on_enable` fails is off
    /// there from then on; the log says why.
    ///
    /// # Errors
    /// [`Error::NoSuch`] when none of that name was removed, or too long ago.
    pub async fn restore_organization(&self, by: &By, slug: &str) -> Result<Arc<Organization>, Error> {
        let _changing = self.changing().await?;
        let sql = "update organization set removed_at = null \
                   where slug = $1 and removed_at is not null and purged_at is null returning id";
        let mut change = self.change(by).await?;
        let id = change.query(sql, vec![slug.into()]).await?.to::<OrganizationId>()?.pop();
        let id = id.ok_or_else(|| {
            Error::NoSuch(format!("no organization `{slug}` was removed in the last {KEPT_DAYS} days"))
        })?;
        let entry = Entry::new("organization.restored", format!("organization:{slug}")).within(Some(id));
        change.commit(entry).await?;
        self.members.forget();
        self.read_directory().await?;
        let organization = self.named(slug)?;
        self.enable_again(by, &organization).await?;
        Ok(organization)
    }

    /// Forgets for good the organizations that were removed more than [`KEPT_DAYS`] days ago, with their people, tokens,
    /// roles and settings; gives how many. Their numbers are never used again, so that what plugins may still keep under one
    /// is nobody else's.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn purge_organizations(&self, by: &By) -> Result<usize, Error> {
        let now = self.now();
        let kept_since = now.saturating_sub(jiff::SignedDuration::from_hours(24 * KEPT_DAYS));
        let kept_since = kept_since.map_err(|error| Error::Data(error.to_string()))?;
        let _changing = self.changing().await?;
        let over = self.every_organization().await?.into_iter();
        let over: Vec<_> = over.filter(|it| it.removed_at.is_some_and(|at| at < kept_since)).collect();
        for OrganizationInFull { organization, .. } in &over {
            let mut change = self.change(by).await?;
            for table in [
                "member",
                "role",
                "invitation",
                "enablement",
                "plugin_access",
                "plugin_version",
                "setting",
                "token",
            ] {
                let sql = format!("delete from {table} where organization_id = $1");
                change.execute(&sql, vec![organization.id.into()]).await?;
            }
            let sql =
                "update organization set purged_at = $2, slug = $3, name = '', settings = '{}' where id = $1";
            let gone = format!("#{}", organization.id);
            change.execute(sql, vec![organization.id.into(), now.to_string().into(), gone.into()]).await?;
            let entry = Entry::new("organization.purged", format!("organization:{}", organization.slug));
            change.commit(entry.within(Some(organization.id))).await?;
        }
        if !over.is_empty() {
            self.read_directory().await?;
        }
        Ok(over.len())
    }
}

pub(crate) fn check_slug(slug: &str) -> Result<(), Error> {
    if is_slug(slug) {
        return Ok(());
    }
    Err(Error::Invalid(Failure::invalid(format!(
        "`{slug}` cannot be an organization's name in addresses: write 1 to {MOST_CHARACTERS} lower-case letters, digits and \
         `-`, with a letter or digit at both ends"
    ))))
}

pub(crate) fn check_name(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MOST_CHARACTERS {
        let message = format!("an organization's name has 1 to {MOST_CHARACTERS} characters");
        return Err(Error::Invalid(Failure::invalid(message)));
    }
    Ok(name)
}

fn check_settings(settings: &OrganizationSettings) -> Result<(), Error> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, kind: &str, message: String, input: serde_json::Value| {
        faults.push(Fault::new(kind, ["body", "settings", field], message, input));
    };
    if let Some(name) = &settings.time_zone
        && !is_time_zone(name)
    {
        let message =
            format!("`{name}` cannot be a time zone: write an IANA name such as `Europe/Berlin`, or `UTC`");
        fault("time_zone", "time_zone", message, name.as_str().into());
    }
    if let Some(locale) = &settings.locale
        && !is_locale(locale)
    {
        let message = format!(
            "`{locale}` is not a locale: write a language and, if need be, a region, such as `de` or `pt-BR`"
        );
        fault("locale", "locale", message, locale.as_str().into());
    }
    if settings.calls_per_second == Some(0) {
        let message = "an organization may be called for at least once a second; absent for as often as the server says";
        fault("calls_per_second", "greater_than_equal", message.to_owned(), 0.into());
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(Failure::faults(faults))) }
}

/// The form of an IANA name: `UTC`, or an area and a place in it. Whether there is such a place, the database of time zones says
/// where times are shown.
fn is_time_zone(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte))
    };
    text == "UTC" || (text.len() <= 64 && text.contains('/') && text.split('/').all(is_part))
}

/// The form of BCP 47: a language, then parts of 1 to 8 letters and digits.
fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    text.len() <= 35
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
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
    use super::{is_locale, is_slug, is_time_zone};

    #[test]
    fn an_organization_is_named_so_that_the_name_stands_in_an_address_as_it_is() {
        for fits in ["a", "acme", "acme-2", "7th-street"] {
            assert!(is_slug(fits), "{fits}");
        }
        for does_not in ["", "-acme", "acme-", "Acme", "acme inc", "a/b", "ä", &"a".repeat(81)] {
            assert!(!is_slug(does_not), "{does_not}");
        }
    }

    #[test]
    fn a_time_zone_is_an_area_and_a_place() {
        for fits in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(is_time_zone(fits), "{fits}");
        }
        for does_not in ["", "Berlin", "europe/berlin", "Europe/", "Europe/../etc", "CET+1"] {
            assert!(!is_time_zone(does_not), "{does_not}");
        }
    }

    #[test]
    fn a_locale_is_a_language_and_perhaps_a_region() {
        for fits in ["de", "pt-BR", "zh-Hant-TW", "es-419"] {
            assert!(is_locale(fits), "{fits}");
        }
        for does_not in ["", "d", "de_DE", "de-", "de--DE", "1a", "german language"] {
            assert!(!is_locale(does_not), "{does_not}");
        }
    }
}
