//! Configuration: Spin variables with working local defaults.

use hongbao_core::Error;
use hongbao_core::admit::Rates;
use hongbao_core::draft::Limits;
use hongbao_core::risk::Rules;
use hongbao_core::sign::SigningKeys;
use hongbao_core::token::{self, Key};
use spin_sdk::variables;

/// Where the state is, and the configured keys.
pub struct Config {
    /// The shards of Redis: number and address.
    pub redis_urls: Vec<(u16, String)>,
    /// The database.
    pub database: DatabaseUrl,
    /// The signing keys, where some are configured.
    pub signing_keys: Option<SigningKeys>,
    /// The keys of tokens; empty where none are configured.
    pub jwt_keys: Vec<Key>,
}

/// The most places that `redis_urls` may have: more is a mistake, such as a list of something else.
const SHARDS_MAX: u16 = 1_000;

/// Which database, from `database_url`. No `Debug`: an address may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:<name>`: a SQLite database of Spin's.
    Sqlite(String),
    /// `postgres://…`: a PostgreSQL, or what speaks its protocol.
    Postgres(String),
}

impl Config {
    /// Reads the variables that every component has.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] naming the variable that is missing or malformed.
    pub async fn load() -> Result<Self, Error> {
        let redis_urls = redis_urls(&get("redis_urls").await?)?;
        let signing_keys = match get("signing_key").await? {
            empty if empty.is_empty() => None,
            text => Some(SigningKeys::parse(&text).map_err(|problem| wrong("signing_key", &problem))?),
        };
        let jwt_keys = match get("jwt_keys").await? {
            empty if empty.is_empty() => Vec::new(),
            text => token::parse_keys(&text).map_err(|problem| wrong("jwt_keys", &problem))?,
        };
        let database = database(&get("database_url").await?)?;
        Ok(Self { redis_urls, database, signing_keys, jwt_keys })
    }
}

/// The shards: a shard's number is its address' place in the list, and an empty place is a shard that does not exist.
fn redis_urls(text: &str) -> Result<Vec<(u16, String)>, Error> {
    let places = (0..).zip(text.split(',').map(str::trim));
    let shards: Vec<_> =
        places.filter(|(_, url)| !url.is_empty()).map(|(number, url)| (number, url.to_owned())).collect();
    // The text may hold passwords: no message repeats any of it.
    if let Some((number, _)) = shards.iter().find(|(_, url)| !is_redis_address(url)) {
        let problem = format!("place {number} must be redis://[user:password@]host:port, or rediss:// for TLS");
        return Err(wrong("redis_urls", &problem));
    }
    match shards.as_slice() {
        [] => Err(wrong("redis_urls", "must be redis://[user:password@]host:port, several separated by commas")),
        [.., (last, _)] if *last >= SHARDS_MAX => {
            Err(wrong("redis_urls", &format!("holds at most {SHARDS_MAX} places")))
        }
        _ => Ok(shards),
    }
}

fn is_redis_address(url: &str) -> bool {
    let rest = url.strip_prefix("redis://").or_else(|| url.strip_prefix("rediss://"));
    rest.and_then(|rest| rest.rsplit('@').next()).is_some_and(|host| !host.is_empty() && !host.starts_with(['/', ':']))
}

/// The database. Whom components may connect to is the manifest's `database_hosts`, which the runtime holds them to.
fn database(url: &str) -> Result<DatabaseUrl, Error> {
    match url.split_once(':') {
        Some(("sqlite", name)) if !name.is_empty() => Ok(DatabaseUrl::Sqlite(name.to_owned())),
        Some(("postgres" | "postgresql", rest)) => {
            let address = rest.split(['/', '?']).find(|part| !part.is_empty()).unwrap_or_default();
            if address.rsplit('@').next().unwrap_or_default().is_empty() {
                return Err(wrong("database_url", "must be postgres://user:password@host:port/database"));
            }
            Ok(DatabaseUrl::Postgres(url.to_owned()))
        }
        _ => Err(wrong("database_url", "must be sqlite:<name> or postgres://user:password@host:port/database")),
    }
}

/// The limits on sending, for the components that have their variables.
///
/// # Errors
/// [`Error::Misconfigured`] naming the variable that is missing or malformed.
pub async fn limits() -> Result<Limits, Error> {
    Ok(Limits {
        share_average_fen: number("limit_share_average_fen").await?,
        count: number("limit_count").await?,
        count_company: number("limit_count_company").await?,
        daily_send_fen: number("limit_daily_send_fen").await?,
        daily_send_count: number("limit_daily_send_count").await?,
    })
}

/// The rates, for the components that have their variable.
///
/// # Errors
/// [`Error::Misconfigured`] when it is malformed.
pub async fn rates() -> Result<Rates, Error> {
    Rates::parse(&get("rate_limits").await?).map_err(|problem| wrong("rate_limits", &problem))
}

/// The risk rules, for the components that have their variable.
///
/// # Errors
/// [`Error::Misconfigured`] when it is malformed.
pub async fn rules() -> Result<Rules, Error> {
    Rules::parse(&get("risk_rules").await?).map_err(|problem| wrong("risk_rules", &problem))
}

/// The longest retention, in seconds: a year.
pub const RETENTION_MAX_S: i64 = 31_536_000;

/// How long a packet stays in Redis after it has ended, for the component that has the variable: milliseconds.
///
/// # Errors
/// [`Error::Misconfigured`] when it is malformed.
pub async fn retention_ms() -> Result<i64, Error> {
    let retention_s = get("race_retention_s").await?.parse::<i64>().ok().filter(|s| (0..=RETENTION_MAX_S).contains(s));
    let problem = || format!("must be a whole number of seconds from 0 to {RETENTION_MAX_S}");
    Ok(retention_s.ok_or_else(|| wrong("race_retention_s", &problem()))?.saturating_mul(1_000))
}

/// Whether anybody may log in as anybody, for trying things out.
///
/// # Errors
/// [`Error::Misconfigured`] when the variable is neither `on` nor `off`.
pub async fn dev_login() -> Result<bool, Error> {
    match get("dev_login").await?.as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(wrong("dev_login", "must be on or off")),
    }
}

async fn get(variable: &'static str) -> Result<String, Error> {
    variables::get(variable).await.map_err(|error| wrong(variable, &format!("cannot be read: {error}")))
}

async fn number(variable: &'static str) -> Result<i64, Error> {
    let number = get(variable).await?.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| wrong(variable, "must be a whole number above 0"))
}

fn wrong(variable: &'static str, problem: &str) -> Error {
    Error::Misconfigured { variable, problem: problem.to_owned() }
}
