//! One shard of Redis: the race's scripts under typed names, and its journal.

use std::cell::Cell;
use std::collections::BTreeMap;

use hongbao_core::packet::{Facts, Recipient};
use hongbao_core::race::Claim;
use hongbao_core::split::Kind;
use hongbao_core::voucher::Voucher;
use hongbao_core::{Error, Fen, PacketId, UserId};

use crate::redis::{Argument, Failure, Redis, Reply, Script, binary, number, text};

static LOAD: Script = Script::new(include_str!("../lua/load.lua"));
static GRAB: Script = Script::new(include_str!("../lua/grab.lua"));
static OPEN: Script = Script::new(include_str!("../lua/open.lua"));
static CLOSE: Script = Script::new(include_str!("../lua/close.lua"));

/// The consumer group that settles the journal.
const GROUP: &str = "settlement";

/// One shard: its number, its server and its key names.
pub struct Shard {
    /// The shard's number, as packet ids carry it.
    pub number: u16,
    redis: Box<dyn Redis>,
    events: String,
    bell: String,
    epoch: String,
    trusted: Cell<Option<u32>>,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream: `<ms>-<number>`.
    pub id: String,
    /// The event's text.
    pub text: String,
}

/// The live state of a packet.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// How many shares were grabbed.
    pub grabbed: u32,
    /// How many shares were opened.
    pub opened: u32,
    /// Whether it was closed.
    pub is_closed: bool,
    /// Who has which share.
    pub claims: BTreeMap<UserId, Claim>,
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
        Self { number, redis, events: key("events"), bell: key("bell"), epoch: key("epoch"), trusted: Cell::new(None) }
    }

    fn packet_key(&self, id: PacketId) -> String {
        format!("hb:{{{}}}:p:{id}", self.number)
    }

    /// The epoch under which this instance trusts the shard; `None` before [`trust`](Self::trust) and after a
    /// script found another one.
    #[must_use]
    pub fn trusted(&self) -> Option<u32> {
        self.trusted.get()
    }

    /// Makes this instance trust the shard under `epoch`.
    pub fn trust(&self, epoch: u32) {
        self.trusted.set(Some(epoch));
    }

    fn expected_epoch(&self) -> Argument {
        Argument::Int64(self.trusted.get().unwrap_or_default().into())
    }

    /// The epoch the server says its contents belong to; `None` for an empty server.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer; so do all methods.
    pub async fn epoch(&self) -> Result<Option<u32>, Error> {
        let reply = self.redis.call("GET", vec![binary(&self.epoch)]).await?;
        Ok(reply.first().and_then(number).and_then(|epoch| u32::try_from(epoch).ok()))
    }

    /// Makes an empty server belong to `epoch`, and gives it the consumer group.
    pub async fn adopt(&self, epoch: u32) -> Result<(), Error> {
        self.make_group().await?;
        self.redis.call("SET", vec![binary(&self.epoch), Argument::Int64(epoch.into()), binary("NX")]).await?;
        Ok(())
    }

    /// Loads a packet into the race; doing it again changes nothing.
    pub async fn load(&self, facts: &Facts) -> Result<(), Error> {
        let mut arguments = vec![self.expected_epoch(), binary(facts.id.to_string())];
        arguments.extend(encode_facts(facts));
        let keys = [self.packet_key(facts.id), self.events.clone(), self.epoch.clone()];
        let reply = LOAD.run(&*self.redis, &keys.each_ref().map(String::as_str), &arguments).await?;
        match code(&reply)? {
            "ok" | "again" => Ok(()),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Binds the next share of a packet to `user`, or answers the share the user has: its number and epoch.
    ///
    /// # Errors
    /// [`Error::NotStarted`], [`Error::SoldOut`], [`Error::Expired`].
    pub async fn grab(&self, id: PacketId, user: &UserId) -> Result<Outcome<(u32, u32)>, Error> {
        let arguments = [self.expected_epoch(), binary(user.as_str())];
        let reply = GRAB.run(&*self.redis, &[&self.packet_key(id), &self.epoch], &arguments).await?;
        match code(&reply)? {
            "ok" => Ok(Outcome::Done((count(&reply, 1)?, count(&reply, 2)?))),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Opens the voucher's share: when it was opened first, Unix milliseconds.
    ///
    /// # Errors
    /// [`Error::NotGrabbed`], [`Error::Expired`].
    pub async fn open(&self, voucher: &Voucher) -> Result<Outcome<i64>, Error> {
        let arguments = [
            self.expected_epoch(),
            binary(voucher.packet.to_string()),
            binary(voucher.user.as_str()),
            Argument::Int64(voucher.seq.into()),
        ];
        let reply = OPEN.run(&*self.redis, &self.keys(&self.packet_key(voucher.packet)), &arguments).await?;
        match code(&reply)? {
            "ok" => Ok(Outcome::Done(integer(&reply, 1)?)),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Closes a packet whose time is over by the server's clock; `false` when it is not over yet.
    pub async fn close(&self, id: PacketId) -> Result<Outcome<bool>, Error> {
        let arguments = [self.expected_epoch(), binary(id.to_string())];
        let reply = CLOSE.run(&*self.redis, &self.keys(&self.packet_key(id)), &arguments).await?;
        match code(&reply)? {
            "ok" | "again" => Ok(Outcome::Done(true)),
            "not_over" => Ok(Outcome::Done(false)),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    fn keys<'a>(&'a self, packet: &'a str) -> [&'a str; 4] {
        [packet, &self.events, &self.bell, &self.epoch]
    }

    fn refusal(&self, code: &str, reply: &[Reply]) -> Error {
        match code {
            "not_started" => Error::NotStarted { retry_after_ms: integer(reply, 1).unwrap_or(1_000) },
            "sold_out" => Error::SoldOut,
            "expired" => Error::Expired,
            "not_grabbed" => Error::NotGrabbed,
            "fenced" => {
                self.trusted.set(None);
                Error::Unavailable(format!("shard {} is fenced: its epoch is another one", self.number))
            }
            other => Error::Internal(format!("a script answered {other:?}")),
        }
    }

    /// A packet's facts; `None` when the shard does not hold it.
    pub async fn facts(&self, id: PacketId) -> Result<Option<Facts>, Error> {
        let mut arguments = vec![binary(self.packet_key(id))];
        arguments.extend(FACT_FIELDS.map(binary));
        Ok(decode_facts(id, &self.redis.call("HMGET", arguments).await?))
    }

    /// A packet's live state; `None` when the shard does not hold it.
    pub async fn live(&self, id: PacketId) -> Result<Option<Live>, Error> {
        let reply = self.redis.call("HGETALL", vec![binary(self.packet_key(id))]).await?;
        if reply.is_empty() {
            return Ok(None);
        }
        let mut live = Live::default();
        for pair in reply.chunks_exact(2) {
            let (Some(field), Some(value)) = (text(&pair[0]), text(&pair[1])) else { continue };
            match field {
                "g" => live.grabbed = value.parse().unwrap_or_default(),
                "o" => live.opened = value.parse().unwrap_or_default(),
                "c" => live.is_closed = true,
                user => live.claims.extend(UserId::parse(user).zip(decode_claim(value))),
            }
        }
        Ok(Some(live))
    }

    /// When the oldest entry that is not settled was written, or else the server's time: Unix milliseconds.
    pub async fn settled_through_ms(&self) -> Result<i64, Error> {
        // The clock first: an entry written in between only makes the answer more careful.
        let time = self.redis.call("TIME", vec![]).await?;
        let now_ms = integer(&time, 0)?.saturating_mul(1000).saturating_add(integer(&time, 1)? / 1000);
        let oldest = ["-", "+", "COUNT", "1"].map(binary);
        let reply = self.redis.call("XRANGE", [vec![binary(&self.events)], oldest.to_vec()].concat()).await?;
        let written = reply.first().and_then(text).and_then(|id| id.split_once('-')?.0.parse().ok());
        Ok(written.unwrap_or(now_ms))
    }

    /// Silences the doorbell until the next event: whoever answers it does this before reading.
    pub async fn answer_bell(&self) -> Result<(), Error> {
        Ok(self.redis.call("DEL", vec![binary(&self.bell)]).await.map(drop)?)
    }

    /// Up to `count` entries that nobody has read yet; they stay `consumer`'s until acknowledged.
    pub async fn read(&self, consumer: &str, count: i64) -> Result<Vec<Entry>, Error> {
        let words = ["GROUP", GROUP, consumer, "COUNT"].map(binary).to_vec();
        let rest = vec![Argument::Int64(count), binary("STREAMS"), binary(&self.events), binary(">")];
        let arguments = [words, rest].concat();
        let reply = match self.redis.call("XREADGROUP", arguments.clone()).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => {
                self.make_group().await?;
                self.redis.call("XREADGROUP", arguments).await?
            }
            answer => answer?,
        };
        // The stream's name, then id, field, value of each entry. Nothing to read is nil.
        Ok(entries(reply.get(1..).unwrap_or_default()))
    }

    /// Up to `count` entries that were read at least `idle_ms` ago and never acknowledged.
    pub async fn take_over(&self, consumer: &str, idle_ms: i64, count: i64) -> Result<Vec<Entry>, Error> {
        let words = [self.events.as_str(), GROUP, consumer].map(binary).to_vec();
        let rest = vec![Argument::Int64(idle_ms), binary("0"), binary("COUNT"), Argument::Int64(count)];
        match self.redis.call("XAUTOCLAIM", [words, rest].concat()).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => Ok(Vec::new()),
            // The next cursor, then id, field, value of each entry, then ids of entries deleted meanwhile.
            answer => Ok(entries(answer?.get(1..).unwrap_or_default())),
        }
    }

    /// Marks entries as settled and frees their memory.
    pub async fn acknowledge(&self, entries: &[Entry]) -> Result<(), Error> {
        let ids = || entries.iter().map(|entry| binary(&entry.id));
        let acknowledge = [vec![binary(&self.events), binary(GROUP)], ids().collect()].concat();
        self.redis.call("XACK", acknowledge).await?;
        self.redis.call("XDEL", [vec![binary(&self.events)], ids().collect()].concat()).await?;
        Ok(())
    }

    async fn make_group(&self) -> Result<(), Error> {
        let words = ["CREATE", &self.events, GROUP, "0", "MKSTREAM"].map(binary);
        match self.redis.call("XGROUP", words.to_vec()).await {
            Err(Failure::Refused(text)) if text.contains("BUSYGROUP") => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }
}

/// Entries of one field each, as the flattened reply has them: id, field, value.
fn entries(reply: &[Reply]) -> Vec<Entry> {
    let entry = |triple: &[Reply]| {
        let [id, field, value] = triple else { return None };
        text(field).filter(|name| *name == "e")?;
        Some(Entry { id: text(id)?.to_owned(), text: text(value)?.to_owned() })
    };
    reply.chunks(3).map_while(entry).collect()
}

fn code(reply: &[Reply]) -> Result<&str, Error> {
    reply.first().and_then(text).ok_or_else(|| Error::Internal(format!("a script answered {reply:?}")))
}

fn integer(reply: &[Reply], place: usize) -> Result<i64, Error> {
    let found = reply.get(place).and_then(number);
    found.ok_or_else(|| Error::Internal(format!("redis answered {reply:?}")))
}

fn count(reply: &[Reply], place: usize) -> Result<u32, Error> {
    u32::try_from(integer(reply, place)?).map_err(|_| Error::Internal(format!("redis answered {reply:?}")))
}

/// The fields of a packet's hash that hold its facts. Short, because every packet has them; a user's claim
/// has the user's id as its field, which cannot be one of them.
const FACT_FIELDS: [&str; 9] = ["k", "t", "n", "to", "by", "seed", "s", "x", "pw"];

fn encode_facts(facts: &Facts) -> Vec<Argument> {
    let number = Argument::Int64;
    let values = [
        binary(facts.kind.as_str()),
        number(facts.total.get()),
        number(facts.count.into()),
        binary(facts.to.as_str()),
        binary(facts.sender.as_str()),
        binary(facts.seed),
        number(facts.starts_at_ms),
        number(facts.expires_at_ms),
    ];
    let password = facts.password_mac.as_ref().map(binary);
    let pairs = FACT_FIELDS.into_iter().zip(values.into_iter().chain(password));
    pairs.flat_map(|(field, value)| [binary(field), value]).collect()
}

fn decode_facts(id: PacketId, reply: &[Reply]) -> Option<Facts> {
    let [kind, total, shares, to, by, seed, starts, expires, password] = reply else { return None };
    let Reply::Binary(seed) = seed else { return None };
    Some(Facts {
        id,
        sender: UserId::parse(text(by)?)?,
        kind: Kind::parse(text(kind)?)?,
        total: Fen::new(number(total)?)?,
        count: u32::try_from(number(shares)?).ok()?,
        to: Recipient::parse(text(to)?)?,
        password_mac: text(password).map(str::to_owned),
        seed: seed.as_slice().try_into().ok()?,
        starts_at_ms: number(starts)?,
        expires_at_ms: number(expires)?,
    })
}

/// A claim's value: its seq, and once opened `seq:opened at ms`.
fn decode_claim(value: &str) -> Option<Claim> {
    let (seq, opened_at) = value.split_once(':').map_or((value, None), |(seq, at)| (seq, Some(at)));
    Some(Claim { seq: seq.parse().ok()?, opened_at_ms: opened_at.map(str::parse).transpose().ok()? })
}
