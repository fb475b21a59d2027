//! Who is asking: JSON Web Tokens (RFC 7519), HS256 or EdDSA.
//!
//! **Invariant:** the algorithm and for whom it speaks come from the key, never from the token alone; `aud` and `exp`
//! are always checked.
//!
//! A token must say `sub`, `aud` and `exp` (and, where it has one, an `nbf` that can be read). Everything else in it may
//! be another service's: what is not of ours is ignored, and refuses nobody.

use serde::Serialize;

use crate::{Error, GroupId, UserId};

mod key;
mod payload;

pub use key::{Key, parse_keys};

/// The audience of people's tokens.
pub const AUDIENCE_PEOPLE: &str = "hongbao";
/// The audience of operators' tokens.
pub const AUDIENCE_OPERATOR: &str = "hongbao-operator";

/// How far the issuer's clock and ours may be apart, in seconds: for `exp` and for `nbf`.
pub const LEEWAY_S: i64 = 60;
/// The longest token, in bytes.
pub const TOKEN_MAX_BYTES: usize = 16 * 1024;
/// The most groups of ours that are taken from a token, the first ones.
pub const GROUPS_MAX: usize = 1_000;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The user's id (`us_…`); for operators any name of at most 64 characters.
    pub sub: String,
    /// The groups the user is a member of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Whether this is a company's account, which may send larger packets.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub company: bool,
    /// Since when the account exists, Unix seconds; the risk rule for new accounts needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// The audience; of a token that was verified, the one it was verified for.
    pub aud: String,
    /// When the token ends, Unix seconds.
    pub exp: i64,
    /// When the token starts, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// The claims of `token`, verified with one of `keys` for `audience` at `now_ms`.
///
/// # Errors
/// [`Error::Unauthenticated`] when the token is malformed or too long, signed by no live key that speaks for this
/// audience or with another algorithm than the key's, for another audience, not yet valid or over.
pub fn verify(keys: &[Key], token: &str, audience: &str, now_ms: i64) -> Result<Claims, Error> {
    read(keys, token, audience)
        .filter(|claims| {
            let now_s = now_ms.div_euclid(1000);
            let is_over = now_s >= claims.exp.saturating_add(LEEWAY_S);
            let is_early = claims.nbf.is_some_and(|from| from > now_s.saturating_add(LEEWAY_S));
            !is_over && !is_early
        })
        .ok_or(Error::Unauthenticated)
}

fn read(keys: &[Key], token: &str, audience: &str) -> Option<Claims> {
    if token.len() > TOKEN_MAX_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header = payload::header(header)?;
    let signature = payload::decode(signature)?;
    let fits = |key: &&Key| key.fits(&header.alg, header.kid.as_deref(), audience);
    keys.iter().filter(fits).find(|key| key.verifies(signed.as_bytes(), &signature))?;
    payload::claims(claims, audience)
}

impl TryFrom<Claims> for Person {
    type Error = Error;

    /// The person a token names; [`Error::Unauthenticated`] when `sub` is not a user's id.
    fn try_from(claims: Claims) -> Result<Self, Error> {
        let user = UserId::parse(&claims.sub).ok_or(Error::Unauthenticated)?;
        Ok(Self { user, groups: claims.groups, company: claims.company, since: claims.since })
    }
}
