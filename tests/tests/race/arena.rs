//! A real Redis that plays histories, and the comparison with what the model expects.

use std::collections::BTreeMap;

use hongbao_core::UserId;
use hongbao_core::event::Event;
use hongbao_core::packet::Facts;
use hongbao_core::race::Claim;
use hongbao_stack::{Fsync, Redis, RedisOptions};
use redis::{Client, Cmd, Connection, Pipeline, Value, cmd, from_redis_value, pipe};
use tempfile::TempDir;

use crate::history::{Answer, Call, History, Record, State, Step};
use crate::scripts::Installed;

/// How far apart the server's clock keeps what is one millisecond apart in a history, so that no test is slow
/// enough to cross it.
const STRETCH_MS: i64 = 3_600_000;
/// How many histories share a round trip.
const BATCH: usize = 100;

/// Who says what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The server's `TIME`. A step of the clock moves the packets' start and end instead.
    Server,
    /// The history: for scripts [`by_held_clock`](crate::scripts::Scripts::by_held_clock).
    Held,
}

/// A Redis of our own.
pub struct Arena {
    /// The connection that histories are played on.
    pub connection: Connection,
    redis: Redis,
    _dir: TempDir,
}

impl Arena {
    /// Starts an empty server.
    pub fn start() -> Self {
        let dir = TempDir::new().expect("a scratch folder");
        let options = RedisOptions { fsync: Fsync::No, ..RedisOptions::default() };
        let redis = Redis::start(dir.path(), &options).expect("redis-server starts");
        Self { connection: connect(&redis), redis, _dir: dir }
    }

    /// One more connection.
    pub fn connect(&self) -> Connection {
        connect(&self.redis)
    }

    /// Plays histories, many a round trip.
    ///
    /// # Errors
    /// Occurs when one is not seen as the model expects it: which, and how.
    pub fn play(&mut self, scripts: &Installed, clock: Clock, histories: &[History]) -> Result<(), String> {
        for histories in histories.chunks(BATCH) {
            let () = cmd("FLUSHDB").query(&mut self.connection).expect("an empty server");
            let from_ms = self.now_ms();
            let play = |(number, history)| Play { history, scripts, clock, from_ms, number };
            let plays: Vec<Play<'_>> = histories.iter().enumerate().map(play).collect();
            let mut pipeline = pipe();
            plays.iter().for_each(|play| play.commands(&mut pipeline));
            let replies = pipeline.query::<Vec<Value>>(&mut self.connection).map_err(|error| error.to_string())?;
            let mut replies = replies.into_iter();
            let to_ms = self.now_ms();
            for play in plays {
                let told = |problem: String| format!("{problem}\n{:#?}", play.history.steps);
                let record = play.record(&mut replies).map_err(told)?;
                play.compare(record, to_ms).map_err(told)?;
            }
        }
        Ok(())
    }

    fn now_ms(&mut self) -> i64 {
        let (seconds, micros): (i64, i64) = cmd("TIME").query(&mut self.connection).expect("a clock");
        seconds * 1000 + micros / 1000
    }
}

fn connect(redis: &Redis) -> Connection {
    let client = Client::open(redis.url()).expect("an address");
    client.get_connection().expect("a connection")
}

/// One history on the server, in a key space of its own.
struct Play<'a> {
    history: &'a History,
    scripts: &'a Installed,
    clock: Clock,
    from_ms: i64,
    number: usize,
}

