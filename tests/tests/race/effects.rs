//! What the scripts do beside their answers: the doorbell, and nothing at all when memory is full.

use redis::{Cmd, Connection, RedisResult, Value, cmd, pipe};

use crate::arena::Arena;
use crate::scripts::{Installed, Scripts};

const ID: &str = "hb_00000000000000000000000000";
const PACKET: &str = "packet";
const EVENTS: &str = "events";
const BELL: &str = "bell";
const EPOCH: &str = "epoch";
const HELD: &str = "held";
const RETIRE: &str = include_str!("../../../shared/spin/lua/retire.lua");

fn load(scripts: &Installed, id: &str, key: &str, expires_at_ms: i64) -> Cmd {
    let mut load = scripts.call("load", &[key, EVENTS, EPOCH, HELD]);
    load.arg(1).arg(id).arg("n").arg(5).arg("s").arg(0).arg("x").arg(expires_at_ms).take()
}

fn grab(scripts: &Installed, user: &str) -> Cmd {
    scripts.grab(PACKET, EPOCH, 1, user)
}

fn open(scripts: &Installed, user: &str, seq: u32) -> Cmd {
    scripts.call("open", &[PACKET, EVENTS, BELL, EPOCH, "origin"]).arg(1).arg(ID).arg(user).arg(seq).arg(1).take()
}

fn close(scripts: &Installed, id: &str, key: &str) -> Cmd {
    scripts.call("close", &[key, EVENTS, BELL, EPOCH]).arg(1).arg(id).take()
}

/// A server with a packet that never ends, of which three users have a share.
fn arena_with_a_packet() -> (Arena, Installed) {
    let mut arena = Arena::start();
    let scripts = Scripts::read().install(&mut arena.connection);
    let connection = &mut arena.connection;
    let () = cmd("SET").arg(EPOCH).arg(1).query(connection).expect("set");
    let _: Value = load(&scripts, ID, PACKET, 1 << 50).query(connection).expect("loaded");
    for (seq, user) in ["us_a", "us_b", "us_c"].into_iter().enumerate() {
        let grabbed: (String, usize, u32) = grab(&scripts, user).query(connection).expect("grabbed");
        assert_eq!(grabbed, ("ok".to_owned(), seq, 1));
    }
    (arena, scripts)
}

/// The rings of `calls`, which share one moment.
fn rings(arena: &mut Arena, calls: &[Cmd]) -> Vec<String> {
    let mut subscriber = arena.connect();
    let mut heard = subscriber.as_pubsub();
    heard.subscribe(BELL).expect("subscribed");
    let mut moment = pipe();
    moment.atomic();
    for call in calls {
        moment.add_command(call.clone());
    }
    let _: Vec<Value> = moment.query(&mut arena.connection).expect("every call answers");
    let () = cmd("PUBLISH").arg(BELL).arg("end").query(&mut arena.connection).expect("published");
    let messages = std::iter::repeat_with(|| -> String {
        heard.get_message().and_then(|message| message.get_payload()).expect("a message")
    });
    messages.take_while(|message| message != "end").collect()
}

#[test]
fn the_doorbell_rings_once_until_it_is_answered() {
    let (mut arena, scripts) = arena_with_a_packet();
    let answer = cmd("DEL").arg(BELL).take();
    let [a, b, c] = [("us_a", 0), ("us_b", 1), ("us_c", 2)].map(|(user, seq)| open(&scripts, user, seq));
    assert_eq!(rings(&mut arena, &[a.clone(), b]), ["open"]);
    let left_ms: i64 = cmd("PTTL").arg(BELL).query(&mut arena.connection).expect("a time to live");
    assert!(left_ms <= 1000 && left_ms != -1, "a bell nobody answers falls silent after a second: {left_ms}");
    assert_eq!(rings(&mut arena, &[answer.clone(), c]), ["open"]);
    assert_eq!(rings(&mut arena, &[answer.clone(), a]), [""; 0], "an open of before is no news");
    let over = "hb_00000000000000000000000001";
    let calls = [answer, load(&scripts, over, "over", 1), close(&scripts, over, "over"), close(&scripts, over, "over")];
    assert_eq!(rings(&mut arena, &calls), ["close"]);
}

