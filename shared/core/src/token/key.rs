//! The keys of tokens, and the variable `jwt_keys` that names them.

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims};

/// A key that signs or verifies tokens of one audience.
#[derive(Clone)]
pub struct Key {
    id: String,
    audience: &'static str,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hs256(Box<Hmac<Sha256>>),
    EdDsa(Box<VerifyingKey>),
}

impl Key {
    /// An HS256 key of at least 32 bytes, for tokens of `audience`.
    #[must_use]
    pub fn hs256(id: &str, audience: &'static str, secret: &[u8]) -> Option<Self> {
        if secret.len() < 32 {
            return None;
        }
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).ok()?;
        Some(Self { id: id.to_owned(), audience, material: Material::Hs256(Box::new(mac)) })
    }

    fn eddsa(id: &str, audience: &'static str, public: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
        Some(Self { id: id.to_owned(), audience, material: Material::EdDsa(Box::new(key)) })
    }

    /// The key's id, as a token's `kid` names it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For whom the key speaks: the audience of the tokens it verifies.
    #[must_use]
    pub const fn audience(&self) -> &'static str {
        self.audience
    }

    /// The names by which a token may call the key's algorithm. RFC 9864 names the one curve of EdDSA that we have.
    const fn algorithms(&self) -> &'static [&'static str] {
        match self.material {
            Material::Hs256(_) => &["HS256"],
            Material::EdDsa(_) => &["EdDSA", "Ed25519"],
        }
    }

    /// Whether the key may verify a token of `audience` whose header says `algorithm`, and `kid` where it names a key.
    pub(super) fn fits(&self, algorithm: &str, kid: Option<&str>, audience: &str) -> bool {
        self.algorithms().contains(&algorithm) && self.audience == audience && kid.is_none_or(|id| id == self.id)
    }

    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hs256(mac) => mac.as_ref().clone().chain_update(signed).verify_slice(signature).is_ok(),
            Material::EdDsa(key) => {
                Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok())
            }
        }
    }

    /// A token with these claims; `None` for a key that can only verify (EdDSA), and for another's audience.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> Option<String> {
        let Material::Hs256(mac) = &self.material else { return None };
        if claims.aud != self.audience {
            return None;
        }
        let header = json!({"alg": "HS256", "kid": self.id, "typ": "JWT"}).to_string();
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(&serde_json::to_vec(claims).ok()?));
        let signature = mac.as_ref().clone().chain_update(&signed).finalize().into_bytes();
        Some(format!("{signed}.{}", encode(&signature)))
    }
}

/// For whom a key can speak, by the word that `jwt_keys` has for it.
const SPEAKS_FOR: [(&str, &str); 2] = [("people", AUDIENCE_PEOPLE), ("operators", AUDIENCE_OPERATOR)];

/// Reads the variable `jwt_keys`: entries `<id>:<HS256|EdDSA>:<key, base64url>`, separated by commas. Such a key speaks
/// for people. One that speaks for operators says so at its end: `…:operators`. A key for both stands there twice.
///
/// # Errors
/// Occurs when an entry has another form, an unknown algorithm, a key of the wrong length, or is there twice: what is
/// wrong, without the key.
pub fn parse_keys(text: &str) -> Result<Vec<Key>, String> {
    let form = "must be <id>:<HS256|EdDSA>:<key in base64url>, with :operators behind a key of operators, \
                separated by commas";
    let keys: Option<Vec<Key>> = text.split(',').map(|entry| parse_key(entry.trim())).collect();
    let keys = keys.ok_or_else(|| form.to_owned())?;
    for (number, key) in keys.iter().enumerate() {
        let same = |other: &Key| (&other.id, other.audience) == (&key.id, key.audience);
        if keys.iter().take(number).any(same) {
            return Err(format!("must have each id once for people and once for operators; {:?} is not", key.id));
        }
    }
    Ok(keys)
}

fn parse_key(entry: &str) -> Option<Key> {
    let mut parts = entry.split(':');
    let (id, algorithm, key) = (parts.next()?, parts.next()?, parts.next()?);
    let word = parts.next().unwrap_or("people");
    let (_, audience) = SPEAKS_FOR.into_iter().find(|(speaks_for, _)| *speaks_for == word)?;
    if id.is_empty() || parts.next().is_some() {
        return None;
    }
    let bytes = Base64UrlUnpadded::decode_vec(key).ok()?;
    match algorithm {
        "HS256" => Key::hs256(id, audience, &bytes),
        "EdDSA" => Key::eddsa(id, audience, &bytes),
        _ => None,
    }
}
