//! Redis, SQL, the application and its sweep, as one.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{Grant, Keys, Postgres, Redis, RedisOptions, Runtime, Server, ServerOptions, Sweeper, sweep};

/// The schema of the money, made by the owner of the database before the application comes with its few rights.
#[path = "../../../shared/spin/src/sql/postgres/migration.rs"]
pub mod migration;

/// The role that has them.
const APP_ROLE: &str = "hongbao_app";

/// The most Redis servers that one machine is given.
pub const SHARDS_MAX: usize = 8;

/// Whom the components may connect to: the servers of this machine.
const REDIS_HOSTS: &str = "redis://127.0.0.1:*";
const REDIS_TLS_HOSTS: &str = "rediss://127.0.0.1:*";

/// Where the money is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Database {
    /// The runtime's own SQLite, in the stack's folder.
    #[default]
    Sqlite,
    /// A private PostgreSQL, in the stack's folder.
    Postgres,
}

/// How a [`Stack`] is started.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Where everything is kept: data, keys, logs. Who starts the stack cleans it up, or starts it there again.
    pub dir: PathBuf,
    /// The folder with `spin.toml`.
    pub project: PathBuf,
    /// What runs the application.
    pub runtime: Runtime,
    /// The address to serve on; port 0 is any free one.
    pub listen: String,
    /// Where the money is kept.
    pub database: Database,
    /// How many Redis servers share the packets; at most [`SHARDS_MAX`].
    pub shards: usize,
    /// How each of them is configured.
    pub redis: RedisOptions,
    /// Whether `POST /v1/dev/login` gives everybody a token.
    pub dev_login: bool,
    /// More values of the application's variables; they win over the stack's own.
    pub variables: Vec<(String, String)>,
    /// More of the runtime's environment, such as the file of authorities that it trusts.
    pub environment: Vec<(String, String)>,
    /// How often the sweep is called; never when `None`, for tests that call [`Stack::sweep`] themselves.
    pub sweep_every: Option<Duration>,
    /// More arguments for the runtime, such as faults for the host to inject.
    pub arguments: Vec<String>,
    /// Whether the settlement runs as a process of its own on the host too; under Spin it always does.
    pub settlement_apart: bool,
    /// Where news of the supervision go, a line each.
    pub report: fn(&str),
}

impl StackOptions {
    /// A stack in `dir` with everything at its default: SQLite, one shard, dev_login, a sweep every second.
    ///
    /// # Errors
    /// Occurs when the project cannot be found.
    pub fn new(dir: &Path, runtime: Runtime) -> Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            project: project_root()?,
            runtime,
            listen: "127.0.0.1:0".to_owned(),
            database: Database::default(),
            shards: 1,
            redis: RedisOptions::default(),
            dev_login: true,
            variables: Vec::new(),
            environment: Vec::new(),
            sweep_every: Some(Duration::from_secs(1)),
            arguments: Vec::new(),
            settlement_apart: false,
            report: |line| eprintln!("{line}"),
        })
    }
}

/// A running stack. Its parts are public, so that tests and drills can break each of them.
/// Dropping it kills everything, in an order that leaves nobody shouting about the others.
pub struct Stack {
    sweeper: Option<Sweeper>,
    /// The application.
    pub server: Server,
    /// One Redis a shard.
    pub redis: Vec<Redis>,
    /// The database, where it is PostgreSQL.
    pub postgres: Option<Postgres>,
    keys: Keys,
    dir: PathBuf,
}

