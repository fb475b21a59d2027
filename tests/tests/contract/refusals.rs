//! Refusals that are outcomes of the rules: each with its row of the table, and nothing has changed.

use std::time::Duration;

use hongbao_tests::draft::in_ms;
use hongbao_tests::person::{PURSE_FEN, number};
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::{Value, json};

/// What a refusal must leave as it is: these wallets and this packet.
async fn snapshot(people: &[&Person], packet: Option<&str>) -> Vec<Value> {
    let mut facts = Vec::new();
    for person in people {
        let sent = person.get("/v1/me/packets?role=sent").await.granted(200);
        facts.push(json!([person.id, person.balance().await, sent["count"], sent["total_fen"]]));
        if let Some(packet) = packet {
            facts.push(person.see(packet).await);
        }
    }
    facts
}

#[tokio::test]
async fn who_comes_after_the_last_share_hears_sold_out() {
    let scene = Scene::new("sold-out");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("lucky", 100, 1, &scene.group())).await;
    bob.grab(&packet).await;
    let before = snapshot(&[&alice, &carol], Some(&packet)).await;
    for _ in 0..3 {
        carol.try_grab(&packet).await.refused(409, "sold_out", None);
    }
    assert_eq!(snapshot(&[&alice, &carol], Some(&packet)).await, before);
    // Grabbed by all and opened by all are both sold out; who has a share still has it.
    bob.take(&packet).await;
    carol.try_grab(&packet).await.refused(409, "sold_out", None);
    assert_eq!(bob.try_grab(&packet).await.granted(200)["seq"], 0);
}

#[tokio::test]
async fn who_has_less_than_the_total_hears_insufficient_balance() {
    let scene = Scene::new("poor");
    let alice = scene.person("alice").await;
    let all = Draft::new("equal", PURSE_FEN, 10, &scene.group());
    let too_much = all.clone().with("total_fen", PURSE_FEN + 1);
    alice.post("/v1/wrap", &too_much.body()).await.refused(402, "insufficient_balance", None);
    // Two quotes are good, but there is money for one: the second is refused when it is sent.
    let quotes = [alice.wrap(&all).await, alice.wrap(&all).await];
    alice.post("/v1/send", &json!({"quote": quotes[0]})).await.granted(201);
    let before = snapshot(&[&alice], None).await;
    for _ in 0..2 {
        alice.post("/v1/send", &json!({"quote": quotes[1]})).await.refused(402, "insufficient_balance", None);
    }
    alice.post("/v1/send", &json!({"quote": quotes[0]})).await.granted(200);
    assert_eq!(snapshot(&[&alice], None).await, before);
    assert_eq!(alice.balance().await, 0);
}

#[tokio::test]
async fn above_a_limit_is_told_with_the_limits_name() {
    let scene = Scene::new("limits");
    let alice = scene.person("alice").await;
    let before = snapshot(&[&alice], None).await;
    let group = scene.group();
    for (draft, limit) in [
        (Draft::new("lucky", 20_001, 1, &group), "limit_share_average_fen"),
        (Draft::new("equal", 40_001, 2, &group), "limit_share_average_fen"),
        (Draft::to_one(20_001, &alice.id), "limit_share_average_fen"),
        (Draft::new("lucky", 1_000, 101, &group), "limit_count"),
        (Draft::new("lucky", 1_000_000_000_000_000, 10, &group), "limit_share_average_fen"),
        (Draft::new("lucky", 1_000_000_000_000_000, 10_000, &group), "limit_count"),
    ] {
        alice.post("/v1/wrap", &draft.body()).await.refused(422, "limit_exceeded", Some(limit));
    }
    for at_the_limit in [Draft::new("lucky", 20_000, 1, &group), Draft::new("lucky", 100, 100, &group)] {
        alice.wrap(&at_the_limit).await;
    }
    assert_eq!(snapshot(&[&alice], None).await, before);
}

#[tokio::test]
async fn opening_what_another_grabbed_or_nobody_grabbed_is_refused() {
    let scene = Scene::new("not-mine");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let bobs = bob.grab(&packet).await;
    let before = snapshot(&[&alice, &bob, &carol], Some(&packet)).await;
    carol.try_open(&packet, &bobs).await.refused(400, "invalid_voucher", None);
    assert_eq!(snapshot(&[&alice, &bob, &carol], Some(&packet)).await, before);
}

#[tokio::test]
async fn too_early_is_told_with_the_time_to_come_back() {
    let scene = Scene::new("early");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let starts_at_ms = in_ms(Duration::from_secs(3_600));
    let draft = Draft::new("lucky", 100, 2, &scene.group()).with("starts_at_ms", starts_at_ms);
    let packet = alice.give(&draft).await;
    let before = snapshot(&[&alice, &bob], Some(&packet)).await;
    let early = bob.try_grab(&packet).await.refused(425, "not_started", None);
    let wait_ms = number(&early["error"], "retry_after_ms");
    let right_ms = starts_at_ms - in_ms(Duration::ZERO);
    assert!((right_ms - 2_000..=right_ms + 2_000).contains(&wait_ms), "{early}");
    assert_eq!(snapshot(&[&alice, &bob], Some(&packet)).await, before);
}

#[tokio::test]
async fn after_the_end_nothing_can_be_grabbed_and_expired_is_not_sold_out() {
    let scene = Scene::new("late");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group()).for_seconds(1)).await;
    alice.sees_it_become(&packet, "expired").await;
    let before = snapshot(&[&alice, &bob], Some(&packet)).await;
    bob.try_grab(&packet).await.refused(410, "expired", None);
    assert_eq!(snapshot(&[&alice, &bob], Some(&packet)).await, before);
    until("the refund", || async { (alice.balance().await == PURSE_FEN).then_some(()) }).await;
}
