//! The two secrets of a local stack, and the tokens they sign.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use base64ct::{Base64UrlUnpadded, Encoding};
use hongbao_core::sign::SigningKeys;
use hongbao_core::token::{self, AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims, Key, TOKEN_MAX_BYTES};
use hongbao_core::{GroupId, UserId};

/// What a token is to allow.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The user's id (`us_…`), or an operator's name.
    pub user: &'a str,
    /// The groups the user is a member of (`g_…`).
    pub groups: &'a [&'a str],
    /// Whether the user is a company.
    pub company: bool,
    /// Since when the account exists, Unix seconds.
    pub since: Option<i64>,
    /// For whom the token is meant: people or operators.
    pub audience: &'a str,
    /// How long it is valid.
    pub ttl: Duration,
}

impl<'a> Grant<'a> {
    /// A person's token, valid for half a day.
    #[must_use]
    pub fn person(user: &'a str, groups: &'a [&'a str]) -> Self {
        Self {
            user,
            groups,
            company: false,
            since: None,
            audience: AUDIENCE_PEOPLE,
            ttl: Duration::from_secs(12 * 3600),
        }
    }

    /// An operator's token, valid for five minutes.
    #[must_use]
    pub fn operator(name: &'a str) -> Self {
        let ttl = Duration::from_secs(300);
        Self { user: name, groups: &[], company: false, since: None, audience: AUDIENCE_OPERATOR, ttl }
    }
}

/// The values of the variables `signing_key` and `jwt_keys`.
#[derive(Clone)]
pub struct Keys {
    signing_key: String,
    jwt_keys: String,
}

impl Keys {
    /// The keys in the folder `dir`; made from the operating system's randomness when there are none yet.
    /// Only the owner can read them.
    ///
    /// # Errors
    /// Occurs when the folder cannot be written or holds something else than keys.
    pub fn load_or_make(dir: &Path) -> Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).context("cannot create the folder of keys")?;
        make_missing(&dir.join(SIGNING_KEY), random_hex)?;
        make_missing(&dir.join(JWT_KEYS), || Ok(format!("{},{}", jwt_key("")?, jwt_key(OPERATORS)?)))?;
        let keys = Self::load(dir)?;
        if token::parse_keys(&keys.jwt_keys).is_ok_and(|all| all.iter().any(|key| key.audience() == AUDIENCE_OPERATOR))
        {
            return Ok(keys);
        }
        // A folder from before keys said for whom they speak.
        let jwt_keys = write(&dir.join(JWT_KEYS), &format!("{},{}", keys.jwt_keys, jwt_key(OPERATORS)?))?;
        Ok(Self { jwt_keys, ..keys })
    }

    /// The keys in the folder `dir`, where they have been made. Nothing is written.
    ///
    /// # Errors
    /// Occurs when a file is missing or holds something else than keys.
    pub fn load(dir: &Path) -> Result<Self> {
        let (signing_file, jwt_file) = (dir.join(SIGNING_KEY), dir.join(JWT_KEYS));
        let (signing_key, jwt_keys) = (read(&signing_file)?, read(&jwt_file)?);
        SigningKeys::parse(&signing_key)
            .map_err(|form| anyhow!("{} {form}; delete it to have a new key made", signing_file.display()))?;
        token::parse_keys(&jwt_keys).map_err(|form| anyhow!("{}: {form}", jwt_file.display()))?;
        Ok(Self { signing_key, jwt_keys })
    }

    /// The variable `signing_key`, as [`SigningKeys::parse`] reads it.
    #[must_use]
    pub fn signing_key(&self) -> &str {
        &self.signing_key
    }

    /// The variable `jwt_keys`: a key of people and one of operators, as [`token::parse_keys`] reads them.
    #[must_use]
    pub fn jwt_keys(&self) -> &str {
        &self.jwt_keys
    }

    /// A token that grants this, from now on.
    ///
    /// # Errors
    /// Occurs when the user's or a group's id is malformed, the token is longer than the application takes, or no key can
    /// sign.
    pub fn token(&self, grant: &Grant<'_>) -> Result<String> {
        let groups = grant.groups.iter().map(|group| {
            GroupId::parse(group).with_context(|| format!("`{group}` is not a group's id (`g_` and letters or digits)"))
        });
        ensure!(
            grant.audience != AUDIENCE_PEOPLE || UserId::parse(grant.user).is_some(),
            "`{}` is not a user's id (`us_` and letters or digits)",
            grant.user
        );
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        let claims = Claims {
            sub: grant.user.to_owned(),
            groups: groups.collect::<Result<_>>()?,
            company: grant.company,
            since: grant.since,
            aud: grant.audience.to_owned(),
            exp: i64::try_from((now_s + grant.ttl).as_secs())?,
            nbf: None,
        };
        let keys = token::parse_keys(&self.jwt_keys).map_err(|form| anyhow!("jwt_keys {form}"))?;
        let token = keys.iter().find_map(|key: &Key| key.sign(&claims));
        let token =
            token.with_context(|| format!("jwt_keys has no HS256 key to sign tokens of {} with", grant.audience))?;
        ensure!(
            token.len() <= TOKEN_MAX_BYTES,
            "the token is {} bytes long, the application takes {TOKEN_MAX_BYTES}: name fewer groups",
            token.len()
        );
        Ok(token)
    }
}

/// The files of the folder, named as the variables.
const SIGNING_KEY: &str = "signing_key";
const JWT_KEYS: &str = "jwt_keys";

/// Makes the file at the first call. It appears whole or not at all.
fn make_missing(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<()> {
    if path.exists() { Ok(()) } else { write(path, &make()?).map(drop) }
}

fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// Writes the file whole or not at all; what it holds then.
fn write(path: &Path, text: &str) -> Result<String> {
    let new = path.with_extension("new");
    let options = &mut fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&new).with_context(|| format!("cannot write {}", new.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(text.to_owned())
}

/// The end of an entry of `jwt_keys` that speaks for operators.
const OPERATORS: &str = ":operators";

/// A new entry of `jwt_keys`, for people, or with this end.
fn jwt_key(speaks_for: &str) -> Result<String> {
    let id = hex(&random()?[..4]);
    Ok(format!("local-{id}:HS256:{}{speaks_for}", Base64UrlUnpadded::encode_string(&random()?)))
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("the operating system gives no randomness: {error}"))?;
    Ok(bytes)
}

/// 64 random hexadecimal digits.
pub(crate) fn random_hex() -> Result<String> {
    Ok(hex(&random()?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
