//! The two JSON texts of a token, read as RFC 7515 and RFC 7519 have them.
//!
//! Names that are there twice are refused (RFC 7519, 4), and so is a `crit`: there is no extension that we understand.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::{Number, Value};

use super::{Claims, GROUPS_MAX};
use crate::GroupId;

/// The header, as far as it decides anything.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default, rename = "crit", deserialize_with = "is_there")]
    has_crit: bool,
}

/// The claims that we read, before it is known which of their values are of ours.
#[derive(Deserialize)]
struct Payload {
    sub: String,
    aud: OneOrMany,
    exp: Number,
    #[serde(default)]
    nbf: Option<Number>,
    #[serde(default)]
    groups: Value,
    #[serde(default)]
    company: Value,
    #[serde(default)]
    since: Value,
}

/// A string, or a list of strings: both are an audience (RFC 7519, 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }
}

/// The bytes of a token's part: base64url without padding, and nothing else.
pub(super) fn decode(part: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(part).ok()
}

/// The header in this part of a token; `None` for what is none, and for one that asks for an extension.
pub(super) fn header(part: &str) -> Option<Header> {
    let header: Header = serde_json::from_slice(&decode(part)?).ok()?;
    (!header.has_crit).then_some(header)
}

/// The claims in this part of a token; `None` for what are none, and for those that are not for `audience`.
pub(super) fn claims(part: &str, audience: &str) -> Option<Claims> {
    let payload: Payload = serde_json::from_slice(&decode(part)?).ok()?;
    if !payload.aud.has(audience) {
        return None;
    }
    Some(Claims {
        sub: payload.sub,
        groups: groups(&payload.groups),
        // A company's name under this claim is another service's: only a plain yes lifts the limits.
        company: payload.company == Value::Bool(true),
        since: payload.since.as_number().map(whole_seconds),
        aud: audience.to_owned(),
        exp: whole_seconds(&payload.exp),
        nbf: payload.nbf.as_ref().map(whole_seconds),
    })
}

/// The groups of ours in a claim that may name other services' too; one group may stand there without a list.
fn groups(claim: &Value) -> Vec<GroupId> {
    let names = match claim {
        Value::Array(names) => names.as_slice(),
        one => core::slice::from_ref(one),
    };
    names.iter().filter_map(|name| GroupId::parse(name.as_str()?)).take(GROUPS_MAX).collect()
}

/// A `NumericDate` in whole seconds, towards zero. Its fraction is far below the leeway; what is beyond any time is the
/// nearest there is.
fn whole_seconds(date: &Number) -> i64 {
    if let Some(seconds) = date.as_i64() {
        return seconds;
    }
    if date.is_u64() {
        return i64::MAX;
    }
    // Written out, a fraction has a point; only what is very large or very small has an exponent.
    let text = date.to_string();
    let farthest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    match text.split_once('e') {
        Some((_, exponent)) if exponent.starts_with('-') => 0,
        Some(_) => farthest,
        None => text.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(farthest),
    }
}

/// Whether a member is there at all, `null` included.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
