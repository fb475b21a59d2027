//! The settlement and the sweep among locks, full disks, dead readers, clocks that jump and shards that are gone.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

mod causes;
mod clock;
mod disk;
mod lists;
mod lock;
mod pending;
mod rule;

use hongbao_stack::{Redis, Stack};
use hongbao_tests::{Person, Scene};
use redis::FromRedisValue;
use serde_json::Value;

/// The journal of the first shard.
const EVENTS: &str = "hb:{0}:events";

/// Runs a command of Redis.
fn ask<T: FromRedisValue>(server: &Redis, command: &str, arguments: &[&str]) -> T {
    let mut connection = redis::Client::open(server.url()).expect("an address").get_connection().expect("Redis");
    redis::cmd(command).arg(arguments).query(&mut connection).unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Makes what is pending old enough to be taken over, instead of waiting until it is.
fn age_pending(server: &Redis) {
    let script = "for _, entry in ipairs(redis.call('XPENDING', KEYS[1], 'settlement', '-', '+', 1000)) do \
                  redis.call('XCLAIM', KEYS[1], 'settlement', 'nobody', 0, entry[1], 'IDLE', 60000, 'JUSTID') end";
    ask::<redis::Value>(server, "EVAL", &[script, "1", EVENTS]);
}

/// One try more than an entry gets (`TRIES` in settle.rs, 5): each takes over what is pending. A sweep that could not do all of it is fine.
fn try_often(stack: &Stack) {
    for _ in 0..6 {
        age_pending(&stack.redis[0]);
        let _ = stack.sweep();
    }
}

fn operator(scene: &Scene<'_>) -> Person {
    scene.bearer("operator", &scene.stack.operator_token().expect("a token"))
}

/// Nothing is left to operators, and the books are sound.
async fn is_sound(scene: &Scene<'_>) {
    let operator = operator(scene);
    let open = operator.get("/v1/admin/exceptions?state=open").await.granted(200);
    assert_eq!(open["exceptions"], Value::Array(vec![]), "{open}");
    let books = operator.get("/v1/admin/reconcile").await.granted(200);
    assert_eq!((&books["ok"], &books["drift_fen"]), (&true.into(), &0.into()), "{books}");
}
