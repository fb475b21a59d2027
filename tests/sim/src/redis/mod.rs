//! A model of Redis 7: the commands and script behaviours that the application uses, and no others.
//!
//! **Invariant:** whatever a real server answers to these commands, the model answers (`tests/redis_model.rs`
//! compares them). An unknown command panics, so that nothing is modelled by silence.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

mod group;
mod hash;
mod reply;
mod script;
mod stream;
mod text;

pub use reply::{Reply, flatten};
pub use stream::{Id, Stream};

/// Why a command was refused: Redis' own words.
pub type Refusal = String;

/// What a command comes to.
pub type Answer = Result<Reply, Refusal>;

/// A command's words after its name.
pub type Words = [Vec<u8>];

/// What a key holds.
#[derive(Debug, Clone)]
enum Value {
    Text(Vec<u8>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Stream(Box<Stream>),
}

#[derive(Debug, Clone)]
struct Entry {
    value: Value,
    expires_at_ms: Option<i64>,
}

/// The contents of a server: what its append-only file brings back.
#[derive(Debug, Clone, Default)]
pub struct Data {
    keys: BTreeMap<Vec<u8>, Entry>,
}

/// A server: its contents, and what does not outlive its process.
#[derive(Debug, Default)]
pub struct Server {
    /// What is stored.
    pub data: Data,
    /// Names the process: another after every restart.
    pub run_id: String,
    /// The server's clock, Unix microseconds; set before every command.
    pub now_us: u64,
    /// The calling application's clock, Unix milliseconds: only seeded bugs ask for it.
    pub caller_now_ms: i64,
    /// Whether memory is full: what needs more is refused.
    pub is_full: bool,
    /// Messages published and not yet carried away: channel and text.
    pub published: Vec<(Vec<u8>, Vec<u8>)>,
    /// The scripts that EVALSHA knows, by their names.
    scripts: BTreeMap<String, String>,
    /// Seeded bugs in scripts: the text a script has, and the text that runs instead.
    pub altered: Vec<(String, String)>,
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const FULL: &str = "OOM command not allowed when used memory > 'maxmemory'.";
/// Commands that may need more memory, so that a full server refuses them.
const GROWING: [&str; 7] = ["SET", "HSET", "HINCRBY", "XADD", "XGROUP", "XSETID", "HSETNX"];

impl Server {
    /// An empty server, with the seeded bugs of scripts.
    #[must_use]
    pub fn start(run_id: String, altered: Vec<(String, String)>) -> Self {
        Self { run_id, altered, ..Self::default() }
    }

    /// A new process over the same contents.
    pub fn restart(&mut self, run_id: String) {
        self.run_id = run_id;
        self.scripts.clear();
    }

    /// The server's clock, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        i64::try_from(self.now_us / 1000).unwrap_or(i64::MAX)
    }

    /// Runs one command of a client.
    ///
    /// # Errors
    /// Redis' own words.
    ///
    /// # Panics
    /// At a command that the model does not know.
    pub fn execute(&mut self, command: &str, words: &Words) -> Answer {
        let command = command.to_ascii_uppercase();
        if self.is_full && GROWING.contains(&command.as_str()) {
            return Err(FULL.to_owned());
        }
        match command.as_str() {
            "EVAL" => self.eval(words),
            "EVALSHA" => self.eval_sha(words),
            "SCRIPT" => self.script(words),
            _ => self.command(&command, words),
        }
    }

    /// Runs a command that a script may run too.
    fn command(&mut self, command: &str, words: &Words) -> Answer {
        let now_ms = self.now_ms();
        self.data.expire(now_ms);
        let data = &mut self.data;
        match command {
            "GET" => data.get(words),
            "SET" => data.set(words, now_ms),
            "MGET" => data.get_many(words),
            "DEL" | "UNLINK" => data.delete(words),
            "SCAN" => data.scan(words),
            "EXISTS" => data.exists(words),
            "HSET" => data.hash_set(words),
            "HSETNX" => data.hash_set_new(words),
            "HGET" => data.hash_get(words),
            "HMGET" => data.hash_get_many(words),
            "HGETALL" => data.hash_get_all(words),
            "HSCAN" => data.hash_scan(words),
            "HLEN" => data.hash_length(words),
            "HINCRBY" => data.hash_increment(words),
            "HEXISTS" => data.hash_exists(words),
            "HDEL" => data.hash_delete(words),
            "XADD" => data.stream_add(words, now_ms),
            "XDEL" => data.stream_delete(words),
            "XLEN" => data.stream_length(words),
            "XRANGE" => data.stream_range(words, false),
            "XREVRANGE" => data.stream_range(words, true),
            "XINFO" => data.stream_info(words),
            "XSETID" => data.stream_set_id(words),
            "XGROUP" => data.group_make(words),
            "XREADGROUP" => data.group_read(words, now_ms),
            "XACK" => data.group_acknowledge(words),
            "XAUTOCLAIM" => data.group_take_over(words, now_ms),
            "XPENDING" => data.group_pending(words, now_ms),
            "TIME" => Ok(self.time()),
            "INFO" => Ok(Reply::bulk(format!("# Server\r\nredis_version:7.0.15\r\nrun_id:{}\r\n", self.run_id))),
            "PING" => Ok(Reply::Status("PONG".to_owned())),
            "PUBLISH" => self.publish(words),
            // Not Redis': what a script would see if it judged by the application's clock (see canary.rs).
            "CALLERTIME" => Ok(self.caller_time()),
            other => panic!("the model of Redis does not know {other}: add it to tests/sim/src/redis"),
        }
    }

