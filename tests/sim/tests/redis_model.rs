//! The model of Redis against a real server: the same random commands, the same replies.

use hongbao_sim::random::Random;
use hongbao_sim::redis::{Reply, Server};
use hongbao_stack::{Fsync, Redis, RedisOptions};
use redis::{Client, Connection, Value, cmd};
use tempfile::TempDir;

/// How many histories are played.
const HISTORIES: u64 = 150;
/// How many commands each has.
const COMMANDS: usize = 120;

/// Scripts that meet the corners of Redis' Lua: numbers, nils, errors, lists that end early, what it forbids.
const SCRIPTS: [&str; 14] = [
    "return {1, 2.9, 'x', false, 5}",
    "return {1, nil, 3}",
    "return redis.call('HMGET', KEYS[1], 'a', 'b', 'c')",
    "return tonumber(ARGV[1]) + 0.5",
    "return string.format('%.0f', 1800000000123) .. ''",
    "return redis.call('HSET', KEYS[1], 'a', 1800000000123, 'b', 7)",
    "return redis.pcall('HINCRBY', KEYS[1], 'a', 'x')",
    "return redis.call('XADD', KEYS[2], '*', 'e')",
    "return {ok = 'FINE'}",
    "return redis.error_reply('MINE no')",
    "return redis.call('SET', KEYS[3], 1, 'NX')",
    "if redis.call('GET', KEYS[3]) then return {'yes', KEYS[3]} end return {'no', #ARGV, true}",
    "#!lua\nreturn {redis.call('EXISTS', KEYS[1]), unpack(ARGV, 1)}",
    "return type(redis.call('GET', 'nothing')) .. type(redis.call('HGETALL', KEYS[1]))",
];

/// The script that follows the cursor of pending entries.
const TAKE_OVER: &str = include_str!("../../../shared/spin/lua/take_over.lua");

struct Pair {
    real: Connection,
    model: Server,
}

impl Pair {
    /// Runs a command on both; says how they differ.
    fn run(&mut self, command: &str, words: &[Vec<u8>]) -> Result<(), String> {
        let mut call = cmd(command);
        words.iter().for_each(|word| _ = call.arg(word.as_slice()));
        let real = told(command, words, call.query::<Value>(&mut self.real));
        let model = match self.model.execute(command, words) {
            Ok(reply) => shown(command, words, reply),
            Err(refusal) => format!("refused: {refusal}"),
        };
        let (real, model) = (fuzzy(command, &real), fuzzy(command, &model));
        let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        if real == model { Ok(()) } else { Err(format!("{command} {words:?}\n  real  {real}\n  model {model}")) }
    }
}

fn told(command: &str, words: &[Vec<u8>], answer: redis::RedisResult<Value>) -> String {
    match answer {
        Ok(value) => shown(command, words, reply(value)),
        Err(error) => {
            let code = error.code().unwrap_or_default();
            format!("refused: {code} {}", error.detail().unwrap_or_default())
        }
    }
}

fn reply(value: Value) -> Reply {
    match value {
        Value::Int(number) => Reply::Int(number),
        Value::BulkString(bytes) => Reply::Bulk(bytes),
        Value::Okay => Reply::ok(),
        Value::SimpleString(word) => Reply::Status(word),
        Value::Array(values) => Reply::Array(values.into_iter().map(reply).collect()),
        Value::Nil => Reply::Nil,
        other => panic!("{other:?}"),
    }
}

/// A reply as text; hashes have no order.
fn shown(command: &str, _: &[Vec<u8>], reply: Reply) -> String {
    if let (Reply::Array(parts), "HSCAN") = (&reply, command) {
        return parts.last().map(|all| shown("HGETALL", &[], all.clone())).unwrap_or_default();
    }
    if let (Reply::Array(parts), "HGETALL") = (&reply, command) {
        let mut pairs: Vec<String> = parts.chunks(2).map(|pair| format!("{pair:?}")).collect();
        pairs.sort();
        return pairs.join(" ");
    }
    format!("{reply:?}")
}

/// Without what depends on the machine: how long an entry waited, the shape of a tree, where a script failed.
fn fuzzy(command: &str, text: &str) -> String {
    match command {
        "XINFO" => text.split_once("\"last-generated-id\"").map_or(text, |(_, rest)| rest).to_owned(),
        // Every refusal of a script names its line and hash in another way: its first word is what counts.
        "EVAL" if text.starts_with("refused") => text.split(' ').take(2).collect::<Vec<_>>().join(" "),
        "XPENDING" => text.replace("[[", "["),
        _ => text.to_owned(),
    }
}

fn word(text: impl AsRef<str>) -> Vec<u8> {
    text.as_ref().as_bytes().to_vec()
}

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split(' ').map(word).collect()
}

