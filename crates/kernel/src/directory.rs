//! Organizations, and the tokens by which programs call: what identity there is before a call reaches a plugin.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use switchboard_api::{AccountId, Actions, ActorKind, Organization, OrganizationId, Timestamp, Value};
use switchboard_store::Room;

use crate::{audit::Change, error::Error, pace::Rate, principal::Principal};

/// What every token begins with, so that people and scanners recognise one.
pub const TOKEN_PREFIX: &str = "swb_";

/// Organizations and tokens as they are at a moment; immutable, read by every request.
#[derive(Default)]
pub struct Directory {
    organizations: Vec<Arc<Organization>>,
    /// Positions among the organizations.
    by_id: HashMap<OrganizationId, usize>,
    by_slug: HashMap<String, usize>,
    /// Of those that have one of their own.
    rates: HashMap<OrganizationId, Rate>,
    tokens: HashMap<[u8; 32], Arc<Token>>,
}

/// An API token. Its text is shown once, when it is made, and kept nowhere.
#[derive(Debug, Clone)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// The organization that it serves; all of them when absent.
    pub organization: Option<OrganizationId>,
    /// When it was made.
    pub created_at: String,
    /// Until when it serves; for ever when absent.
    pub expires_at: Option<Timestamp>,
    /// How often it may call in a second; as often as any when absent.
    pub calls_per_second: Option<u32>,
    /// Who calls with it, and what that one may do.
    pub principal: Arc<Principal>,
    /// When it was last used, in microseconds since 1970; 0 for never.
    used: Arc<AtomicI64>,
}

/// A token to be made.
#[derive(Debug, Clone, Default)]
pub struct TokenTerms<'a> {
    /// Its name; no other token has it.
    pub name: &'a str,
    /// The organization that it serves, by its name in addresses; all of them when absent.
    pub organization: Option<&'a str>,
    /// What may be done with it.
    pub actions: Actions,
    /// On whose behalf it acts: it may never do more than they may. None for one that an operator makes.
    pub account: Option<AccountId>,
    /// Until when it serves; for ever when absent.
    pub expires_at: Option<Timestamp>,
    /// How often it may call in a second; as often as any when absent.
    pub calls_per_second: Option<u32>,
}

impl Token {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Notes that it was used.
    pub fn use_now(&self, now: Timestamp) {
        self.used.store(now.as_microsecond(), Ordering::Relaxed);
    }

    /// When it was last used; none for never.
    pub fn last_used(&self) -> Option<Timestamp> {
        match self.used.load(Ordering::Relaxed) {
            0 => None,
            used => Timestamp::from_microsecond(used).ok(),
        }
    }
}

/// A token that was just made.
#[derive(Debug, Clone, Serialize)]
pub struct NewToken {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The secret itself, shown this once.
    pub token: String,
}

#[derive(Deserialize)]
struct TokenRow {
    id: i64,
    name: String,
    hash: String,
    organization_id: Option<i64>,
    actions: String,
    created_at: String,
    account_id: Option<AccountId>,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    calls_per_second: Option<u32>,
}

impl Directory {
    /// Reads it anew. When tokens were last used is taken over from what was known before, which is newer than what is
    /// stored.
    pub(crate) async fn read(room: &Room, before: Option<&Self>) -> Result<Self, Error> {
        let organizations = room
            .query("select id, slug, name from organization where removed_at is null order by id", vec![])
            .await?;
        let tokens = room
            .query(
                "select id, name, hash, organization_id, actions, created_at, account_id, expires_at, last_used_at, \
                 calls_per_second from token where revoked_at is null",
                vec![],
            )
            .await?;
        let mut by_hash = HashMap::new();
        for row in tokens.to::<TokenRow>()? {
            let Some(hash) = unhex(&row.hash) else {
                return Err(Error::Data(format!("token `{}` has a hash that is none", row.name)));
            };
            let actions: Actions = serde_json::from_str(&row.actions).map_err(|error| {
                Error::Data(format!("token `{}` has actions that are none: {error}", row.name))
            })?;
            let organization = row.organization_id.map(OrganizationId);
            let principal = Principal {
                account: row.account_id,
                is_administrator: row.account_id.is_none(),
                rate: row.calls_per_second.and_then(Rate::steady),
                ..Principal::free(ActorKind::Token, row.name.as_str().into(), actions, organization)
            };
            let known =
                before.and_then(|before| before.tokens.get(&hash)).map(|token| Arc::clone(&token.used));
            let stored = row.last_used_at.map_or(0, Timestamp::as_microsecond);
            let token = Token {
                id: row.id,
                name: row.name,
                organization,
                created_at: row.created_at,
                expires_at: row.expires_at,
                calls_per_second: row.calls_per_second,
                principal: Arc::new(principal),
                used: known.unwrap_or_else(|| Arc::new(AtomicI64::new(stored))),
            };
            by_hash.insert(hash, Arc::new(token));
        }
        let organizations: Vec<_> = organizations.to::<Organization>()?.into_iter().map(Arc::new).collect();
        let by_id = organizations.iter().enumerate().map(|(position, it)| (it.id, position)).collect();
        let by_slug =
            organizations.iter().enumerate().map(|(position, it)| (it.slug.clone(), position)).collect();
        let rates = read_rates(room).await?;
        Ok(Self { organizations, by_id, by_slug, rates, tokens: by_hash })
    }