    fn time(&self) -> Reply {
        let part = |number: u64| Reply::bulk(number.to_string());
        Reply::Array(vec![part(self.now_us / 1_000_000), part(self.now_us % 1_000_000)])
    }

    fn caller_time(&self) -> Reply {
        let part = |number: i64| Reply::bulk(number.to_string());
        Reply::Array(vec![part(self.caller_now_ms / 1000), part(self.caller_now_ms % 1000 * 1000)])
    }

    fn publish(&mut self, words: &Words) -> Answer {
        let [channel, message] = words else { return Err(wrong_number("publish")) };
        self.published.push((channel.clone(), message.clone()));
        Ok(Reply::Int(1))
    }
}

impl Data {
    fn expire(&mut self, now_ms: i64) {
        // One key in the system expires, so looking at all of them would be most of the model's work.
        let is_over = |entry: &Entry| entry.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        if self.keys.values().any(is_over) {
            self.keys.retain(|_, entry| !is_over(entry));
        }
    }

    fn put(&mut self, key: &[u8], value: Value, expires_at_ms: Option<i64>) {
        self.keys.insert(key.to_vec(), Entry { value, expires_at_ms });
    }

    fn delete(&mut self, words: &Words) -> Answer {
        let deleted = words.iter().filter(|key| self.keys.remove(*key).is_some()).count();
        Ok(Reply::count(deleted))
    }

    /// `SCAN cursor MATCH prefix* COUNT number`. As in Redis, a key that is there all the time is told, whatever comes
    /// and goes meanwhile: the order is one of hashes.
    fn scan(&self, words: &Words) -> Answer {
        let [cursor, matching, pattern, counting, count] = words else { return Err(wrong_number("scan")) };
        let prefix = pattern.strip_suffix(b"*").filter(|_| is_word(matching, "MATCH") && is_word(counting, "COUNT"));
        let prefix = prefix.expect("the model of Redis knows SCAN cursor MATCH prefix* COUNT number only");
        let (after, count) = (integer(cursor)?, integer(count)?);
        let hash = |key: &[u8]| {
            let mut hasher = DefaultHasher::new();
            key.hash(&mut hasher);
            i64::try_from(hasher.finish() >> 1).unwrap_or(i64::MAX).max(1)
        };
        let mut keys: Vec<_> = self.keys.keys().map(|key| (hash(key), key)).filter(|(at, _)| *at > after).collect();
        keys.sort_unstable();
        let looked = usize::try_from(count).unwrap_or(usize::MAX).min(keys.len());
        let next = if looked < keys.len() { keys[looked - 1].0 } else { 0 };
        let found = keys[..looked].iter().filter(|(_, key)| key.starts_with(prefix));
        let found = found.map(|(_, key)| Reply::Bulk((*key).clone())).collect();
        Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(found)]))
    }

    fn exists(&self, words: &Words) -> Answer {
        Ok(Reply::count(words.iter().filter(|key| self.keys.contains_key(*key)).count()))
    }
}

fn wrong_number(command: &str) -> Refusal {
    format!("ERR wrong number of arguments for '{command}' command")
}

fn integer(word: &[u8]) -> Result<i64, Refusal> {
    let text = std::str::from_utf8(word).ok().filter(|text| !text.starts_with('+'));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| "ERR value is not an integer or out of range".to_owned())
}

fn is_word(word: &[u8], wanted: &str) -> bool {
    word.eq_ignore_ascii_case(wanted.as_bytes())
}