/// A random command; ids only grow within a history, as clocks do.
fn command(random: &Random, clock: &mut u64) -> (&'static str, Vec<Vec<u8>>) {
    let field = *random.pick(&["a", "b", "c"]);
    let number = random.below(20);
    let id = format!("{}-{}", *clock - random.below(6).min(*clock - 1), random.below(2));
    let consumer = *random.pick(&["one", "two"]);
    if random.below(14) == 0 {
        let (start, count) = (if random.below(2) == 0 { "0-0" } else { &id }, random.between(1, 3).to_string());
        let take_over = [TAKE_OVER, "2", "s", "tries", "g", consumer, "0", start, &count];
        return ("EVAL", take_over.map(word).to_vec());
    }
    let text = match random.below(30) {
        0 => ("HSET", format!("h {field} {number} d x")),
        1 => ("HMGET", "h a b c".to_owned()),
        2 => ("HGETALL", "h".to_owned()),
        3 => ("HINCRBY", format!("h {field} {number}")),
        4 => ("HEXISTS", format!("h {field}")),
        5 => ("HDEL", format!("h {field} d")),
        6 => ("HSETNX", format!("h {field} {number}")),
        7 => ("SET", format!("t {number} NX")),
        8 => ("SET", format!("t {number}")),
        9 => ("GET", (*random.pick(&["t", "h", "none"])).to_owned()),
        10 => ("MGET", "t h none".to_owned()),
        11 => ("DEL", (*random.pick(&["t", "h", "none"])).to_owned()),
        12 => ("EXISTS", "t h s".to_owned()),
        13..=15 => {
            *clock += random.below(3);
            ("XADD", format!("s {}-{} e {number}", *clock, random.below(3)))
        }
        16 => ("XDEL", format!("s {id}")),
        17 => ("XLEN", "s".to_owned()),
        18 => ("XRANGE", (*random.pick(&["s - +", "s - + COUNT 2", "s 3 9", "s (3-1 +"])).to_owned()),
        19 => ("XREVRANGE", (*random.pick(&["s + -", "s + - COUNT 1", "s 9 3"])).to_owned()),
        20 => ("XGROUP", format!("CREATE s g {}", random.pick(&["0 MKSTREAM", "0", "$"]))),
        21 => ("XREADGROUP", format!("GROUP g {consumer} COUNT {} STREAMS s >", random.between(1, 3))),
        22 => ("XACK", format!("s g {id}")),
        23 if random.below(2) == 0 => ("XAUTOCLAIM", format!("s g {consumer} 0 {id} COUNT {}", random.between(1, 3))),
        23 => ("XAUTOCLAIM", format!("s g {consumer} 0 0 COUNT {}", random.between(1, 3))),
        27 => ("HSCAN", (*random.pick(&["h 0 COUNT 500", "none 0 COUNT 500"])).to_owned()),
        24 => ("XINFO", "STREAM s".to_owned()),
        25 if random.below(2) == 0 => ("XSETID", format!("s {id} MAXDELETEDID {id}")),
        25 => ("XSETID", format!("s {id}")),
        26 => ("XPENDING", "s g".to_owned()),
        28 => ("UNLINK", (*random.pick(&["t", "h", "none"])).to_owned()),
        // One key at most: a hash table has no order.
        _ => ("SCAN", format!("0 MATCH {}* COUNT 100", random.pick(&["t", "h", "none"]))),
    };
    (text.0, words(&text.1))
}

fn start() -> (TempDir, Redis, Connection) {
    let dir = TempDir::new().expect("a scratch folder");
    let options = RedisOptions { fsync: Fsync::No, ..RedisOptions::default() };
    let redis = Redis::start(dir.path(), &options).expect("redis-server starts");
    let connection = Client::open(redis.url()).expect("an address").get_connection().expect("a connection");
    (dir, redis, connection)
}

#[test]
fn the_model_answers_as_a_real_redis_does() {
    let (_dir, _redis, mut connection) = start();
    for seed in 1..=HISTORIES {
        let () = cmd("FLUSHALL").query(&mut connection).expect("an empty server");
        let mut pair = Pair { real: connection, model: Server::start("0".to_owned(), Vec::new()) };
        let (random, mut clock) = (Random::new(seed), 1);
        for _ in 0..COMMANDS {
            let (command, words) = command(&random, &mut clock);
            pair.run(command, &words).unwrap_or_else(|difference| panic!("seed {seed}: {difference}"));
        }
        connection = pair.real;
    }
}

#[test]
fn scripts_run_in_the_model_as_in_a_real_redis() {
    let (_dir, _redis, connection) = start();
    let mut pair = Pair { real: connection, model: Server::start("0".to_owned(), Vec::new()) };
    for round in ["7", "8.5", "x"] {
        for script in SCRIPTS {
            let arguments = [word(script), word("3"), word("h"), word("s"), word("t"), word(round)];
            pair.run("EVAL", &arguments).unwrap_or_else(|difference| panic!("{difference}"));
            pair.run("HGETALL", &[word("h")]).unwrap_or_else(|difference| panic!("{difference}"));
        }
    }
}

#[test]
fn a_full_server_refuses_what_needs_memory() {
    let (_dir, _redis, mut connection) = start();
    let () = cmd("SET").arg("t").arg(1).query(&mut connection).expect("room");
    let () = cmd("CONFIG").arg("SET").arg("maxmemory").arg("1").query(&mut connection).expect("full");
    let mut pair = Pair { real: connection, model: Server::start("0".to_owned(), Vec::new()) };
    pair.model.execute("SET", &words("t 1")).expect("room");
    pair.model.is_full = true;
    let commands = [
        "SET t 2",
        "HSET h a 1",
        "XADD s 1-1 e 1",
        "GET t",
        "XLEN s",
        "DEL none",
        "XACK s g 1-1",
        "XDEL s 1-1",
        "HGETALL h",
    ];
    for text in commands {
        let all = words(text);
        pair.run(text.split(' ').next().expect("a command"), &all[1..])
            .unwrap_or_else(|difference| panic!("{difference}"));
    }
    for script in
        ["#!lua\nreturn 1", "#!lua flags=no-writes\nreturn redis.call('GET', 't')", "#!lua flags=allow-oom\nreturn 2"]
    {
        pair.run("EVAL", &[word(script), word("1"), word("t")]).unwrap_or_else(|difference| panic!("{difference}"));
    }
}