impl Play<'_> {
    fn key(&self, name: &str) -> String {
        format!("hb:{{{}}}:{name}", self.number)
    }

    fn packet_key(&self, packet: usize) -> String {
        self.key(&format!("p:{}", self.history.facts[packet].id))
    }

    fn commands(&self, pipeline: &mut Pipeline) {
        let set_epoch = |epoch: u32| cmd("SET").arg(self.key("epoch")).arg(epoch).take();
        pipeline.add_command(set_epoch(1)).ignore();
        let mut now_ms = self.history.begin_ms;
        self.set_clock(pipeline, now_ms, &[]);
        let mut loaded = Vec::new();
        let mut answers = self.history.expected.answers.iter();
        for step in &self.history.steps {
            match step {
                Step::Call(call, packet, epoch) => {
                    pipeline.add_command(self.call(call, *packet, *epoch, now_ms));
                    if answers.next() == Some(&Answer::Loaded) {
                        loaded.push(*packet);
                    }
                }
                Step::Clock(at_ms) => {
                    now_ms = *at_ms;
                    self.set_clock(pipeline, now_ms, &loaded);
                }
                Step::Epoch(Some(epoch)) => drop(pipeline.add_command(set_epoch(*epoch)).ignore()),
                Step::Epoch(None) => drop(pipeline.cmd("DEL").arg(self.key("epoch")).ignore()),
            }
        }
        for packet in 0..self.history.facts.len() {
            pipeline.cmd("HGETALL").arg(self.packet_key(packet));
        }
        pipeline.cmd("XRANGE").arg(self.key("events")).arg("-").arg("+");
    }

    fn call(&self, call: &Call, packet: usize, epoch: u32, now_ms: i64) -> Cmd {
        let (key, id) = (self.packet_key(packet), self.history.facts[packet].id.to_string());
        let [events, bell, shard_epoch] = ["events", "bell", "epoch"].map(|name| self.key(name));
        let script = |name: &str, keys: &[&str]| self.scripts.call(name, keys).arg(epoch).take();
        match call {
            Call::Load => {
                let mut load = script("load", &[&key, &events, &shard_epoch]);
                load.arg(id);
                for (field, value) in self.fields(&self.history.facts[packet], now_ms) {
                    load.arg(field).arg(value);
                }
                load
            }
            Call::Grab(user) => script("grab", &[&key, &shard_epoch]).arg(user.as_str()).take(),
            Call::Open(user, seq) => {
                script("open", &[&key, &events, &bell, &shard_epoch]).arg(id).arg(user.as_str()).arg(*seq).take()
            }
            Call::Close => script("close", &[&key, &events, &bell, &shard_epoch]).arg(id).take(),
        }
    }

    /// What the server is told of a moment of the history, while the history's clock shows `now_ms`.
    fn told(&self, moment_ms: i64, now_ms: i64) -> i64 {
        match self.clock {
            Clock::Held => moment_ms,
            Clock::Server => self.from_ms + (moment_ms - now_ms) * STRETCH_MS,
        }
    }

    fn set_clock(&self, pipeline: &mut Pipeline, now_ms: i64, loaded: &[usize]) {
        match self.clock {
            Clock::Held => {
                let micros = now_ms % 1000 * 1000 + 999; // The scripts have to round down.
                pipeline.cmd("HSET").arg("clock").arg("s").arg(now_ms / 1000).arg("us").arg(micros).ignore();
            }
            Clock::Server => {
                for &packet in loaded {
                    let facts = &self.history.facts[packet];
                    let (start, end) = (self.told(facts.starts_at_ms, now_ms), self.told(facts.expires_at_ms, now_ms));
                    let key = self.packet_key(packet);
                    pipeline.cmd("HSET").arg(key).arg("s").arg(start).arg("x").arg(end).ignore();
                }
            }
        }
    }

    /// The facts as the platform's code gives them to `load.lua`.
    fn fields(&self, facts: &Facts, now_ms: i64) -> BTreeMap<String, Vec<u8>> {
        let fields = [
            ("k", facts.kind.as_str().into()),
            ("t", facts.total.get().to_string().into()),
            ("n", facts.count.to_string().into()),
            ("to", facts.to.as_str().into()),
            ("by", facts.sender.as_str().into()),
            ("seed", facts.seed.to_vec()),
            ("s", self.told(facts.starts_at_ms, now_ms).to_string().into()),
            ("x", self.told(facts.expires_at_ms, now_ms).to_string().into()),
        ];
        let password = facts.password_mac.iter().map(|mac| ("pw", mac.clone().into_bytes()));
        fields.into_iter().chain(password).map(|(field, value)| (field.to_owned(), value)).collect()
    }

    /// What the server shows of the history.
    fn record(&self, replies: &mut impl Iterator<Item = Value>) -> Result<Record, String> {
        let mut next = || replies.next().ok_or("a reply is missing");
        let mut record = Record::default();
        for step in &self.history.steps {
            let Step::Call(call, ..) = step else { continue };
            record.answers.push(parse_answer(call, next()?)?);
        }
        for facts in &self.history.facts {
            record.packets.push(self.parse_state(facts, next()?)?);
        }
        let entries: Vec<(String, Vec<String>)> = from_redis_value(next()?).map_err(|error| error.to_string())?;
        for (_, fields) in entries {
            let event = match fields.as_slice() {
                [name, text] if name == "e" => Event::parse(text).filter(|event| event.to_string() == *text),
                _ => None,
            };
            record.journal.push(event.ok_or_else(|| format!("the journal has {fields:?}"))?);
        }
        Ok(record)
    }

    fn parse_state(&self, facts: &Facts, reply: Value) -> Result<Option<State>, String> {
        let mut fields: BTreeMap<String, Vec<u8>> = from_redis_value(reply).map_err(|error| error.to_string())?;
        if fields.is_empty() {
            return Ok(None);
        }
        let mut number = |name: &str| text(fields.remove(name)?)?.parse::<u32>().ok();
        let counters = number("e").zip(number("g")).zip(number("o"));
        let is_closed = number("c") == Some(1);
        let ((epoch, grabbed), opened) = counters.ok_or("a counter is missing")?;
        let mut claims = BTreeMap::new();
        let mut rest = self.fields(facts, self.history.begin_ms);
        for (field, value) in fields {
            if let Some(user) = UserId::parse(&field) {
                let claim = text(value).and_then(|claim| parse_claim(&claim));
                claims.insert(user, claim.ok_or_else(|| format!("a claim of {field} that is none"))?);
            } else {
                let fact = rest.remove(&field);
                let moves = self.clock == Clock::Server && matches!(field.as_str(), "s" | "x");
                if fact.is_none() || !moves && fact.as_ref() != Some(&value) {
                    return Err(format!("field {field} is {value:?} instead of {fact:?}"));
                }
            }
        }
        if rest.is_empty() {
            Ok(Some(State { epoch, grabbed, opened, is_closed, claims }))
        } else {
            Err(format!("facts were lost: {rest:?}"))
        }
    }

    fn compare(&self, record: Record, to_ms: i64) -> Result<(), String> {
        let mut expected = self.history.expected.clone();
        let mut record = record;
        if self.clock == Clock::Server {
            self.check_times(&record, to_ms)?;
            (record, expected) = (record.without_times(), expected.without_times());
        }
        for (number, pair) in record.answers.iter().zip(&expected.answers).enumerate() {
            if pair.0 != pair.1 {
                return Err(format!("call {number} answered {:?} instead of {:?}", pair.0, pair.1));
            }
        }
        if record == expected { Ok(()) } else { Err(format!("{record:#?}\ninstead of\n{expected:#?}")) }
    }

    /// By the server's clock times are not known in advance. But every moment lies between the first command
    /// and the last, and a share is opened at one moment, whoever asks and however often.
    fn check_times(&self, record: &Record, to_ms: i64) -> Result<(), String> {
        let mut opened_at = BTreeMap::new();
        for event in &record.journal {
            let at_ms = match event {
                Event::Open { packet, user, opened_at_ms, .. } => {
                    opened_at.insert((*packet, user), *opened_at_ms);
                    *opened_at_ms
                }
                Event::Close { closed_at_ms, .. } => *closed_at_ms,
                Event::Load { .. } => continue,
            };
            if !(self.from_ms..=to_ms).contains(&at_ms) {
                return Err(format!("{event} was never: it was {} to {to_ms}", self.from_ms));
            }
        }
        let calls = self.history.steps.iter().filter_map(|step| match step {
            Step::Call(call, packet, _) => Some((call, self.history.facts[*packet].id)),
            _ => None,
        });
        for ((call, packet), pair) in calls.zip(record.answers.iter().zip(&self.history.expected.answers)) {
            use Answer::{NotOver, NotStarted, OpenedAt};
            let is_right = match (call, pair) {
                (Call::Open(user, _), (OpenedAt(at_ms), _)) => opened_at.get(&(packet, user)) == Some(at_ms),
                (_, (NotOver(wait_ms), NotOver(expected))) | (_, (NotStarted(wait_ms), NotStarted(expected))) => {
                    (0..=to_ms - self.from_ms).contains(&(expected * STRETCH_MS - wait_ms))
                }
                _ => true,
            };
            if !is_right {
                return Err(format!("{call:?} answered the time {:?}", pair.0));
            }
        }
        for (facts, state) in self.history.facts.iter().zip(&record.packets) {
            for (user, claim) in state.iter().flat_map(|state| &state.claims) {
                if claim.opened_at_ms != opened_at.get(&(facts.id, user)).copied() {
                    return Err(format!("{user} holds {claim:?}, the journal says {opened_at:?}"));
                }
            }
        }
        Ok(())
    }
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

