//! A Redis server with nothing behind it: packets loaded straight into the race by the same scripts.
//!
//! For the two baselines, the plain service and the scripts alone. The packets have no escrow and their journal has no
//! reader: nothing of it is money.

use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_core::packet::{Facts, Recipient};
use hongbao_core::split::Kind;
use hongbao_core::{Fen, GroupId, PacketId, UserId};
use hongbao_spin::redis::{Argument, Reply};
use hongbao_spin::shard::{FACT_FIELDS, decode_facts, encode_facts};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Script, Value, cmd, pipe};

use crate::people::{GROUP, People};

/// The epoch of the race: any will do, where there is no ledger to compare with.
pub(crate) const EPOCH: u32 = 1;
/// How many commands go out at once.
const PIPELINE: usize = 128;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long the packets live, in milliseconds.
const LIFETIME_MS: i64 = 24 * 3600 * 1000;

/// The names of the shard's keys.
pub(crate) mod keys {
    use hongbao_core::PacketId;

    pub(crate) const EVENTS: &str = "hb:{0}:events";
    pub(crate) const BELL: &str = "hb:{0}:bell";
    pub(crate) const EPOCH: &str = "hb:{0}:epoch";

    pub(crate) fn packet(id: PacketId) -> String {
        format!("hb:{{0}}:p:{id}")
    }
}

/// The race's scripts.
pub(crate) struct Scripts {
    pub(crate) load: Script,
    pub(crate) grab: Script,
    pub(crate) open: Script,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self {
            load: Script::new(include_str!("../../../shared/spin/lua/load.lua")),
            grab: Script::new(include_str!("../../../shared/spin/lua/grab.lua")),
            open: Script::new(include_str!("../../../shared/spin/lua/open.lua")),
        }
    }
}

/// A connection that waits as long as it takes: the client's own limit of half a second is for services.
pub(crate) async fn connect(url: impl AsRef<str>) -> Result<MultiplexedConnection> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(Some(CONNECT_LIMIT));
    let client = Client::open(url.as_ref())?;
    client.get_multiplexed_async_connection_with_config(&patient).await.context("no connection to Redis")
}

/// A connection to such a server.
pub(crate) struct Race {
    redis: MultiplexedConnection,
    scripts: Scripts,
    random: fastrand::Rng,
}

impl Race {
    /// Connects and makes the server belong to the epoch.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let mut redis = connect(url).await?;
        let scripts = Scripts::new();
        for script in [&scripts.load, &scripts.grab, &scripts.open] {
            script.prepare_invoke().load_async(&mut redis).await?;
        }
        cmd("SET").arg(keys::EPOCH).arg(EPOCH).exec_async(&mut redis).await?;
        Ok(Self { redis, scripts, random: fastrand::Rng::with_seed(7) })
    }

    /// Loads `packets` packets of `shares` shares.
    pub(crate) async fn load(&mut self, packets: u32, shares: u32) -> Result<Vec<PacketId>> {
        let now_ms = crate::now_ms();
        let random = &mut self.random;
        let facts = (0..packets).map(|_| facts(random, now_ms, shares)).collect::<Option<Vec<_>>>();
        let facts = facts.context("an id, a name or an amount of the bench is malformed")?;
        for some in facts.chunks(PIPELINE) {
            let mut batch = pipe();
            some.iter().for_each(|facts| _ = batch.add_command(self.load_command(facts)));
            batch.exec_async(&mut self.redis).await?;
        }
        self.forget_journal().await?;
        Ok(facts.iter().map(|facts| facts.id).collect())
    }

    fn load_command(&self, facts: &Facts) -> Cmd {
        let mut call = script(&self.scripts.load, &[&keys::packet(facts.id), keys::EVENTS, keys::EPOCH]);
        call.arg(EPOCH).arg(facts.id.to_string());
        add(&mut call, facts);
        call
    }

    /// Nobody settles this journal; it must not fill the memory either.
    pub(crate) async fn forget_journal(&mut self) -> Result<()> {
        Ok(cmd("DEL").arg(keys::EVENTS).exec_async(&mut self.redis).await?)
    }

    /// Grabs these shares (packet, person) in pipelines; answers each share's number.
    pub(crate) async fn grab(&mut self, shares: &[(PacketId, u32)], people: &People) -> Result<Vec<i64>> {
        let calls = shares.iter().map(|(id, person)| {
            let mut call = script(&self.scripts.grab, &[&keys::packet(*id), keys::EPOCH]);
            call.arg(EPOCH).arg(people.user(*person));
            call
        });
        numbers(&pipelined(&mut self.redis, calls.collect()).await?)
    }

    /// Opens these shares (packet, person, number) in pipelines.
    pub(crate) async fn open(&mut self, shares: &[(PacketId, u32, i64)], people: &People) -> Result<()> {
        let calls = shares.iter().map(|(id, person, seq)| {
            let packet = keys::packet(*id);
            let mut call = script(&self.scripts.open, &[&packet, keys::EVENTS, keys::BELL, keys::EPOCH]);
            call.arg(EPOCH).arg(id.to_string()).arg(people.user(*person)).arg(*seq).arg(EPOCH);
            call
        });
        numbers(&pipelined(&mut self.redis, calls.collect()).await?).map(drop)
    }

    /// A packet's facts, as any service reads them.
    pub(crate) async fn facts(redis: &mut MultiplexedConnection, id: PacketId) -> Result<Option<Facts>> {
        let values: Vec<Value> = cmd("HMGET").arg(keys::packet(id)).arg(&FACT_FIELDS).query_async(redis).await?;
        let replies = values.into_iter().map(|value| match value {
            Value::BulkString(bytes) => Reply::Binary(bytes),
            Value::Int(number) => Reply::Int64(number),
            _ => Reply::Nil,
        });
        Ok(decode_facts(id, &replies.collect::<Vec<_>>()))
    }
}

