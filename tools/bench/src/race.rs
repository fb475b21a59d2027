//! A Redis server with nothing behind it: packets loaded straight into the race by the same scripts.
//!
//! For the two baselines, the plain service and the scripts alone. The packets have no escrow and their journal has no
//! reader: nothing of it is money.

use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_core::admit::Rates;
use hongbao_core::guess::Guess;
use hongbao_core::packet::{Facts, Recipient};
use hongbao_core::risk::{Action, Rules};
use hongbao_core::split::Kind;
use hongbao_core::{Fen, GroupId, PacketId, UserId};
use hongbao_spin::redis::{Argument, Reply};
use hongbao_spin::shard::{Door, FACT_FIELDS, GRAB, LOAD, OPEN, Visit, decode_facts, encode_facts};
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
    pub(crate) const HELD: &str = "hb:{0}:held";
    pub(crate) const ORIGIN: &str = "hb:{0}:origin";

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
        Self { load: Script::new(LOAD.text().0), grab: Script::new(GRAB.text().0), open: Script::new(OPEN.text().0) }
    }
}

impl Scripts {
    /// Makes the server know them.
    pub(crate) async fn install(&self, redis: &mut MultiplexedConnection) -> Result<()> {
        for script in [&self.load, &self.grab, &self.open] {
            script.prepare_invoke().load_async(redis).await?;
        }
        Ok(())
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
    policy: Policy,
    random: fastrand::Rng,
}

/// By what rules people are let in: the usual ones, but for how many everybody together may be.
pub(crate) struct Policy {
    rates: Rates,
    rules: Rules,
}

impl Policy {
    pub(crate) fn new() -> Self {
        Self { rates: Rates { grab: NO_LIMIT, grab_user: NO_LIMIT, ..Rates::default() }, rules: Rules::default() }
    }

    /// The call of `grab` for this person.
    pub(crate) fn grab(&self, script: &Script, id: PacketId, user: &UserId) -> Cmd {
        let visit = Visit {
            door: Door::Grab,
            user,
            device: None,
            rates: &self.rates,
            rules: &self.rules,
            new_account: Action::Off,
            starts_at_ms: 1, // Long open; at 0 a rule would be left out.
            guess: Guess::NotAsked,
        };
        let mut keys = vec![keys::packet(id), keys::EPOCH.to_owned()];
        keys.extend(visit.keys(0));
        let mut call = command(script, &keys.iter().map(String::as_str).collect::<Vec<_>>());
        call.arg(EPOCH);
        append(&mut call, visit.arguments(id));
        call
    }
}

/// More than any machine does in a second.
pub(crate) const NO_LIMIT: u32 = 1_000_000;

impl Race {
    /// Connects and makes the server belong to the epoch.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let mut redis = connect(url).await?;
        let scripts = Scripts::new();
        scripts.install(&mut redis).await?;
        cmd("SET").arg(keys::EPOCH).arg(EPOCH).exec_async(&mut redis).await?;
        Ok(Self { redis, scripts, policy: Policy::new(), random: fastrand::Rng::with_seed(7) })
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
        let mut call = command(&self.scripts.load, &[&keys::packet(facts.id), keys::EVENTS, keys::EPOCH, keys::HELD]);
        call.arg(EPOCH).arg(facts.id.to_string());
        append(&mut call, encode_facts(facts));
        call
    }

    /// Nobody settles this journal; it must not fill the memory either.
    pub(crate) async fn forget_journal(&mut self) -> Result<()> {
        Ok(cmd("DEL").arg(keys::EVENTS).exec_async(&mut self.redis).await?)
    }

    /// Grabs these shares (packet, person) in pipelines; answers each share's number.
    pub(crate) async fn grab(&mut self, shares: &[(PacketId, u32)], people: &People) -> Result<Vec<i64>> {
        let calls = shares.iter().map(|(id, person)| self.policy.grab(&self.scripts.grab, *id, people.user(*person)));
        numbers(&pipelined(&mut self.redis, calls.collect()).await?)
    }

    /// Opens these shares (packet, person, number) in pipelines.
    pub(crate) async fn open(&mut self, shares: &[(PacketId, u32, i64)], people: &People) -> Result<()> {
        let calls = shares.iter().map(|(id, person, seq)| {
            let packet = keys::packet(*id);
            let keys = [packet.as_str(), keys::EVENTS, keys::BELL, keys::EPOCH, keys::ORIGIN];
            let mut call = command(&self.scripts.open, &keys);
            call.arg(EPOCH).arg(id.to_string()).arg(people.user(*person).as_str()).arg(*seq).arg(EPOCH);
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
        starts_at_ms: 0,
        expires_at_ms: now_ms + LIFETIME_MS,
    })
}

/// The call of a script with these keys; its arguments follow.
pub(crate) fn command(script: &Script, keys: &[&str]) -> Cmd {
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
            append(&mut call, encode_facts(&facts));
            batch.add_command(call).ignore();
        }
        batch.exec_async(&mut redis).await?;
        left -= left.min(AT_ONCE);
    }
    Ok(())
}

fn append(call: &mut Cmd, arguments: impl IntoIterator<Item = Argument>) {
    for argument in arguments {
        match argument {
            Argument::Int64(number) => call.arg(number),
            Argument::Binary(bytes) => call.arg(bytes),
        };
    }
}
