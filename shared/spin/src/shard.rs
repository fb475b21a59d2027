//! One shard of Redis: the race's scripts under typed names, and its journal.

use std::cell::{Cell, RefCell};

use hongbao_core::packet::Facts;
use hongbao_core::voucher::Voucher;
use hongbao_core::{Error, PacketId};

use self::codec::{code, count, integer};
use crate::redis::{Argument, Failure, Redis, Reply, Script, binary};

mod admit;
mod codec;
pub(crate) mod journal;
mod look;
mod operator;
mod recovery;
mod retention;

pub use admit::{Door, Visit};
pub use codec::{FACT_FIELDS, decode_facts, encode_facts};
pub use look::{Live, Onlooker, Sight};
pub use operator::Backlog;
pub use recovery::{Identity, Place, place_of};
pub use retention::Holding;

/// Loads a packet.
pub static LOAD: Script = Script::new(&[include_str!("../lua/load.lua")]);
/// Lets a person in and binds a share.
pub static GRAB: Script = Script::new(&[include_str!("../lua/admit.lua"), include_str!("../lua/grab.lua")]);
/// Opens a share.
pub static OPEN: Script = Script::new(&[include_str!("../lua/clock.lua"), include_str!("../lua/open.lua")]);
static CLOSE: Script = Script::new(&[include_str!("../lua/close.lua")]);

/// One shard: its number, its server and its key names.
pub struct Shard {
    /// The shard's number, as packet ids carry it.
    pub number: u16,
    redis: Box<dyn Redis>,
    events: String,
    tries: String,
    bell: String,
    epoch: String,
    held: String,
    /// Where the next take-over goes on among the pending entries.
    taken_to: RefCell<String>,
    /// Holds the run id of the process under which the epoch began and that has served all of it.
    origin: String,
    trusted: RefCell<Option<Trust>>,
    health: Cell<admit::Health>,
}

/// What an instance knows of the server that it compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The epoch of its contents.
    pub epoch: u32,
    /// The server process: its run id.
    pub run_id: String,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream: `<ms>-<number>`.
    pub id: String,
    /// The event's text.
    pub text: String,
    /// How often settling it alone failed by an error of its own; 0 when something held it up. None before it stood alone.
    pub tries: Option<i64>,
}

/// What a call on a packet came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was done, now or before.
    Done(T),
    /// The shard does not hold the packet.
    Missing,
}

