//! The two JSON texts of a token, read as RFC 7515 and RFC 7519 have them.
//!
//! Names that are there twice are refused (RFC 7519, 4), and so is a `crit`: there is no extension that we understand.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Number;
use serde_json::value::RawValue;

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

/// The claims that we read. Of those that may be another service's, it is not known yet which values are of ours: they are
/// taken as they are written, whatever is in them (half a surrogate pair, numbers beyond any type, lists in lists).
#[derive(Deserialize)]
struct Payload<'a> {
    sub: String,
    aud: OneOrMany,
    exp: Number,
    #[serde(default)]
    nbf: Option<Number>,
    #[serde(default, borrow)]
    groups: Option<&'a RawValue>,
    #[serde(default, borrow)]
    company: Option<&'a RawValue>,
    #[serde(default, borrow)]
    since: Option<&'a RawValue>,
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

/// Reads a JSON object. Its type alone does not say so: serde takes a list for one, field by field.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    is_object.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// The header in this part of a token; `None` for what is none, and for one that asks for an extension.
pub(super) fn header(part: &str) -> Option<Header> {
    let header: Header = object(&decode(part)?)?;
    (!header.has_crit).then_some(header)
}

/// The claims in this part of a token; `None` for what are none, and for those that are not for `audience`.
pub(super) fn claims(part: &str, audience: &str) -> Option<Claims> {
    let json = decode(part)?;
    let payload: Payload = object(&json)?;
    if !payload.aud.has(audience) {
        return None;
    }
    let since: Option<Number> = payload.since.and_then(|since| serde_json::from_str(since.get()).ok());
    Some(Claims {
        sub: payload.sub,
        groups: payload.groups.map(groups).unwrap_or_default(),
        // A company's name under this claim is another service's: only a plain yes lifts the limits.
        company: payload.company.is_some_and(|company| company.get() == "true"),
        since: since.as_ref().map(whole_seconds),
        aud: audience.to_owned(),
        exp: whole_seconds(&payload.exp),
        nbf: payload.nbf.as_ref().map(whole_seconds),
    })
}

/// The groups of ours in a claim that may name other services' too; one group may stand there without a list.
fn groups(claim: &RawValue) -> Vec<GroupId> {
    let names: Vec<&RawValue> = serde_json::from_str(claim.get()).unwrap_or_else(|_| vec![claim]);
    let ours = |name: &RawValue| GroupId::parse(&serde_json::from_str::<String>(name.get()).ok()?);
    names.into_iter().filter_map(ours).take(GROUPS_MAX).collect()
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
