//! The end of a packet: each share is opened or goes back, never both.

use hongbao_tests::person::{PURSE_FEN, number, shares, text};
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::Value;

/// Waits until the packet's time is over; nothing need have gone back by then.
async fn time_is_over(person: &Person, packet: &str) {
    let is_over = || async { (person.see(packet).await["state"] == "expired").then_some(()) };
    until("the packet's time is over", is_over).await;
    person.try_grab(packet).await.refused(410, "expired", None);
}

#[tokio::test]
async fn what_nobody_opened_goes_back_once() {
    let scene = Scene::new("refund");
    let [alice, bob, carol, dan, erin] = scene.people(["alice", "bob", "carol", "dan", "erin"]).await;
    let packet = alice.give(&Draft::new("lucky", 3_000, 4, &scene.group()).for_seconds(2)).await;
    let amount = bob.take(&packet).await;
    let asleep = carol.grab(&packet).await;
    let opened_by_dan = dan.grab(&packet).await;
    let dans = dan.try_open(&packet, &opened_by_dan).await.granted(200);

    time_is_over(&erin, &packet).await;
    carol.try_open(&packet, &asleep).await.refused(410, "expired", None);
    // What was opened in time stays opened, and is answered as it was.
    assert_eq!(dan.try_open(&packet, &opened_by_dan).await.granted(200), dans);

    let seen = erin.sees_it_become(&packet, "expired").await;
    let rest = 3_000 - amount - number(&dans, "amount_fen");
    assert_eq!((number(&seen, "refunded_fen"), number(&seen, "grabbed"), number(&seen, "opened")), (rest, 3, 2));
    assert_eq!(shares(&seen).len(), 2);
    assert_eq!(shares(&seen).iter().filter(|share| share["best"] == true).count(), 0, "best luck is for finished ones");
    assert_eq!(text(&seen, "seed").len(), 64);
    alice.comes_to_hold(PURSE_FEN - 3_000 + rest).await;
    bob.comes_to_hold(PURSE_FEN + amount).await;
    assert_eq!(carol.balance().await, PURSE_FEN);

    // Sweeping on, again and again, gives nothing back twice.
    for _ in 0..3 {
        scene.stack.sweep().expect("a sweep");
    }
    assert_eq!(refunds(&alice, &packet).await, [rest]);
    assert_eq!(alice.balance().await, PURSE_FEN - 3_000 + rest);
}

#[tokio::test]
async fn a_packet_nobody_touched_goes_back_whole() {
    let scene = Scene::new("untouched");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let group = alice.give(&Draft::new("equal", 1_000, 5, &scene.group()).for_seconds(1)).await;
    let exclusive = alice.give(&Draft::to_one(400, &bob.id).for_seconds(1)).await;
    alice.sees_it_become(&group, "expired").await;
    alice.sees_it_become(&exclusive, "expired").await;
    assert_eq!(bob.see(&exclusive).await["refunded_fen"], 400);
    alice.comes_to_hold(PURSE_FEN).await;
}

#[tokio::test]
async fn a_sold_out_packet_with_a_sleeper_gives_the_sleepers_share_back() {
    let scene = Scene::new("sleeper");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 2, &scene.group()).for_seconds(2)).await;
    bob.take(&packet).await;
    let voucher = carol.grab(&packet).await;
    let seen = alice.sees_it_become(&packet, "expired").await;
    assert_eq!((&seen["grabbed"], &seen["opened"], &seen["refunded_fen"]), (&2.into(), &1.into(), &500.into()));
    carol.try_open(&packet, &voucher).await.refused(410, "expired", None);
    alice.comes_to_hold(PURSE_FEN - 500).await;
}

#[tokio::test]
async fn a_finished_packet_gives_nothing_back_when_its_time_is_over() {
    let scene = Scene::new("finished");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 1_000, 1, &scene.group()).for_seconds(1)).await;
    bob.take(&packet).await;
    // Another packet of the same length, sent later, ends later: when it is refunded, the first was swept.
    let later = alice.give(&Draft::new("lucky", 50, 1, &scene.group()).for_seconds(1)).await;
    alice.sees_it_become(&later, "expired").await;
    let seen = alice.see(&packet).await;
    assert_eq!((&seen["state"], &seen["refunded_fen"]), (&"finished".into(), &0.into()));
    assert_eq!(refunds(&alice, &packet).await, Vec::<i64>::new());
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000);
}

/// What came back from this packet, a posting each.
async fn refunds(person: &Person, packet: &str) -> Vec<i64> {
    let page = person.get("/v1/me/statement?limit=100").await.granted(200);
    let postings = page["postings"].as_array().expect("postings").clone();
    let back = |posting: &&Value| posting["id"] == format!("refund:{packet}");
    postings.iter().filter(back).map(|posting| number(posting, "change_fen")).collect()
}
