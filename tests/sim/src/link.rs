//! An instance's connection to a model of Redis, through a network that loses, delays and reorders.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use async_trait::async_trait;
use hongbao_spin::redis::{Argument, Failure, Redis, Reply};

use crate::canary::LinkBug;
use crate::redis::{Reply as Answered, Server, flatten};
use crate::site::Site;
use crate::world::{ProcessId, within};

/// How long a call may take, as in `shared/spin`.
const DEADLINE_US: u64 = 1_000_000;

/// Whether a server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It answers.
    Up,
    /// It refuses connections.
    Down,
    /// It takes connections and says nothing.
    Hanging,
}

/// A machine with a server of Redis.
pub struct Machine {
    /// The server.
    pub server: RefCell<Server>,
    /// Whether it can be reached.
    pub reach: Cell<Reach>,
    /// How much longer every command takes, in microseconds.
    pub slow_us: Cell<u64>,
    /// Whether it has lost contents since it last went live.
    pub has_lost: Cell<bool>,
    /// How far its clock is ahead of the true time, in microseconds.
    pub ahead_us: u64,
}

/// One instance's connection to one shard.
pub struct Link {
    /// Where everything is.
    pub site: Rc<Site>,
    /// The shard's number.
    pub shard: usize,
    /// The process that calls.
    pub process: ProcessId,
    /// The server's process that the connection leads to; none before the first call and after a failure.
    pub connection: RefCell<Option<String>>,
}

#[async_trait(?Send)]
impl Redis for Link {
    async fn call(&self, command: &str, arguments: Vec<Argument>) -> Result<Vec<Reply>, Failure> {
        self.site.host_call(self.process).await;
        let words: Vec<Vec<u8>> = arguments.into_iter().map(word).collect();
        let answer = within(&self.site.world, DEADLINE_US, self.exchange(command, words)).await;
        let answer = answer.unwrap_or_else(|| Err(lost("no answer within 1s")));
        if matches!(answer, Err(Failure::Lost(_))) {
            self.connection.take();
        }
        self.site.host_call(self.process).await;
        answer
    }
}

fn word(argument: Argument) -> Vec<u8> {
    match argument {
        Argument::Int64(number) => number.to_string().into_bytes(),
        Argument::Binary(bytes) => bytes,
    }
}

fn lost(cause: &str) -> Failure {
    Failure::Lost(cause.to_owned())
}

impl Link {
    async fn exchange(&self, command: &str, words: Vec<Vec<u8>>) -> Result<Vec<Reply>, Failure> {
        let (site, faults) = (&self.site, &self.site.faults);
        let machine = &site.machines[self.shard];
        let known = self.connection.borrow().clone();
        site.world.dawdle_us(faults.mix.redis_delay_us).await;
        let run_id = known.unwrap_or_else(|| machine.server.borrow().run_id.clone());
        match machine.reach.get() {
            Reach::Up => {}
            Reach::Down => return Err(lost("connection refused")),
            Reach::Hanging => std::future::pending().await,
        }
        site.world.sleep_us(machine.slow_us.get()).await;
        if faults.loses(faults.mix.redis_lost) {
            std::future::pending::<()>().await;
        }
        if faults.strike(faults.mix.redis_late) {
            self.run_late(command.to_owned(), words, run_id);
            return std::future::pending().await;
        }
        self.connection.replace(Some(run_id.clone()));
        let answer = self.run(command, &words, &run_id)?;
        if faults.loses(faults.mix.redis_answer_lost) {
            std::future::pending::<()>().await;
        }
        site.world.dawdle_us(faults.mix.redis_delay_us).await;
        // A connection does not outlive the server's process.
        if machine.server.borrow().run_id != run_id {
            return Err(lost("connection reset by peer"));
        }
        answer
    }

    /// The command waits somewhere on the way, and runs when its caller does not expect it any more.
    fn run_late(&self, command: String, words: Vec<Vec<u8>>, run_id: String) {
        let (site, shard, process) = (self.site.clone(), self.shard, self.process);
        let link = Self { site, shard, process, connection: RefCell::default() };
        self.site.world.spawn(None, async move {
            link.site.world.sleep_us(link.site.world.random.between(DEADLINE_US, 4 * DEADLINE_US)).await;
            let _ = link.run(&command, &words, &run_id);
        });
    }

