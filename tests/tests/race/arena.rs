//! A real Redis that plays histories, and the comparison with what the model expects.

use std::collections::{BTreeMap, BTreeSet};

use hongbao_core::event::Event;
use hongbao_core::packet::Facts;
use hongbao_core::{PacketId, UserId};
use hongbao_stack::{Fsync, Redis, RedisOptions};
use redis::{Client, Cmd, Connection, Pipeline, Value, cmd, pipe};
use tempfile::TempDir;

use crate::history::{Answer, Call, History, Origin, Record, Step};
use crate::reply::{parse_answer, parse_journal, parse_state};
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
        let run_id = self.run_id();
        for histories in histories.chunks(BATCH) {
            let () = cmd("FLUSHDB").query(&mut self.connection).expect("an empty server");
            let from_ms = self.now_ms();
            let play = |(number, history)| Play { history, scripts, clock, run_id: &run_id, from_ms, number };
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

    fn run_id(&mut self) -> String {
        let info: String =
            cmd("INFO").arg("server").query(&mut self.connection).expect("a server that tells of itself");
        let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        id.expect("a run id").trim().to_owned()
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
    run_id: &'a str,
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
        pipeline.cmd("SET").arg(self.key("origin")).arg(self.run_id).ignore();
        let mut now_ms = self.history.begin_ms;
        self.set_clock(pipeline, now_ms, &[]);
        let mut loaded = Vec::new();
        let mut answers = self.history.expected.answers.iter();
        for step in &self.history.steps {
            match step {
                Step::Call(call, packet, epoch) => {
                    pipeline.add_command(self.call(call, *packet, *epoch, now_ms));
                    let answer = answers.next();
                    let is_there = matches!(answer, Some(Answer::PutBack(1)))
                        || matches!((call, answer), (Call::Load, Some(Answer::Done)));
                    if is_there {
                        loaded.push(*packet);
                    }
                }
                Step::Clock(at_ms) => {
                    now_ms = *at_ms;
                    self.set_clock(pipeline, now_ms, &loaded);
                }
                Step::Origin(Origin::Unknown) => drop(pipeline.cmd("DEL").arg(self.key("origin")).ignore()),
                Step::Origin(origin) => {
                    let run_id = if *origin == Origin::Here { self.run_id } else { "another" };
                    pipeline.cmd("SET").arg(self.key("origin")).arg(run_id).ignore();
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
        let [events, bell, shard_epoch, held] = ["events", "bell", "epoch", "held"].map(|name| self.key(name));
        let script = |name: &str, keys: &[&str]| self.scripts.call(name, keys).arg(epoch).take();
        match call {
            Call::Load => {
                let mut load = script("load", &[&key, &events, &shard_epoch, &held]);
                load.arg(id);
                for (field, value) in self.fields(&self.history.facts[packet], now_ms) {
                    load.arg(field).arg(value);
                }
                load
            }
            Call::Grab(user) => self.scripts.grab(&key, &shard_epoch, epoch, user.as_str()),
            Call::Open(user, seq, voucher_epoch) => {
                let mut open = script("open", &[&key, &events, &bell, &shard_epoch, &self.key("origin")]);
                open.arg(id).arg(user.as_str()).arg(*seq).arg(*voucher_epoch).take()
            }
            Call::Close => script("close", &[&key, &events, &bell, &shard_epoch]).arg(id).take(),
            Call::Fence(found) => {
                let found = found.map(|epoch| epoch.to_string()).unwrap_or_default();
                self.scripts.call("fence", &[&shard_epoch]).arg(found).take()
            }
            Call::Rebuild(settled, is_confirmed) => {
                let facts = &self.history.facts[packet];
                let fields = self.fields(facts, now_ms);
                let mut rebuild = script("rebuild", &[&shard_epoch, &events, &held, &key]);
                rebuild.arg(id).arg(u8::from(*is_confirmed)).arg(facts.count).arg(fields.len()).arg(settled.len());
                for (field, value) in fields {
                    rebuild.arg(field).arg(value);
                }
                for (user, claim) in settled {
                    rebuild
                        .arg(user.as_str())
                        .arg(claim.seq)
                        .arg(claim.opened_at_ms.expect("settled shares are opened"));
                }
                rebuild
            }
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
            let mut fields = self.fields(facts, self.history.begin_ms);
            if self.clock == Clock::Server {
                fields.retain(|field, _| !matches!(field.as_str(), "s" | "x")); // They have moved.
            }
            record.packets.push(parse_state(&fields, next()?)?);
        }
        record.journal = parse_journal(next()?)?;
        Ok(record)
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
    /// and the last, and a share is opened at one moment, whoever asks and however often. Only a settled share
    /// of a rebuilt packet has the history's time.
    fn check_times(&self, record: &Record, to_ms: i64) -> Result<(), String> {
        let mut opened: BTreeSet<(PacketId, &UserId, i64)> = BTreeSet::new();
        for event in &record.journal {
            let at_ms = match event {
                Event::Open { packet, user, opened_at_ms, .. } => {
                    opened.insert((*packet, user, *opened_at_ms));
                    *opened_at_ms
                }
                Event::Contest { at_ms, .. } | Event::Close { closed_at_ms: at_ms, .. } | Event::Risk { at_ms, .. } => {
                    *at_ms
                }
                Event::Load { .. } => continue,
            };
            if !(self.from_ms..=to_ms).contains(&at_ms) {
                return Err(format!("{event} was never: it was {} to {to_ms}", self.from_ms));
            }
        }
        for step in &self.history.steps {
            let Step::Call(Call::Rebuild(settled, _), packet, _) = step else { continue };
            let times = settled.iter().filter_map(|(user, claim)| Some((user, claim.opened_at_ms?)));
            opened.extend(times.map(|(user, at_ms)| (self.history.facts[*packet].id, user, at_ms)));
        }
        let calls = self.history.steps.iter().filter_map(|step| match step {
            Step::Call(call, packet, _) => Some((call, self.history.facts[*packet].id)),
            _ => None,
        });
        for ((call, packet), pair) in calls.zip(record.answers.iter().zip(&self.history.expected.answers)) {
            use Answer::{NotOver, NotStarted, OpenedAt};
            let is_right = match (call, pair) {
                (Call::Open(user, ..), (OpenedAt(at_ms), _)) => opened.contains(&(packet, user, *at_ms)),
                (_, (NotOver(wait_ms), NotOver(expected)) | (NotStarted(wait_ms), NotStarted(expected))) => {
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
                if claim.opened_at_ms.is_some_and(|at_ms| !opened.contains(&(facts.id, user, at_ms))) {
                    return Err(format!("{user} holds {claim:?}, which the journal does not know"));
                }
            }
        }
        Ok(())
    }
}