impl Stack {
    /// Starts everything and waits until it serves.
    ///
    /// # Errors
    /// Occurs when a server is missing or does not start; the message ends with the last lines of its log.
    pub fn start(options: StackOptions) -> Result<Self> {
        ensure!((1..=SHARDS_MAX).contains(&options.shards), "there are 1 to {SHARDS_MAX} shards");
        let dir = options.dir;
        let keys = Keys::load_or_make(&dir.join("keys"))?;
        let redis = (0..options.shards).map(|shard| Redis::start(&dir.join(format!("redis-{shard}")), &options.redis));
        let redis = redis.collect::<Result<Vec<_>>>()?;
        let postgres = match options.database {
            Database::Sqlite => None,
            Database::Postgres => Some(Postgres::start(&dir.join("postgres"))?),
        };
        let database_url = match &postgres {
            None => "sqlite:default".to_owned(),
            Some(postgres) => postgres.app_url(&migration::migration(), APP_ROLE)?,
        };
        let own = [
            ("database_url", database_url),
            ("database_hosts", postgres.as_ref().map(Postgres::host).unwrap_or_default()),
            ("signing_key", keys.signing_key().to_owned()),
            ("jwt_keys", keys.jwt_keys().to_owned()),
            ("dev_login", if options.dev_login { "on" } else { "off" }.to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let own = own.chain(redis_variables(&redis.iter().map(Redis::url).collect::<Vec<_>>()));
        let server = Server::start(ServerOptions {
            runtime: options.runtime,
            project: options.project,
            listen: options.listen,
            state_dir: dir.join("state"),
            log_dir: dir.join("logs"),
            variables: own.chain(options.variables).collect(),
            environment: options.environment,
            arguments: options.arguments,
            settlement_apart: options.settlement_apart,
            report: options.report,
        })?;
        let sweeper = options
            .sweep_every
            .map(|every| Sweeper::start(server.base_url().to_owned(), keys.clone(), every, options.report));
        Ok(Self { sweeper: sweeper.transpose()?, server, redis, postgres, keys, dir })
    }

    /// `http://ADDRESS:PORT`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server.base_url()
    }

    /// Where everything is kept.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The keys of this stack.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A person's token.
    ///
    /// # Errors
    /// Occurs when a group's id is malformed.
    pub fn token(&self, user: &str, groups: &[&str]) -> Result<String> {
        self.keys.token(&Grant::person(user, groups))
    }

    /// An operator's token.
    ///
    /// # Errors
    /// Occurs when no key can sign.
    pub fn operator_token(&self) -> Result<String> {
        self.keys.token(&Grant::operator("operator"))
    }

    /// Calls the sweep once and returns its answer.
    ///
    /// # Errors
    /// Occurs when the application does not answer, or answers with anything but success.
    pub fn sweep(&self) -> Result<String> {
        sweep(self.base_url(), &self.keys)
    }

    /// Ends everything in good order, so that nothing is left to recover at the next start.
    ///
    /// # Errors
    /// Occurs when a server had to be killed; the others are stopped all the same.
    pub fn stop(mut self) -> Result<()> {
        self.sweeper = None;
        let server = self.server.stop();
        let redis: Vec<_> = self.redis.iter_mut().map(Redis::stop).collect();
        let postgres = self.postgres.as_mut().map_or(Ok(()), Postgres::stop);
        server.and(redis.into_iter().collect::<Result<()>>()).and(postgres)
    }
}

/// The variables that tell the application of the shards at these addresses of this machine.
#[must_use]
pub fn redis_variables(urls: &[String]) -> [(String, String); 3] {
    let hosts = if urls.iter().any(|url| url.starts_with("rediss:")) { REDIS_TLS_HOSTS } else { REDIS_HOSTS };
    let bell = urls.first().cloned().unwrap_or_default();
    [("redis_urls", urls.join(",")), ("redis_hosts", hosts.to_owned()), ("bell_url", bell)]
        .map(|(name, value)| (name.to_owned(), value))
}

/// The project's folder: the nearest one upwards with `spin.toml`, from the package that cargo runs or
/// from the current folder.
///
/// # Errors
/// Occurs when there is none.
pub fn project_root() -> Result<PathBuf> {
    let start = env::var_os("CARGO_MANIFEST_DIR").map_or_else(env::current_dir, |dir| Ok(PathBuf::from(dir)))?;
    let root = start.ancestors().find(|dir| dir.join("spin.toml").exists());
    root.map(Path::to_owned).with_context(|| format!("there is no spin.toml in {} or above", start.display()))
}