    fn run(&self, command: &str, words: &[Vec<u8>], run_id: &str) -> Result<Result<Vec<Reply>, Failure>, Failure> {
        let machine = &self.site.machines[self.shard];
        let mut server = machine.server.borrow_mut();
        if server.run_id != run_id || machine.reach.get() != Reach::Up {
            return Err(lost("connection reset by peer"));
        }
        server.now_us = self.site.world.now_us() + machine.ahead_us;
        server.caller_now_ms = self.site.app_now_ms();
        let epoch = format!("hb:{{{}}}:epoch", self.shard);
        let was_fenced = server.data.is_text(&epoch, "0");
        // Seeded bug: nothing is read at all, since what was read and not settled would be taken over later.
        let is_unread = self.site.seam.link == Some(LinkBug::TrustsTheBell) && command == "XREADGROUP";
        let mut answer = if is_unread && is_sweep(words) { Ok(Answered::Nil) } else { server.execute(command, words) };
        match (was_fenced, server.data.is_text(&epoch, "0")) {
            (false, true) if !machine.has_lost.get() => {
                let told = told(command, words);
                let complaint = format!("shard {} was fenced and had lost nothing (by {told})", self.shard);
                self.site.complaints.borrow_mut().push(complaint);
            }
            (true, false) => machine.has_lost.set(false),
            _ => {}
        }
        if let Some(bug) = self.site.seam.link {
            self.misbehave(bug, command, words, &mut server, &mut answer);
        }
        let published = std::mem::take(&mut server.published);
        drop(server);
        self.site
            .world
            .note(|| format!("p{} redis{} {} -> {answer:?}", self.process, self.shard, told(command, words)));
        for (channel, message) in published {
            match channel.strip_prefix(b"later:") {
                None => self.site.ring(self.shard),
                Some(stream) => self.journal_later(stream.to_vec(), message),
            }
        }
        Ok(answer.map(flatten).map_err(Failure::Refused))
    }
}

/// Whether the sweep reads the journal: `XREADGROUP GROUP settlement CONSUMER …`.
fn is_sweep(words: &[Vec<u8>]) -> bool {
    words.get(2).is_some_and(|consumer| consumer == b"sweep")
}

/// A command for the trace: scripts by their first comment.
fn told(command: &str, words: &[Vec<u8>]) -> String {
    let short = |word: &Vec<u8>| {
        let text = String::from_utf8_lossy(word);
        let line = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default().to_owned();
        line.chars().take(64).collect::<String>()
    };
    let words: Vec<String> = words.iter().map(short).collect();
    format!("{command} {}", words.join(" "))
}

/// Seeded bugs; see `canary`.
impl Link {
    fn misbehave(
        &self,
        bug: LinkBug,
        command: &str,
        words: &[Vec<u8>],
        server: &mut Server,
        answer: &mut Result<Answered, String>,
    ) {
        match (bug, command) {
            (LinkBug::AcknowledgesOnRead, "XREADGROUP") => {
                let (stream, group) = (words[6].clone(), words[1].clone());
                for id in ids(answer) {
                    let _ = server.execute("XACK", &[stream.clone(), group.clone(), id.clone()]);
                    let _ = server.execute("XDEL", &[stream.clone(), id]);
                }
            }
            (LinkBug::TrustsAnyCopy, "MGET") => {
                let epoch =
                    self.site.store.number(&format!("SELECT MAX(epoch) FROM shards WHERE shard = {}", self.shard));
                let epoch = Answered::bulk(epoch.unwrap_or(1).to_string());
                *answer = Ok(Answered::Array(vec![epoch, Answered::bulk(server.run_id.clone())]));
            }
            (LinkBug::TrustsAnyCopy, "XINFO") => {
                let words = ["last-generated-id", "9000000000000-0", "max-deleted-entry-id", "9000000000000-0"];
                let words = words.map(Answered::bulk);
                *answer = Ok(Answered::Array(words.to_vec()));
            }
            _ => {}
        }
    }

    /// An entry that the script did not write: whoever called writes it now, if it lives that long.
    fn journal_later(&self, stream: Vec<u8>, event: Vec<u8>) {
        let (site, shard) = (self.site.clone(), self.shard);
        self.site.world.spawn(Some(self.process), async move {
            site.world.dawdle_us(20_000).await;
            let _ = site.machines[shard]
                .server
                .borrow_mut()
                .execute("XADD", &[stream, b"*".to_vec(), b"e".to_vec(), event]);
        });
    }
}

/// The ids of the entries that a read answered.
fn ids(answer: &Result<Answered, String>) -> Vec<Vec<u8>> {
    let Ok(Answered::Array(streams)) = answer else { return Vec::new() };
    let Some(Answered::Array(stream)) = streams.first() else { return Vec::new() };
    let Some(Answered::Array(entries)) = stream.get(1) else { return Vec::new() };
    let id = |entry: &Answered| match entry {
        Answered::Array(parts) => parts.first().cloned(),
        _ => None,
    };
    let bytes = |id: Answered| if let Answered::Bulk(bytes) = id { Some(bytes) } else { None };
    entries.iter().filter_map(id).filter_map(bytes).collect()
}
