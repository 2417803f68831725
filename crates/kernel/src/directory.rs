//! Organizations, and the tokens by which programs call: what identity there is before a call reaches a plugin.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use switchboard_api::{Actions, Actor, ActorKind, Organization, OrganizationId, Timestamp, Value};
use switchboard_store::Room;

use crate::error::Error;

/// What every token begins with, so that people and scanners recognise one.
pub const TOKEN_PREFIX: &str = "swb_";

/// Organizations and tokens as they are at a moment; immutable, read by every request.
#[derive(Default)]
pub struct Directory {
    organizations: Vec<Arc<Organization>>,
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
    /// Who calls with it, and what that one may do.
    pub actor: Arc<Actor>,
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
}

impl Directory {
    pub(crate) async fn read(room: &Room) -> Result<Self, Error> {
        let organizations = room.query("select id, slug, name from organization order by id", vec![]).await?;
        let tokens = room
            .query(
                "select id, name, hash, organization_id, actions, created_at from token where revoked_at is null",
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
            let actor = Actor { kind: ActorKind::Token, name: row.name.as_str().into(), actions };
            let organization = row.organization_id.map(OrganizationId);
            let (id, name, created_at) = (row.id, row.name, row.created_at);
            by_hash
                .insert(hash, Arc::new(Token { id, name, organization, created_at, actor: Arc::new(actor) }));
        }
        let organizations = organizations.to::<Organization>()?.into_iter().map(Arc::new).collect();
        Ok(Self { organizations, tokens: by_hash })
    }

    /// The organizations, oldest first.
    pub fn organizations(&self) -> &[Arc<Organization>] {
        &self.organizations
    }

    /// The organization of that number.
    pub fn organization(&self, id: OrganizationId) -> Option<&Arc<Organization>> {
        self.organizations.iter().find(|organization| organization.id == id)
    }

    /// The organization of that name.
    pub fn organization_named(&self, slug: &str) -> Option<&Arc<Organization>> {
        self.organizations.iter().find(|organization| organization.slug == slug)
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

/// Makes an organization.
pub(crate) async fn create_organization(
    room: &Room,
    slug: &str,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "insert into organization (slug, name, created_at) values ($1, $2, $3)";
    room.execute(sql, vec![slug.into(), name.into(), now.to_string().into()]).await?;
    Ok(())
}

/// Makes a token: 256 random bits, of which only the hash is kept.
pub(crate) async fn create_token(
    room: &Room,
    name: &str,
    organization: Option<OrganizationId>,
    actions: &Actions,
    now: Timestamp,
) -> Result<NewToken, Error> {
    let secret: [u8; 32] = rand::random();
    let token = format!("{TOKEN_PREFIX}{}", hex(&secret));
    let actions = serde_json::to_string(actions).map_err(|error| Error::Data(error.to_string()))?;
    let sql = "insert into token (name, hash, organization_id, actions, created_at) \
               values ($1, $2, $3, $4, $5) returning id";
    let organization = organization.map_or(Value::Null, Value::from);
    let params =
        vec![name.into(), hex(&hash(&token)).into(), organization, actions.into(), now.to_string().into()];
    let row = room.query(sql, params).await?.into_iter().next();
    let id = row.ok_or_else(|| Error::Data("a token was stored without a number".to_owned()))?.to()?;
    Ok(NewToken { id, name: name.to_owned(), token })
}

/// Revokes a token; false when there is none of that number.
pub(crate) async fn revoke_token(room: &Room, id: i64, now: Timestamp) -> Result<bool, Error> {
    let sql = "update token set revoked_at = $2, name = name || ' (revoked ' || id || ')' \
               where id = $1 and revoked_at is null";
    Ok(room.execute(sql, vec![id.into(), now.to_string().into()]).await?.rows_affected > 0)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
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
