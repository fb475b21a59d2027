//! Who is asking: JSON Web Tokens (RFC 7519), HS256 or EdDSA.
//!
//! **Invariant:** the algorithm comes from the key, never from the token alone; `aud` and `exp` are always checked.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{Error, GroupId, UserId};

/// The audience of people's tokens.
pub const AUDIENCE_PEOPLE: &str = "hongbao";
/// The audience of operators' tokens.
pub const AUDIENCE_OPERATOR: &str = "hongbao-operator";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id (`us_…`); for operators any name of at most 64 characters.
    pub sub: String,
    /// The groups the user is a member of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Whether this is a company's account, which may send larger packets.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub company: bool,
    /// Since when the account exists, Unix seconds; the risk rule for new accounts needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// The audience.
    pub aud: String,
    /// When the token ends, Unix seconds.
    pub exp: i64,
    /// When the token starts, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
}

/// A person, as a verified token names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user's id.
    pub user: UserId,
    /// The groups the user is a member of.
    pub groups: Vec<GroupId>,
    /// Whether this is a company's account.
    pub company: bool,
    /// Since when the account exists, Unix seconds, where the token says.
    pub since: Option<i64>,
}

/// A key that signs or verifies tokens.
#[derive(Clone)]
pub struct Key {
    id: String,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hs256(Box<Hmac<Sha256>>),
    EdDsa(Box<VerifyingKey>),
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    /// Extensions the reader must understand (RFC 7515, 4.1.11). There is none that we do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Vec<String>>,
}

impl Key {
    /// An HS256 key of at least 32 bytes.
    #[must_use]
    pub fn hs256(id: &str, secret: &[u8]) -> Option<Self> {
        if secret.len() < 32 {
            return None;
        }
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).ok()?;
        Some(Self { id: id.to_owned(), material: Material::Hs256(Box::new(mac)) })
    }

    fn algorithm(&self) -> &'static str {
        match self.material {
            Material::Hs256(_) => "HS256",
            Material::EdDsa(_) => "EdDSA",
        }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hs256(mac) => mac.as_ref().clone().chain_update(signed).verify_slice(signature).is_ok(),
            Material::EdDsa(key) => {
                Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok())
            }
        }
    }

    /// A token with these claims; `None` for a key that can only verify (EdDSA).
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> Option<String> {
        let Material::Hs256(mac) = &self.material else { return None };
        let (alg, kid) = (self.algorithm().to_owned(), Some(self.id.clone()));
        let header = Header { alg, kid, typ: Some("JWT".to_owned()), crit: None };
        let encode = |bytes: Vec<u8>| Base64UrlUnpadded::encode_string(&bytes);
        let header = encode(serde_json::to_vec(&header).ok()?);
        let claims = encode(serde_json::to_vec(claims).ok()?);
        let signed = format!("{header}.{claims}");
        let signature = mac.as_ref().clone().chain_update(&signed).finalize().into_bytes();
        Some(format!("{signed}.{}", encode(signature.to_vec())))
    }
}

/// Reads the variable `jwt_keys`: entries `<id>:<HS256|EdDSA>:<key, base64url>`, separated by commas.
///
/// # Errors
/// Occurs when an entry has another form, an unknown algorithm or a key of the wrong length.
pub fn parse_keys(text: &str) -> Result<Vec<Key>, String> {
    let form = "must be <id>:<HS256|EdDSA>:<key in base64url>, separated by commas";
    text.split(',').map(|entry| parse_key(entry.trim()).ok_or_else(|| form.to_owned())).collect()
}

fn parse_key(entry: &str) -> Option<Key> {
    let mut parts = entry.splitn(3, ':');
    let (id, algorithm, key) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = Base64UrlUnpadded::decode_vec(key).ok()?;
    match algorithm {
        "HS256" => Key::hs256(id, &bytes),
        "EdDSA" => {
            let key = VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()?;
            Some(Key { id: id.to_owned(), material: Material::EdDsa(Box::new(key)) })
        }
        _ => None,
    }
}

/// The claims of `token`, verified with one of `keys` for `audience` at `now_ms`.
///
/// # Errors
/// [`Error::Unauthenticated`] when the token is malformed, signed by no live key or with another algorithm
/// than the key's, for another audience, not yet valid or over.
pub fn verify(keys: &[Key], token: &str, audience: &str, now_ms: i64) -> Result<Claims, Error> {
    read(keys, token)
        .filter(|claims| {
            let now_s = now_ms.div_euclid(1000);
            claims.aud == audience && now_s < claims.exp && claims.nbf.is_none_or(|from| from <= now_s)
        })
        .ok_or(Error::Unauthenticated)
}

fn read(keys: &[Key], token: &str) -> Option<Claims> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = serde_json::from_slice(&Base64UrlUnpadded::decode_vec(header).ok()?).ok()?;
    if header.crit.is_some() {
        return None;
    }
    let signature = Base64UrlUnpadded::decode_vec(signature).ok()?;
    let fits = |key: &&Key| key.algorithm() == header.alg && header.kid.as_ref().is_none_or(|id| *id == key.id);
    keys.iter().filter(fits).find(|key| key.verifies(signed.as_bytes(), &signature))?;
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).ok()?).ok()
}

impl TryFrom<Claims> for Person {
    type Error = Error;

    /// The person a token names; [`Error::Unauthenticated`] when `sub` is not a user's id.
    fn try_from(claims: Claims) -> Result<Self, Error> {
        let user = UserId::parse(&claims.sub).ok_or(Error::Unauthenticated)?;
        Ok(Self { user, groups: claims.groups, company: claims.company, since: claims.since })
    }
}
