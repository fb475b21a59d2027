//! Whom one may send to: a group one is a member of, now, or another person.

use hongbao_tests::person::{PURSE_FEN, text};
use hongbao_tests::{Draft, Scene};
use serde_json::json;

#[tokio::test]
async fn who_is_no_member_sends_nothing_to_a_group() {
    let scene = Scene::new("outside");
    let alice = scene.person("alice").await;
    let (mallory, group) = (scene.login("mallory", &["g_elsewhere"]).await, scene.group());
    for kind in ["lucky", "equal"] {
        let draft = Draft::new(kind, 100, 2, &group);
        mallory.post("/v1/wrap", &draft.body()).await.refused(404, "not_found", None);
    }
    // A group of nobody looks the same.
    mallory.post("/v1/wrap", &Draft::new("lucky", 100, 2, "g_nobodys").body()).await.refused(404, "not_found", None);
    let listed = alice.get(&format!("/v1/groups/{group}/packets")).await.granted(200);
    assert_eq!(listed["packets"], json!([]));
    assert_eq!(mallory.balance().await, PURSE_FEN);
    mallory.give(&Draft::new("lucky", 100, 2, "g_elsewhere")).await;
}

/// The quote is five minutes good, the membership may end before; and another's token may not have the group at all.
#[tokio::test]
async fn membership_is_asked_for_again_when_the_packet_is_sent() {
    let scene = Scene::new("left");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let draft = Draft::new("lucky", 1_000, 2, &scene.group());
    let (unsent, sent) = (alice.wrap(&draft).await, alice.wrap(&draft).await);
    let first = alice.post("/v1/send", &json!({"quote": sent})).await.granted(201);

    let outside = scene.login("alice", &[]).await;
    outside.post("/v1/send", &json!({"quote": unsent})).await.refused(404, "not_found", None);
    assert_eq!(outside.balance().await, PURSE_FEN - 1_000, "nothing was booked");
    // What was sent answers the same for ever, and is the sender's to see.
    let again = outside.post("/v1/send", &json!({"quote": sent})).await.granted(200);
    assert_eq!((&again["packet_id"], &again["commitment"]), (&first["packet_id"], &first["commitment"]));
    let packet = text(&first, "packet_id");
    outside.see(&packet).await;
    outside.try_grab(&packet).await.refused(404, "not_found", None);
    outside.get(&format!("/v1/groups/{}/packets", scene.group())).await.refused(404, "not_found", None);
    let listed = bob.get(&format!("/v1/groups/{}/packets", scene.group())).await.granted(200);
    assert_eq!(listed["packets"].as_array().map(Vec::len), Some(1), "{listed}");
    bob.grab(&packet).await;

    // Back in the group, the same quote is good again.
    let back = scene.person("alice").await;
    back.post("/v1/send", &json!({"quote": unsent})).await.granted(201);
    assert_eq!(back.balance().await, PURSE_FEN - 2_000);
}

#[tokio::test]
async fn nobody_sends_to_themselves() {
    let scene = Scene::new("oneself");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    alice.post("/v1/wrap", &Draft::to_one(100, &alice.id).body()).await.refused(400, "invalid_request", Some("to"));
    assert_eq!(alice.balance().await, PURSE_FEN);
    // Another person need be in no group of mine.
    let stranger = scene.stranger("carol").await;
    let packet = alice.give(&Draft::to_one(100, &stranger.id)).await;
    bob.try_grab(&packet).await.refused(404, "not_found", None);
    assert_eq!(stranger.take(&packet).await, 100);
}