/// A script refused for lack of memory has changed nothing: not the packet without the journal, nor the other
/// way round. That is what the first line of each, `#!lua`, is for.
#[test]
fn full_memory_refuses_a_script_whole() {
    let (mut arena, scripts) = arena_with_a_packet();
    let over = "hb_00000000000000000000000001";
    let connection = &mut arena.connection;
    let _: Value = load(&scripts, over, "over", 1).query(connection).expect("loaded");
    let calls = [
        ("load", load(&scripts, "hb_00000000000000000000000002", "new", 1 << 50)),
        ("grab", grab(&scripts, "us_d")),
        ("open", open(&scripts, "us_a", 0)),
    ];
    set_memory(connection, "1");
    // Only what has ended leaves a full server, so closing goes on.
    let closed: (String, i64) = close(&scripts, over, "over").query(connection).expect("closed");
    assert_eq!(closed, ("ok".to_owned(), 0));
    let before = everything(connection);
    for (name, call) in &calls {
        let refused: RedisResult<Value> = call.query(connection);
        let code = refused.err().and_then(|error| error.code().map(str::to_owned));
        assert_eq!(code.as_deref(), Some("OOM"), "{name}");
    }
    set_memory(connection, "0");
    assert_eq!(everything(connection), before);
    for (name, call) in &calls {
        let code: Vec<Value> = call.query(connection).expect(name);
        assert_eq!(code.first(), Some(&Value::BulkString("ok".into())), "{name}");
    }
    assert_ne!(everything(connection), before);
}

fn retire(epoch: u32, packets: &[&str]) -> Cmd {
    let keys = [&[EPOCH, HELD][..], packets].concat();
    cmd("EVAL").arg(RETIRE).arg(keys.len()).arg(keys).arg(epoch).take()
}

/// The count of packets is exact through repetitions and epochs, and packets leave a full server.
#[test]
fn packets_are_counted_as_they_come_and_go() {
    let (mut arena, scripts) = arena_with_a_packet();
    let connection = &mut arena.connection;
    let count = |connection: &mut Connection| -> i64 {
        cmd("HGET").arg(HELD).arg("packets").query(connection).expect("a number")
    };
    let other = "hb_00000000000000000000000001";
    for _ in 0..3 {
        let _: Value = load(&scripts, other, "other", 1 << 50).query(connection).expect("loaded");
        assert_eq!(count(connection), 2, "a load again counts once");
    }
    // Left behind by another epoch, and loaded anew: it is still one.
    let () = cmd("HSET").arg("other").arg("e").arg(7).query(connection).expect("set");
    let _: Value = load(&scripts, other, "other", 1 << 50).query(connection).expect("loaded");
    assert_eq!(count(connection), 2);
    let () = cmd("SET").arg(EPOCH).arg(0).query(connection).expect("fenced");
    let fenced: Vec<String> = retire(1, &["other"]).query(connection).expect("an answer");
    assert_eq!((fenced, count(connection)), (vec!["fenced".to_owned()], 2));

    let () = cmd("SET").arg(EPOCH).arg(2).query(connection).expect("live");
    let rebuild = |key: &str| {
        let mut rebuild = scripts.call("rebuild", &[EPOCH, EVENTS, HELD, key]);
        rebuild.arg(2).arg(ID).arg(1).arg(5).arg(1).arg(0).arg("n").arg(5).take()
    };
    for key in ["other", "third", "third"] {
        let _: Value = rebuild(key).query(connection).expect("put back");
    }
    assert_eq!(count(connection), 3);
    set_memory(connection, "1");
    // Whatever epoch left them, and once.
    for left in [2, 0] {
        let retired: (String, i64) = retire(2, &["other", PACKET, "none"]).query(connection).expect("an answer");
        assert_eq!((retired, count(connection)), (("ok".to_owned(), left), 1));
    }
    set_memory(connection, "0");
}

fn set_memory(connection: &mut Connection, bytes: &str) {
    let () = cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).query(connection).expect("configured");
}

/// Every key with its whole value.
fn everything(connection: &mut Connection) -> Vec<(String, Value)> {
    let mut keys: Vec<String> = cmd("KEYS").arg("*").query(connection).expect("keys");
    keys.retain(|key| key != BELL); // It goes by itself.
    keys.sort();
    let dump = |key: String| {
        let value = cmd("DUMP").arg(&key).query(connection).expect("a value");
        (key, value)
    };
    keys.into_iter().map(dump).collect()
}
