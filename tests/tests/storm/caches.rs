//! What an instance remembers spares Redis, and never hides anything from who has a share.

use std::time::Duration;

use hongbao_core::PacketId;
use hongbao_tests::person::number;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::json;

use crate::site::{calls, operator};

/// How many come too late.
const LATE: usize = 60;

async fn late_ones_cost_nothing(scene: &Scene<'_>, packet: &str, code: &str) {
    let late = scene.person("late").await;
    let server = &scene.stack.redis[0];
    // At first every instance has to ask.
    let asked = || async {
        let before = calls(server, "evalsha");
        late.try_grab(packet).await;
        (calls(server, "evalsha") == before).then_some(())
    };
    until("memory has the answer", asked).await;
    let before = calls(server, "evalsha");
    for _ in 0..LATE {
        assert_eq!(late.try_grab(packet).await.code(), code);
    }
    let scripts = calls(server, "evalsha") - before;
    println!("{LATE} times {code}: {scripts} scripts");
    // Counts are told by a script, once a second; and what is remembered is looked at again now and then.
    assert!(scripts < 20, "{scripts} scripts for {LATE} answers");
}

#[tokio::test]
async fn sold_out_costs_no_redis_call_after_the_first_and_who_has_a_share_is_served() {
    let stack = start("sold-out", |_| {});
    let scene = Scene::on(&stack, "sold-out");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 20, 2, &scene.group())).await;
    let first = bob.try_grab(&packet).await.granted(200);
    carol.grab(&packet).await;
    late_ones_cost_nothing(&scene, &packet, "sold_out").await;
    let again = bob.try_grab(&packet).await.granted(200);
    assert_eq!((number(&again, "seq"), &again["voucher"]), (number(&first, "seq"), &first["voucher"]));
    assert_eq!((bob.take(&packet).await, carol.take(&packet).await), (10, 10));
    late_ones_cost_nothing(&scene, &packet, "sold_out").await;

    let office = operator(&scene);
    let hits = || async {
        let page = office.call(hongbao_client::Method::GET, "/metrics").send().await.expect("an answer").text();
        let of = |family: &str| {
            let line = format!("{family}{{cache=\"over\"}} ");
            let value = page.lines().find_map(|found| found.strip_prefix(&line)).expect("a sample");
            value.parse::<i64>().expect("a number")
        };
        let (hits, misses) = (of("hongbao_cache_hits_total"), of("hongbao_cache_misses_total"));
        bob.try_grab(&packet).await; // Its instance tells what it has counted.
        (hits >= 64 && hits > misses).then_some((hits, misses))
    };
    println!("hits and misses: {:?}", until("the hit rate is in the metrics", hits).await);
}

#[tokio::test]
async fn a_packet_that_is_over_costs_no_redis_call_either() {
    let stack = start("over", |_| {});
    let scene = Scene::on(&stack, "over");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 20, 2, &scene.group()).for_seconds(1)).await;
    let first = bob.try_grab(&packet).await.granted(200);
    alice.sees_it_become(&packet, "expired").await;
    late_ones_cost_nothing(&scene, &packet, "expired").await;
    assert_eq!(bob.try_grab(&packet).await.granted(200)["seq"], first["seq"]);
}

#[tokio::test]
async fn an_ended_packet_is_seen_the_same_from_memory() {
    let stack = start("ended", |_| {});
    let scene = Scene::on(&stack, "ended");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("lucky", 200, 2, &scene.group())).await;
    bob.take(&packet).await;
    carol.take(&packet).await;
    let seen = alice.sees_it_become(&packet, "finished").await;
    let (server, settled) = (&stack.redis[0], seen.clone());
    let remembered = || async {
        let before = calls(server, "hgetall");
        assert_eq!(alice.see(&packet).await, settled);
        (calls(server, "hgetall") == before).then_some(())
    };
    until("the end is remembered", remembered).await;
    // But for the reader's own share, everybody sees the same.
    let mut of_bob = bob.see(&packet).await;
    assert_eq!(of_bob["my_share"], of_bob["shares"][0]);
    of_bob["my_share"] = seen["my_share"].clone();
    assert_eq!(of_bob, seen);
    let stranger = scene.stranger("stranger").await;
    stranger.get(&format!("/v1/packets/{packet}")).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn preheating_finds_what_is_there_and_loads_what_is_not() {
    let stack = start("preheat", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "preheat");
    let alice = scene.person("alice").await;
    let office = operator(&scene);
    let start_ms = hongbao_tests::draft::in_ms(Duration::from_secs(120));
    let draft = Draft::new("equal", 20, 2, &scene.group()).with("starts_at_ms", start_ms);
    let packet = alice.give(&draft).await;
    let preheat = async |body| office.post("/v1/admin/preheat", &body).await;
    let found = json!({"packets": 1, "loaded": 0, "shards": 1});
    assert_eq!(preheat(json!({})).await.granted(200), found);
    assert_eq!(preheat(json!({"packets": [packet]})).await.granted(200), found);
    // As if the send had stopped between the ledger and the race.
    crate::site::ask::<i64>(&stack.redis[0], "DEL", &[&format!("hb:{{0}}:p:{packet}")]);
    assert_eq!(preheat(json!({"packets": [packet]})).await.granted(200)["loaded"], 1);
    early(&alice, &packet).await;
    let many: Vec<_> = (0..101).map(|_| packet.clone()).collect();
    for unknown in [PacketId::new(1, 0, 7), PacketId::new(1, 999, 7)] {
        let body = json!({"packets": [packet, unknown]});
        preheat(body).await.refused(404, "not_found", None); // Also of a shard that there is not.
    }
    preheat(json!({"packets": many})).await.refused(400, "invalid_request", Some("packets"));
}

async fn early(person: &Person, packet: &str) {
    let refused = person.try_grab(packet).await.refused(425, "not_started", None);
    let wait_ms = number(&refused["error"], "retry_after_ms");
    assert!((100_000..=120_000).contains(&wait_ms), "{refused}");
}