fn facts(random: &mut fastrand::Rng, now_ms: i64, shares: u32) -> Option<Facts> {
    Some(Facts {
        id: PacketId::new(u64::try_from(now_ms).ok()?, 0, random.u64(..)),
        sender: UserId::parse("us_sender")?,
        kind: Kind::Lucky,
        total: Fen::new(i64::from(shares) * crate::packets::FEN_A_SHARE)?,
        count: shares,
        to: Recipient::Group(GroupId::parse(GROUP)?),
        password_mac: None,
        seed: std::array::from_fn(|_| random.u8(..)),
        starts_at_ms: now_ms,
        expires_at_ms: now_ms + LIFETIME_MS,
    })
}

fn script(script: &Script, keys: &[&str]) -> Cmd {
    let mut call = cmd("EVALSHA");
    call.arg(script.get_hash()).arg(keys.len()).arg(keys);
    call
}

/// Sends the commands in pipelines, the next one while the last one is answered.
async fn pipelined(redis: &mut MultiplexedConnection, calls: Vec<Cmd>) -> Result<Vec<Value>> {
    use futures::stream::{self, StreamExt, TryStreamExt};
    let batches = calls.chunks(PIPELINE).map(|some| {
        let mut batch = pipe();
        some.iter().for_each(|call| _ = batch.add_command(call.clone()));
        let mut redis = redis.clone();
        async move { batch.query_async::<Vec<Value>>(&mut redis).await }
    });
    let batches: Vec<_> = batches.collect();
    let replies: Vec<Vec<Value>> = stream::iter(batches).buffered(2).try_collect().await?;
    Ok(replies.into_iter().flatten().collect())
}

/// The first number of each reply, all of which have to be `ok`.
fn numbers(replies: &[Value]) -> Result<Vec<i64>> {
    let number = |reply: &Value| match reply {
        Value::Array(parts) => match parts.as_slice() {
            [Value::BulkString(code), Value::Int(number), ..] if code == b"ok" => Some(*number),
            _ => None,
        },
        _ => None,
    };
    let numbers = replies.iter().map(|reply| number(reply).with_context(|| format!("a script answered {reply:?}")));
    numbers.collect()
}

/// Puts packets of ten shares into a shard that nobody ever asks for: they only take room. They are in no ledger and
/// in no journal.
pub(crate) async fn ballast(url: &str, packets: u64, epoch: u32) -> Result<()> {
    const AT_ONCE: u64 = 2_000;
    let mut redis = connect(url).await?;
    let (mut random, now_ms) = (fastrand::Rng::new(), crate::now_ms());
    let mut left = packets;
    while left > 0 {
        let mut batch = pipe();
        for _ in 0..left.min(AT_ONCE) {
            let facts = facts(&mut random, now_ms, 10).context("an id or a name of the bench is malformed")?;
            let mut call = cmd("HSET");
            call.arg(keys::packet(facts.id)).arg("e").arg(epoch).arg("g").arg(0).arg("o").arg(0);
            add(&mut call, &facts);
            batch.add_command(call).ignore();
        }
        batch.exec_async(&mut redis).await?;
        left -= left.min(AT_ONCE);
    }
    Ok(())
}

fn add(call: &mut Cmd, facts: &Facts) {
    for argument in encode_facts(facts) {
        match argument {
            Argument::Int64(number) => call.arg(number),
            Argument::Binary(bytes) => call.arg(bytes),
        };
    }
}
