//! An instance whose clock is wrong: Redis' clock decides about a packet, and the instance's shows nobody anything.

use std::fs;
use std::time::Duration;

use hongbao_tests::draft::in_ms;
use hongbao_tests::person::{number, shares, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::Value;

/// Far more than any packet here lives, and than any token was made ago.
const WRONG_MS: i64 = 600_000;

/// A stack whose components' clock is wrong by what is written to the path.
fn stack(name: &str) -> (hongbao_stack::Stack, std::path::PathBuf) {
    let mut path = std::path::PathBuf::new();
    let stack = start(name, |options| {
        path = options.dir.join("clock-offset-ms");
        options.arguments.extend(["--clock-offset-file".to_owned(), path.to_string_lossy().into_owned()]);
    });
    (stack, path)
}

/// Waits until the lists, which go by the instances' clock, say that the packet is in this state.
async fn listed_as(person: &Person, group: &str, packet: &str, state: &str) {
    let is_listed = || async {
        let page = person.get(&format!("/v1/groups/{group}/packets")).await.granted(200);
        let mut packets = page["packets"].as_array().expect("packets").iter();
        packets.any(|listed| listed["packet_id"] == packet && listed["state"] == state).then_some(())
    };
    until(&format!("{packet} is listed as {state}"), is_listed).await;
}

#[tokio::test]
async fn no_seed_is_shown_while_a_share_can_be_grabbed_whatever_the_instances_clock_says() {
    let (stack, offset) = stack("clock-ahead");
    let scene = Scene::on(&stack, "clock-ahead");
    let [alice, bob, carol, dan] = scene.people(["alice", "bob", "carol", "dan"]).await;
    let packet = alice.give(&Draft::new("lucky", 900, 3, &scene.group()).for_seconds(120)).await;
    bob.take(&packet).await;
    let voucher = carol.grab(&packet).await;
    fs::write(&offset, WRONG_MS.to_string()).expect("the clock can be set");
    listed_as(&dan, &scene.group(), &packet, "expired").await;

    for (person, sees) in [(&alice, 1), (&bob, 1), (&carol, 0), (&dan, 0)] {
        let seen = person.see(&packet).await;
        let shown = (&seen["seed"], &seen["state"], shares(&seen).len());
        assert_eq!(shown, (&Value::Null, &"open".into(), sees), "{}: {seen}", person.id);
    }
    // It is as it was shown: shares can be had and opened.
    carol.try_open(&packet, &voucher).await.granted(200);
    dan.take(&packet).await;
    assert_eq!(text(&alice.sees_it_become(&packet, "finished").await, "seed").len(), 64);
}

#[tokio::test]
async fn a_packet_opens_at_its_time_for_who_asks_an_instance_that_is_behind() {
    let (stack, offset) = stack("clock-behind");
    let scene = Scene::on(&stack, "clock-behind");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let scheduled = async |ms: u64| {
        let starts_at_ms = in_ms(Duration::from_millis(ms));
        let draft = Draft::new("lucky", 500, 1, &scene.group()).with("starts_at_ms", starts_at_ms).for_seconds(60);
        alice.give(&draft).await
    };
    let opened = scheduled(500).await;
    listed_as(&bob, &scene.group(), &opened, "open").await;
    fs::write(&offset, (-WRONG_MS).to_string()).expect("the clock can be set");
    listed_as(&bob, &scene.group(), &opened, "scheduled").await;

    let packet = scheduled(3_000).await;
    let refused = bob.try_grab(&packet).await.refused(425, "not_started", None);
    assert!(number(&refused["error"], "retry_after_ms") <= 3_000, "{refused}");
    let is_open = || async { (bob.try_grab(&packet).await.status == 200).then_some(()) };
    until("the packet opens", is_open).await;
    assert_eq!(bob.see(&packet).await["state"], "open");
}
