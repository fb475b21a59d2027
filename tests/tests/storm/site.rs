//! What the tests of the storm share: shards by number, an operator, a grab from a device.

use hongbao_client::Method;
use hongbao_core::PacketId;
use hongbao_stack::{Redis, Stack};
use hongbao_tests::{Draft, Person, Reply, Scene};
use redis::FromRedisValue;
use serde_json::{Value, json};

/// Values of variables.
pub(crate) fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The shard that a packet was made for.
pub(crate) fn shard_of(packet: &str) -> u16 {
    PacketId::parse(packet).expect("a packet's id").shard()
}

/// Sends packets until there is one on this shard; all that were sent.
pub(crate) async fn give_until_on(sender: &Person, draft: &Draft, shard: u16) -> Vec<String> {
    let mut packets = Vec::new();
    for _ in 0..200 {
        packets.push(sender.give(draft).await);
        if packets.last().is_some_and(|packet| shard_of(packet) == shard) {
            return packets;
        }
    }
    panic!("of 200 packets none is on shard {shard}");
}

/// A packet on this shard.
pub(crate) async fn give_on(sender: &Person, draft: &Draft, shard: u16) -> String {
    give_until_on(sender, draft, shard).await.pop().expect("the last one")
}

/// An operator of a stack.
pub(crate) fn operator(scene: &Scene<'_>) -> Person {
    scene.bearer("operator", &scene.stack.operator_token().expect("a token"))
}

/// Has an operator put something.
pub(crate) async fn put(operator: &Person, path: &str, body: &Value) -> Reply {
    Reply::checked(path, operator.call(Method::PUT, path).json(body).send().await)
}

/// Grabs from a device.
pub(crate) async fn grab_from(person: &Person, device: &str, packet: &str) -> Reply {
    let path = format!("/v1/packets/{packet}/grab");
    let call = person.call(Method::POST, &path).header("x-device-id", device.as_bytes());
    Reply::checked(&path, call.json(&json!({})).send().await)
}

/// What the risk rules have seen, settled: pairs of rule and action, newest first, of one person.
pub(crate) async fn sightings(stack: &Stack, operator: &Person, who: &Person) -> Vec<(String, String)> {
    stack.sweep().expect("a sweep");
    let page = operator.get("/v1/admin/risk-events?limit=100").await.granted(200);
    let events = page["events"].as_array().expect("events").iter();
    let of_person = events.filter(|event| event["user"] == who.id.as_str());
    let pair = |event: &Value| (text(event, "rule"), text(event, "action"));
    of_person.map(pair).collect()
}

fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_default().to_owned()
}

/// Runs a command of Redis.
pub(crate) fn ask<T: FromRedisValue>(server: &Redis, command: &str, arguments: &[&str]) -> T {
    let mut connection = redis::Client::open(server.url()).expect("an address").get_connection().expect("Redis");
    redis::cmd(command).arg(arguments).query(&mut connection).unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// How often a command ran on a server since it began.
pub(crate) fn calls(server: &Redis, command: &str) -> u64 {
    let info: String = ask(server, "INFO", &["commandstats"]);
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}
