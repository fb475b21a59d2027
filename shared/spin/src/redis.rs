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
/// How long a server that was asked is believed to be a primary.
const LOOK_EVERY: Duration = Duration::from_millis(1_000);
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
}

/// The server at an address, over one connection that all requests of this instance share.
///
/// Concurrent calls pipeline by themselves. Nothing resets the connection between users, so MULTI, SELECT and
/// blocking commands have no place on it.
///
/// **Invariant:** nobody is served from a replica, which a primary becomes without ending its connections: it refuses
/// writes, and what it answers to reads gets older.
pub struct Server {
    address: String,
    /// Until when nothing is asked of a server that let a deadline pass, so that requests do not queue up for it.
    silent_until: Cell<Option<Instant>>,
}

struct Link {
    connection: Connection,
    opened_at: Instant,
    /// When the server was last asked whether it is a primary.
    looked_at: Cell<Option<Instant>>,
    /// Whether a command was ever answered here.
    has_answered: Cell<bool>,
}

thread_local! {
    static LINKS: RefCell<BTreeMap<String, Rc<Link>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Link {
    async fn open(address: &str) -> Result<Self, Failure> {
        let connection = Connection::open(address).await.map_err(|error| Failure::of_opening(&error))?;
        let (looked_at, has_answered) = (Cell::new(None), Cell::new(false));
        Ok(Self { connection, opened_at: Instant::now(), looked_at, has_answered })
    }

    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        let now = Instant::now();
        if self.looked_at.get().is_none_or(|at| now.duration_since(at) >= LOOK_EVERY) {
            // One request asks, the others go on meanwhile.
            self.looked_at.set(Some(now));
            let info = self.execute("INFO", vec![binary("replication")]).await?;
            let mut lines = info.first().and_then(text).unwrap_or_default().lines();
            if lines.any(|line| line.starts_with("role:") && line.trim_end() != "role:master") {
                return Err(Failure::Lost("the server is a replica".into()));
            }
        }
        let answer = self.execute(command, arguments).await;
        if answer.is_ok() {
            self.has_answered.set(true);
        }
        answer
    }

    async fn execute(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        self.connection.execute(command, arguments).await.map_err(Failure::of_call)
    }
}

impl Server {
    /// The server at `address` (`redis://user:password@host:port`); nothing is connected yet.
    #[must_use]
    pub const fn new(address: String) -> Self {
        Self { address, silent_until: Cell::new(None) }
    }

    fn open_link(&self) -> Option<Rc<Link>> {
        LINKS.with_borrow(|links| links.get(&self.address).cloned())
    }

    async fn link(&self) -> Result<Rc<Link>, Failure> {
        if let Some(link) = self.open_link() {
            return Ok(link);
        }
        let link = Rc::new(Link::open(&self.address).await?);
        LINKS.with_borrow_mut(|links| links.insert(self.address.clone(), link.clone()));
        Ok(link)
    }

    /// Forgets the link that a call was made on; `false` when another call has done so already.
    fn forget(&self, used: &Rc<Link>) -> bool {
        if self.open_link().is_none_or(|now| !Rc::ptr_eq(&now, used)) {
            return false;
        }
        LINKS.with_borrow_mut(|links| links.remove(&self.address));
        // The address leads to a server that answers nobody: requests do not open one connection after the other
        // meanwhile.
        if used.opened_at.elapsed() < PAUSE && !used.has_answered.get() {
            self.be_silent(PAUSE);
        }
        true
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
        let before = self.open_link();
        let work = async {
            let link = self.link().await?;
            let answer = link.call(command, arguments).await;
            if matches!(answer, Err(Failure::Lost(_))) {
                self.forget(&link);
            }
            answer
        };
        match within(DEADLINE, work).await {
            Some(answer) => answer,
            None => {
                // Where there was none before, the one that was made meanwhile. A call on a link that was forgotten
                // since says nothing of the server that is talked to now.
                let used = before.or_else(|| self.open_link());
                if used.is_none_or(|used| self.forget(&used)) {
                    self.be_silent(SILENCE);
                }
                Err(Failure::Lost(format!("no answer within {DEADLINE:?}")))
            }
        }
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
