//! Who sees what of a packet.

use hongbao_tests::person::{PURSE_FEN, shares};
use hongbao_tests::{Draft, Person, Scene};
use serde_json::Value;

fn users(packet: &Value) -> Vec<&str> {
    shares(packet).iter().filter_map(|share| share["user"].as_str()).collect()
}

#[tokio::test]
async fn others_shares_are_for_those_who_opened_one_and_for_the_sender() {
    let scene = Scene::new("sight");
    let [alice, bob, carol, dan] = scene.people(["alice", "bob", "carol", "dan"]).await;
    let packet = alice.give(&Draft::new("lucky", 900, 3, &scene.group())).await;
    bob.take(&packet).await;
    carol.grab(&packet).await;

    let by_dan = dan.see(&packet).await;
    assert_eq!((users(&by_dan), &by_dan["grabbed"], &by_dan["opened"]), (vec![], &2.into(), &1.into()));
    assert_eq!(users(&carol.see(&packet).await), Vec::<&str>::new(), "who only grabbed has seen nothing");
    assert_eq!(users(&bob.see(&packet).await), [&bob.id]);
    assert_eq!(users(&alice.see(&packet).await), [&bob.id]);

    let voucher = carol.grab(&packet).await;
    carol.try_open(&packet, &voucher).await.granted(200);
    assert_eq!(users(&carol.see(&packet).await), [&bob.id, &carol.id]);
    assert_eq!(users(&dan.see(&packet).await), Vec::<&str>::new());
    let erin = scene.person("erin").await;
    erin.take(&packet).await;
    // It is finished: everybody in the group may look.
    assert_eq!(users(&dan.see(&packet).await), [&bob.id, &carol.id, &erin.id]);
}

#[tokio::test]
async fn the_seed_is_a_secret_until_the_packet_is_over() {
    let scene = Scene::new("seed");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("lucky", 900, 2, &scene.group())).await;
    assert_eq!(alice.see(&packet).await["seed"], Value::Null, "not even the sender");
    bob.take(&packet).await;
    assert_eq!(bob.see(&packet).await["seed"], Value::Null);
    let voucher = carol.grab(&packet).await;
    assert_eq!(carol.see(&packet).await["seed"], Value::Null, "all grabbed is not all opened");
    carol.try_open(&packet, &voucher).await.granted(200);
    assert_eq!(bob.see(&packet).await["seed"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn for_a_stranger_a_packet_looks_like_none() {
    let scene = Scene::new("stranger");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let stranger = scene.stranger("stranger").await;
    let packet = alice.give(&Draft::new("lucky", 900, 2, &scene.group())).await;
    let voucher = bob.grab(&packet).await;
    // The same id but for its last character: it was never sent.
    let last = if packet.ends_with('0') { '1' } else { '0' };
    let unknown = format!("{}{last}", &packet[..packet.len() - 1]);

    let mut errors = Vec::new();
    for id in [&packet, &unknown] {
        errors.extend(refusals(&stranger, id, &voucher).await);
    }
    errors.extend(refusals(&alice, &unknown, &voucher).await);
    assert!(errors.iter().all(|error| *error == errors[0]), "they can be told apart: {errors:?}");
    assert_eq!(alice.see(&packet).await["grabbed"], 1);
    assert_eq!(stranger.balance().await, PURSE_FEN);
}

/// What this person is told about this packet, without the request's id.
async fn refusals(person: &Person, packet: &str, voucher: &str) -> Vec<Value> {
    let replies = [
        person.get(&format!("/v1/packets/{packet}")).await,
        person.try_grab(packet).await,
        person.try_open(packet, voucher).await,
    ];
    let told = replies.map(|reply| {
        let mut body = reply.refused(404, "not_found", None);
        body["error"]["request_id"] = Value::Null;
        body
    });
    told.to_vec()
}