impl Shard {
    /// The shard `number` on `redis`.
    #[must_use]
    pub fn new(number: u16, redis: Box<dyn Redis>) -> Self {
        let key = |name: &str| format!("hb:{{{number}}}:{name}");
        Self {
            number,
            redis,
            events: key("events"),
            tries: key("tries"),
            bell: key("bell"),
            epoch: key("epoch"),
            held: key("held"),
            origin: key("origin"),
            taken_to: RefCell::new(journal::START.to_owned()),
            trusted: RefCell::default(),
            health: Cell::default(),
        }
    }

    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        let answer = self.redis.call(command, arguments).await;
        self.doubt_if_lost(answer)
    }

    async fn run(&self, script: &Script, keys: &[&str], arguments: &[Argument]) -> Result<Vec<Reply>, Failure> {
        let answer = script.run(&*self.redis, keys, arguments).await;
        self.doubt_if_lost(answer)
    }

    /// A lost connection may come back to another server, or to the same with other contents: compare again.
    fn doubt_if_lost(&self, answer: Result<Vec<Reply>, Failure>) -> Result<Vec<Reply>, Failure> {
        if matches!(answer, Err(Failure::Lost(_))) {
            self.doubt();
        }
        answer
    }

    fn packet_key(&self, id: PacketId) -> String {
        format!("{}{id}", self.packet_keys())
    }

    /// What the key of every packet begins with.
    fn packet_keys(&self) -> String {
        format!("hb:{{{}}}:p:", self.number)
    }

    /// What this instance trusts the shard as; `None` before [`trust`](Self::trust) and after a script found another
    /// epoch.
    #[must_use]
    pub fn trusted(&self) -> Option<Trust> {
        self.trusted.borrow().clone()
    }

    /// The epoch under which this instance trusts the shard.
    #[must_use]
    pub fn trusted_epoch(&self) -> Option<u32> {
        self.trusted.borrow().as_ref().map(|trust| trust.epoch)
    }

    /// Makes this instance trust the shard under `epoch`, as the server process `run_id` holds it.
    pub fn trust(&self, epoch: u32, run_id: &str) {
        self.trusted.replace(Some(Trust { epoch, run_id: run_id.to_owned() }));
    }

    /// Makes the next use of the shard compare it again.
    pub fn doubt(&self) {
        self.trusted.replace(None);
    }

    /// The epoch that scripts compare. Without trust it is one that no shard has; not 0, which is the fence's.
    fn expected_epoch(&self) -> Argument {
        Argument::Int64(self.trusted_epoch().map_or(-1, i64::from))
    }

    /// Loads a packet into the race; `false` when the shard has it already, which changes nothing.
    pub async fn load(&self, facts: &Facts) -> Result<bool, Error> {
        let mut arguments = vec![self.expected_epoch(), binary(facts.id.to_string())];
        arguments.extend(encode_facts(facts));
        let keys = [self.packet_key(facts.id), self.events.clone(), self.epoch.clone(), self.held.clone()];
        let reply = self.run(&LOAD, &keys.each_ref().map(String::as_str), &arguments).await?;
        match code(&reply)? {
            "ok" => Ok(true),
            "again" => Ok(false),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Lets a visitor in and binds the next share of a packet to them, or answers the share they have: its number and
    /// epoch.
    ///
    /// # Errors
    /// [`Error::NotStarted`], [`Error::SoldOut`], [`Error::Expired`], [`Error::WrongPassword`], [`Error::RateLimited`],
    /// [`Error::RiskDenied`].
    pub async fn grab(&self, id: PacketId, visit: &Visit<'_>) -> Result<Outcome<(u32, u32)>, Error> {
        let (packet, visited) = (self.packet_key(id), visit.keys(self.number));
        let keys: Vec<&str> = [&packet, &self.epoch].into_iter().chain(&visited).map(String::as_str).collect();
        let mut arguments = vec![self.expected_epoch()];
        arguments.extend(visit.arguments(id));
        let reply = self.run(&GRAB, &keys, &arguments).await?;
        match code(&reply)? {
            "ok" => Ok(Outcome::Done((count(&reply, 1)?, count(&reply, 2)?))),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Opens the voucher's share: when it was opened first, Unix milliseconds, and whether the doorbell rang.
    ///
    /// # Errors
    /// [`Error::NotGrabbed`], [`Error::Expired`], [`Error::Contested`].
    pub async fn open(&self, voucher: &Voucher) -> Result<Outcome<(i64, bool)>, Error> {
        let arguments = [
            self.expected_epoch(),
            binary(voucher.packet.to_string()),
            binary(voucher.user.as_str()),
            Argument::Int64(voucher.seq.into()),
            Argument::Int64(voucher.epoch.into()),
        ];
        let packet = self.packet_key(voucher.packet);
        let keys = [&packet, &self.events, &self.bell, &self.epoch, &self.origin].map(String::as_str);
        let reply = self.run(&OPEN, &keys, &arguments).await?;
        match code(&reply)? {
            "ok" => Ok(Outcome::Done((integer(&reply, 1)?, reply.len() > 2))),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Closes a packet whose time is over by the server's clock; `false` when it is not over yet.
    pub async fn close(&self, id: PacketId) -> Result<Outcome<bool>, Error> {
        let arguments = [self.expected_epoch(), binary(id.to_string())];
        let packet = self.packet_key(id);
        let keys = [&packet, &self.events, &self.bell, &self.epoch].map(String::as_str);
        let reply = self.run(&CLOSE, &keys, &arguments).await?;
        match code(&reply)? {
            "ok" | "again" => Ok(Outcome::Done(true)),
            "not_over" => Ok(Outcome::Done(false)),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    fn refusal(&self, code: &str, reply: &[Reply]) -> Error {
        match code {
            "not_started" => Error::NotStarted { retry_after_ms: integer(reply, 1).unwrap_or(1_000) },
            "sold_out" => Error::SoldOut,
            "expired" => Error::Expired,
            "not_grabbed" => Error::NotGrabbed,
            "contested" => Error::Contested,
            "limited" => Error::RateLimited { retry_after_ms: integer(reply, 1).unwrap_or(1_000) },
            "denied" => Error::RiskDenied,
            "wrong_password" => Error::WrongPassword,
            "fenced" | "lost" => {
                self.doubt();
                Error::Unavailable(format!("shard {} is {code}: its epoch is another one", self.number))
            }
            other => Error::Internal(format!("a script answered {other:?}")),
        }
    }

    /// A packet's facts; `None` when the shard does not hold it.
    pub async fn facts(&self, id: PacketId) -> Result<Option<Facts>, Error> {
        let mut arguments = vec![binary(self.packet_key(id))];
        arguments.extend(FACT_FIELDS.map(binary));
        Ok(decode_facts(id, &self.call("HMGET", arguments).await?))
    }
}
