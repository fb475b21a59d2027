//! Redis: one shared connection an address, a deadline on every call, scripts by their hash.

use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;
use sha1::{Digest, Sha1};
use spin_sdk::redis::Connection;
pub use spin_sdk::redis::{RedisParameter as Argument, RedisResult as Reply};

use crate::watch::within;

mod failure;
pub use failure::Failure;

/// How long a call may take, connecting included.
const DEADLINE: Duration = Duration::from_millis(1_000);
/// How long a server is left alone after it let a deadline pass.
const SILENCE: Duration = Duration::from_millis(500);
/// How long it is left alone when a new connection leads to a server that is not the one to talk to.
const PAUSE: Duration = Duration::from_millis(100);

/// Something that runs Redis commands: a server, or a model of one in a test.
#[async_trait(?Send)]
pub trait Redis {
    /// Runs one command; nested replies come flattened.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure>;

    /// Makes the next call connect anew: the server behind this connection is not the one to talk to.
    fn leave(&self) {}
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

/// A connection and when it was made.
type Opened = Rc<(Connection, Instant)>;

thread_local! {
    static CONNECTIONS: RefCell<BTreeMap<String, Opened>> = const { RefCell::new(BTreeMap::new()) };
}

impl Server {
    /// The server at `address` (`redis://user:password@host:port`); nothing is connected yet.
    #[must_use]
    pub const fn new(address: String) -> Self {
        Self { address, silent_until: Cell::new(None) }
    }

    fn opened(&self) -> Option<Opened> {
        CONNECTIONS.with_borrow(|open| open.get(&self.address).cloned())
    }

    async fn connection(&self) -> Result<Opened, Failure> {
        if let Some(connection) = self.opened() {
            return Ok(connection);
        }
        let connection = Connection::open(&self.address).await.map_err(|error| Failure::of_opening(&error))?;
        let connection = Rc::new((connection, Instant::now()));
        CONNECTIONS.with_borrow_mut(|open| open.insert(self.address.clone(), connection.clone()));
        Ok(connection)
    }

    /// Forgets the connection that a call was made on, unless another call has put a new one in its place already.
    fn forget(&self, used: Option<Opened>) {
        let Some(used) = used else { return };
        if self.opened().is_some_and(|now| Rc::ptr_eq(&now, &used)) {
            CONNECTIONS.with_borrow_mut(|open| open.remove(&self.address));
            // The address leads there still: requests do not open one connection after the other meanwhile.
            if used.1.elapsed() < PAUSE {
                self.be_silent(PAUSE);
            }
        }
    }

    fn be_silent(&self, pause: Duration) {
        self.silent_until.set(Some(Instant::now() + pause));
    }
}

#[async_trait(?Send)]
impl Redis for Server {
    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        if self.silent_until.get().is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Lost("it is left alone for a moment".into()));
        }
        let before = self.opened();
        let work = async {
            let connection = self.connection().await?;
            let answer = connection.0.execute(command, arguments).await.map_err(Failure::of_call);
            if matches!(answer, Err(Failure::Lost(_))) {
                self.forget(Some(connection));
            }
            answer
        };
        match within(DEADLINE, work).await {
            Some(answer) => answer,
            None => {
                // Or the one that was made meanwhile.
                self.forget(before.or_else(|| self.opened()));
                self.be_silent(SILENCE);
                Err(Failure::Lost(format!("no answer within {DEADLINE:?}")))
            }
        }
    }

    fn leave(&self) {
        self.forget(self.opened());
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
