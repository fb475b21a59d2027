//! Whom one may send to: a group one is a member of, now, or another person.

use hongbao_tests::person::{PURSE_FEN, number, text};
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

/// Who grabs and then leaves the group has what is theirs: the voucher is the right to it, then the share.
#[tokio::test]
async fn who_leaves_after_grabbing_opens_and_sees_what_is_theirs() {
    let scene = Scene::new("leavers");
    let [alice, bob, dan] = scene.people(["alice", "bob", "dan"]).await;
    let packet = alice.give(&Draft::new("lucky", 900, 3, &scene.group())).await;
    let (bobs, dans) = (bob.grab(&packet).await, dan.grab(&packet).await);

    let [bob, dan] = [scene.login("bob", &[]).await, scene.login("dan", &["g_elsewhere"]).await];
    let eve = scene.stranger("eve").await;
    for voucher in [bobs.as_str(), dans.as_str(), "k.A", "2026.AAAA", ""] {
        eve.try_open(&packet, voucher).await.refused(404, "not_found", None);
    }
    bob.try_open(&packet, &dans).await.refused(404, "not_found", None);
    eve.get(&format!("/v1/packets/{packet}")).await.refused(404, "not_found", None);
    // A share that is grabbed and not opened is a share.
    let seen = bob.see(&packet).await;
    assert_eq!((&seen["grabbed"], &seen["my_share"], &seen["shares"]), (&json!(2), &json!(null), &json!([])));

    let opened = bob.try_open(&packet, &bobs).await.granted(200);
    assert_eq!(bob.try_open(&packet, &bobs).await.granted(200), opened);
    let seen = bob.see(&packet).await;
    assert_eq!(seen["my_share"]["amount_fen"], opened["amount_fen"]);
    bob.comes_to_hold(PURSE_FEN + number(&opened, "amount_fen")).await;
    // As before: nobody takes a new share of what is not for them, or sees it.
    eve.try_grab(&packet).await.refused(404, "not_found", None);
    eve.get(&format!("/v1/packets/{packet}")).await.refused(404, "not_found", None);

    // Finished and paid, it is answered from memory or by the ledger, and the same.
    dan.try_open(&packet, &dans).await.granted(200);
    alice.take(&packet).await;
    alice.sees_it_become(&packet, "finished").await;
    for _ in 0..2 {
        assert_eq!(bob.see(&packet).await["my_share"]["amount_fen"], opened["amount_fen"]);
        assert_eq!(bob.try_open(&packet, &bobs).await.granted(200), opened);
        eve.get(&format!("/v1/packets/{packet}")).await.refused(404, "not_found", None);
    }
}