    /// The organizations, oldest first.
    pub fn organizations(&self) -> &[Arc<Organization>] {
        &self.organizations
    }

    /// The organization of that number.
    pub fn organization(&self, id: OrganizationId) -> Option<&Arc<Organization>> {
        self.organizations.get(*self.by_id.get(&id)?)
    }

    /// The organization of that name.
    pub fn organization_named(&self, slug: &str) -> Option<&Arc<Organization>> {
        self.organizations.get(*self.by_slug.get(slug)?)
    }

    /// How often an organization may be called for, if that is its own: `calls_per_second` of its settings.
    pub fn rate(&self, id: OrganizationId) -> Option<Rate> {
        self.rates.get(&id).copied()
    }

    /// The token of that text, if it is one and was not revoked.
    ///
    /// Found by its hash, so that how long this takes tells nothing about the text.
    pub fn token(&self, text: &str) -> Option<&Arc<Token>> {
        self.tokens.get(&hash(text))
    }

    /// The tokens that were not revoked, by number.
    pub fn tokens(&self) -> Vec<Arc<Token>> {
        let mut tokens: Vec<_> = self.tokens.values().cloned().collect();
        tokens.sort_by_key(|token| token.id);
        tokens
    }
}

async fn read_rates(room: &Room) -> Result<HashMap<OrganizationId, Rate>, Error> {
    #[derive(Deserialize)]
    struct SettingsRow {
        id: OrganizationId,
        settings: String,
    }
    #[derive(Deserialize)]
    struct Settings {
        calls_per_second: Option<u32>,
    }
    let rows = room.query("select id, settings from organization where settings <> '{}'", vec![]).await?;
    let rates = rows.to::<SettingsRow>()?.into_iter().filter_map(|row| {
        let settings: Settings = serde_json::from_str(&row.settings).ok()?;
        Some((row.id, settings.calls_per_second.and_then(Rate::steady)?))
    });
    Ok(rates.collect())
}

/// Makes an organization; gives its number.
pub(crate) async fn create_organization(
    change: &mut Change<'_>,
    slug: &str,
    name: &str,
    now: Timestamp,
) -> Result<OrganizationId, Error> {
    let sql = "insert into organization (slug, name, created_at) values ($1, $2, $3) returning id";
    let rows = change.query(sql, vec![slug.into(), name.into(), now.to_string().into()]).await?;
    let id = rows.into_iter().next();
    Ok(id.ok_or_else(|| Error::Data("an organization was stored without a number".to_owned()))?.to()?)
}

/// Makes a token: 256 random bits, of which only the hash is kept.
pub(crate) async fn create_token(
    change: &mut Change<'_>,
    terms: &TokenTerms<'_>,
    organization: Option<OrganizationId>,
    now: Timestamp,
) -> Result<NewToken, Error> {
    let secret: [u8; 32] = rand::random();
    let token = format!("{TOKEN_PREFIX}{}", hex(&secret));
    let actions = serde_json::to_string(&terms.actions).map_err(|error| Error::Data(error.to_string()))?;
    let sql = "insert into token (name, hash, organization_id, actions, created_at, account_id, expires_at, \
               calls_per_second) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id";
    let params = vec![
        terms.name.into(),
        hex(&hash(&token)).into(),
        organization.map_or(Value::Null, Value::from),
        actions.into(),
        now.to_string().into(),
        terms.account.into(),
        terms.expires_at.map(|at| at.to_string()).into(),
        terms.calls_per_second.map(i64::from).into(),
    ];
    let row = change.query(sql, params).await?.into_iter().next();
    let id = row.ok_or_else(|| Error::Data("a token was stored without a number".to_owned()))?.to()?;
    Ok(NewToken { id, name: terms.name.to_owned(), token })
}

/// Revokes a token; false when there is none of that number.
pub(crate) async fn revoke_token(change: &mut Change<'_>, id: i64, now: Timestamp) -> Result<bool, Error> {
    let sql = "update token set revoked_at = $2, name = name || ' (revoked ' || cast(id as text) || ')' \
               where id = $1 and revoked_at is null";
    Ok(change.execute(sql, vec![id.into(), now.to_string().into()]).await? > 0)
}

pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write;
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(position * 2..position * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
