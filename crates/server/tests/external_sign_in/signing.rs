//! Keys with which an issuer signs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey,
    core::{CoreEdDsaPrivateSigningKey, CoreJsonWebKey, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey},
};
use serde_json::{Value as Json, json};

const ED25519: &str = include_str!("keys/ed25519.pem");
const OTHER: &str = include_str!("keys/other.pem");
const RSA: &str = include_str!("keys/rsa.pem");

/// The keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Ed25519,
    Other,
    Rsa,
}

impl Key {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Ed25519 => "first",
            Self::Other => "second",
            Self::Rsa => "rsa",
        }
    }

    pub(crate) fn public(self) -> CoreJsonWebKey {
        let id = Some(JsonWebKeyId::new(self.id().to_owned()));
        match self {
            Self::Ed25519 => {
                CoreEdDsaPrivateSigningKey::from_ed25519_pem(ED25519, id).unwrap().as_verification_key()
            }
            Self::Other => {
                CoreEdDsaPrivateSigningKey::from_ed25519_pem(OTHER, id).unwrap().as_verification_key()
            }
            Self::Rsa => CoreRsaPrivateSigningKey::from_pem(RSA, id).unwrap().as_verification_key(),
        }
    }

    fn sign(self, message: &[u8]) -> Vec<u8> {
        let signed = match self {
            Self::Ed25519 => CoreEdDsaPrivateSigningKey::from_ed25519_pem(ED25519, None)
                .unwrap()
                .sign(&CoreJwsSigningAlgorithm::EdDsa, message),
            Self::Other => CoreEdDsaPrivateSigningKey::from_ed25519_pem(OTHER, None)
                .unwrap()
                .sign(&CoreJwsSigningAlgorithm::EdDsa, message),
            Self::Rsa => CoreRsaPrivateSigningKey::from_pem(RSA, None)
                .unwrap()
                .sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, message),
        };
        signed.unwrap()
    }

    fn algorithm(self) -> &'static str {
        if self == Self::Rsa { "RS256" } else { "EdDSA" }
    }
}

fn part(value: &Json) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token signed by this key, which calls itself by that name.
pub(crate) fn token(claims: &Json, key: Key, called: &str) -> String {
    let header = json!({"alg": key.algorithm(), "kid": called, "typ": "JWT"});
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A token that says that it needs no signature.
pub(crate) fn unsigned(claims: &Json) -> String {
    format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))
}

/// A token signed with the client's secret.
pub(crate) fn signed_by_secret(claims: &Json, secret: &str) -> String {
    use openidconnect::core::CoreHmacKey;
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(claims));
    let key = CoreHmacKey::new(secret.as_bytes().to_vec());
    let signature = key.sign(&CoreJwsSigningAlgorithm::HmacSha256, signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
