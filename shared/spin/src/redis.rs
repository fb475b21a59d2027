//! Redis: one shared connection an address, a deadline on every call, scripts by their hash.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;
use hongbao_core::Error;
use sha1::{Digest, Sha1};
use spin_sdk::redis::Connection;
pub use spin_sdk::redis::{RedisParameter as Argument, RedisResult as Reply};

use crate::watch::within;

/// How long a call may take, connecting included.
const DEADLINE: Duration = Duration::from_millis(1_000);
/// How long a server is left alone after it let a deadline pass.
const SILENCE: Duration = Duration::from_millis(500);

/// Why a call got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused the command: its words.
    Refused(String),
    /// The connection failed or the deadline passed: whether the command ran is unknown.
    Lost(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(cause) => Self::Unavailable(format!("redis refused: {cause}")),
            Failure::Lost(cause) => Self::Unavailable(format!("redis is out of reach: {cause}")),
        }
    }
}

/// Something that runs Redis commands: a server, or a model of one in a test.
#[async_trait(?Send)]
pub trait Redis {
    /// Runs one command; nested replies come flattened.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure>;
}

/// The server at an address, over one connection that all requests of this instance share.
///
/// Concurrent calls pipeline by themselves. Nothing resets the connection between users, so MULTI, SELECT and
/// blocking commands have no place on it.
pub struct Server {
    address: String,
    /// Until when nothing is asked of a server that let a deadline pass, so that requests do not queue up for it.
    silent_until: Cell<Option<Instant>>,
}

thread_local! {
    static CONNECTIONS: RefCell<BTreeMap<String, Rc<Connection>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Server {
    /// The server at `address` (`redis://host:port`); nothing is connected yet.
    #[must_use]
    pub const fn new(address: String) -> Self {
        Self { address, silent_until: Cell::new(None) }
    }

    async fn connection(&self) -> Result<Rc<Connection>, Failure> {
        if let Some(connection) = CONNECTIONS.with_borrow(|open| open.get(&self.address).cloned()) {
            return Ok(connection);
        }
        let connection = Connection::open(&self.address).await.map_err(|error| Failure::Lost(error.to_string()))?;
        let connection = Rc::new(connection);
        CONNECTIONS.with_borrow_mut(|open| open.insert(self.address.clone(), connection.clone()));
        Ok(connection)
    }

    fn forget_connection(&self) {
        CONNECTIONS.with_borrow_mut(|open| open.remove(&self.address));
    }
}

#[async_trait(?Send)]
impl Redis for Server {
    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        if self.silent_until.get().is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Lost("it let a deadline pass a moment ago".into()));
        }
        let work = async {
            let connection = self.connection().await?;
            connection.execute(command, arguments).await.map_err(|error| failure(&error.to_string()))
        };
        let answer = within(DEADLINE, work).await;
        self.silent_until.set(answer.is_none().then(|| Instant::now() + SILENCE));
        let answer = answer.unwrap_or_else(|| Err(Failure::Lost(format!("no answer within {DEADLINE:?}"))));
        if matches!(answer, Err(Failure::Lost(_))) {
            self.forget_connection();
        }
        answer
    }
}

/// Sorts an error by its text, the only thing the binding passes on: a server's own errors begin, somewhere,
/// with one of Redis' codes.
fn failure(text: &str) -> Failure {
    const CODES: [&str; 10] = [
        "NOSCRIPT",
        "NoScript",
        "OOM",
        "BUSYGROUP",
        "NOGROUP",
        "WRONGTYPE",
        "WrongType",
        "ERR ",
        "ResponseError",
        "An error was signalled by the server",
    ];
    match CODES.iter().any(|code| text.contains(code)) {
        true => Failure::Refused(text.to_owned()),
        false => Failure::Lost(text.to_owned()),
    }
}

/// A script and its name on the server.
pub struct Script {
    /// The files, each with its own first line; the first one's is the script's.
    parts: &'static [&'static str],
    text: OnceLock<(String, String)>,
}

/// What the line begins with that a script has to begin with.
const HEAD: &str = "#!lua";

impl Script {
    /// The script made of these files, one behind the other. The first line of the first one holds for all.
    #[must_use]
    pub const fn new(parts: &'static [&'static str]) -> Self {
        Self { parts, text: OnceLock::new() }
    }

    /// The script's text and its SHA-1.
    #[must_use]
    pub fn text(&self) -> (&str, &str) {
        let (text, sha1) = self.text.get_or_init(|| {
            let body = |part: &&'static str| part.split_once('\n').filter(|(head, _)| head.starts_with(HEAD));
            let bodies = self.parts.iter().skip(1).map(|part| body(part).map_or(*part, |(_, body)| body));
            let text: String = self.parts.iter().take(1).copied().chain(bodies).collect();
            let sha1 = Sha1::digest(&text).iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            (text, sha1)
        });
        (text, sha1)
    }

    /// Makes the script known to a server ahead of its first use.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn load(&self, redis: &dyn Redis) -> Result<(), Failure> {
        redis.call("SCRIPT", vec![binary("LOAD"), binary(self.text().0)]).await.map(drop)
    }

    /// Runs the script; a server that does not know it yet is given the source.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn run(&self, redis: &dyn Redis, keys: &[&str], arguments: &[Argument]) -> Result<Vec<Reply>, Failure> {
        let call = |script: &str| {
            let mut all = Vec::with_capacity(2 + keys.len() + arguments.len());
            all.push(binary(script));
            all.push(Argument::Int64(i64::try_from(keys.len()).unwrap_or(i64::MAX)));
            all.extend(keys.iter().map(binary));
            all.extend_from_slice(arguments);
            all
        };
        let (text, sha1) = self.text();
        match redis.call("EVALSHA", call(sha1)).await {
            Err(Failure::Refused(cause)) if cause.to_ascii_uppercase().contains("NOSCRIPT") => {
                redis.call("EVAL", call(text)).await
            }
            answer => answer,
        }
    }
}

/// A text or bytes as a command's argument.
pub fn binary(bytes: impl AsRef<[u8]>) -> Argument {
    Argument::Binary(bytes.as_ref().to_vec())
}

/// A reply's text; `None` for nil, numbers and invalid UTF-8.
#[must_use]
pub fn text(reply: &Reply) -> Option<&str> {
    match reply {
        Reply::Status(text) => Some(text),
        Reply::Binary(bytes) => core::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// A reply's number, written as one or as text.
#[must_use]
pub fn number(reply: &Reply) -> Option<i64> {
    match reply {
        Reply::Int64(number) => Some(*number),
        other => text(other)?.parse().ok(),
    }
}