fn parse_claim(claim: &str) -> Option<Claim> {
    let (seq, at_ms) = claim.split_once(':').map_or((claim, None), |(seq, at_ms)| (seq, Some(at_ms)));
    Some(Claim { seq: seq.parse().ok()?, opened_at_ms: at_ms.map(str::parse).transpose().ok()? })
}

fn parse_answer(call: &Call, reply: Value) -> Result<Answer, String> {
    let shown = format!("{call:?} replied {reply:?}");
    let Value::Array(items) = reply else { return Err(shown) };
    let mut items = items.into_iter();
    let code: Option<String> = items.next().and_then(|code| from_redis_value(code).ok());
    let numbers: Option<Vec<i64>> =
        items.map(|item| if let Value::Int(number) = item { Some(number) } else { None }).collect();
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let answer = match (call, code.as_deref(), numbers.as_deref()) {
        (_, Some("fenced"), Some([])) => Answer::Fenced,
        (Call::Load, Some("ok"), Some([])) => Answer::Loaded,
        (Call::Load, Some("again"), Some([])) => Answer::LoadedBefore,
        (Call::Load, ..) => return Err(shown),
        (_, Some("missing"), Some([])) => Answer::Missing,
        (Call::Grab(_), Some("ok"), Some(&[seq, epoch])) => Answer::Grabbed(small(seq), small(epoch)),
        (Call::Grab(_), Some("not_started"), Some(&[wait_ms])) => Answer::NotStarted(wait_ms),
        (Call::Grab(_), Some("sold_out"), Some([])) => Answer::SoldOut,
        (Call::Open(..), Some("ok"), Some(&[at_ms])) => Answer::OpenedAt(at_ms),
        (Call::Open(..), Some("not_grabbed"), Some([])) => Answer::NotGrabbed,
        (Call::Grab(_) | Call::Open(..), Some("expired"), Some([])) => Answer::Expired,
        (Call::Close, Some("ok"), Some(&[opened])) => Answer::Closed(small(opened)),
        (Call::Close, Some("again"), Some(&[opened])) => Answer::ClosedBefore(small(opened)),
        (Call::Close, Some("not_over"), Some(&[wait_ms])) => Answer::NotOver(wait_ms),
        _ => return Err(shown),
    };
    Ok(answer)
}
