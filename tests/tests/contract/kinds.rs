//! The whole path for every kind of packet.

use std::time::Duration;

use hongbao_core::split::{Kind, Shares, commitment, hex};
use hongbao_core::{Fen, PacketId, sign};
use hongbao_tests::draft::in_ms;
use hongbao_tests::person::{PURSE_FEN, number, shares, text};
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::{Value, json};

/// Everybody takes a share; the amounts in order of `seq`.
async fn all_take(people: &[&Person], packet: &str) -> Vec<i64> {
    let mut amounts = Vec::new();
    for (seq, person) in people.iter().enumerate() {
        let grabbed = person.try_grab(packet).await.granted(200);
        assert_eq!(grabbed["packet_id"], packet);
        assert_eq!(grabbed["seq"], seq);
        let opened = person.try_open(packet, &text(&grabbed, "voucher")).await.granted(200);
        assert_eq!((&opened["packet_id"], &opened["seq"]), (&json!(packet), &json!(seq)));
        amounts.push(number(&opened, "amount_fen"));
    }
    amounts
}

/// The amounts that follow from a finished packet's seed, once the seed is shown to be the promised one.
fn proven_amounts(seen: &Value, kind: Kind) -> Vec<i64> {
    let id = PacketId::parse(&text(seen, "packet_id")).expect("a packet's id");
    let seed = sign::parse_hex(&text(seen, "seed")).expect("64 hexadecimal digits");
    assert_eq!(seen["commitment"], hex(&commitment(id, &seed)), "the seed is the promised one");
    let total = Fen::new(number(seen, "total_fen")).expect("an amount");
    let count = u32::try_from(number(seen, "count")).expect("a count");
    Shares::new(kind, &seed, total, count).expect("a packet that can be split").map(Fen::get).collect()
}

#[tokio::test]
async fn a_lucky_packet_goes_from_one_wallet_to_many_and_proves_its_luck() {
    let scene = Scene::new("lucky");
    let [alice, bob, carol, dan] = scene.people(["alice", "bob", "carol", "dan"]).await;
    let draft = Draft::new("lucky", 1_000, 3, &scene.group()).with("greeting", "恭喜发财").with("cover", "horse");
    let wrapped = alice.post("/v1/wrap", &draft.body()).await.granted(200);
    assert_eq!((number(&wrapped, "total_fen"), number(&wrapped, "count")), (1_000, 3));
    assert_eq!(number(&wrapped, "balance_fen"), PURSE_FEN);
    let valid_ms = number(&wrapped, "quote_expires_at_ms") - in_ms(Duration::ZERO);
    assert!((290_000..=300_000).contains(&valid_ms), "a quote is valid for 5 minutes: {valid_ms}");

    let sent = alice.post("/v1/send", &json!({"quote": wrapped["quote"]})).await.granted(201);
    let packet = text(&sent, "packet_id");
    assert_eq!(sent["state"], "open");
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000, "the total is in escrow at once");

    let amounts = all_take(&[&bob, &carol, &dan], &packet).await;
    assert_eq!(amounts.iter().sum::<i64>(), 1_000);
    let seen = bob.sees_it_become(&packet, "finished").await;
    for (field, value) in [
        ("sender", json!(alice.id)),
        ("kind", json!("lucky")),
        ("greeting", json!("恭喜发财")),
        ("cover", json!("horse")),
        ("grabbed", json!(3)),
        ("opened", json!(3)),
        ("refunded_fen", json!(0)),
        ("commitment", sent["commitment"].clone()),
        ("expires_at_ms", sent["expires_at_ms"].clone()),
    ] {
        assert_eq!(seen[field], value, "{field}");
    }
    assert_eq!(number(&seen, "expires_at_ms") - number(&seen, "starts_at_ms"), 24 * 3_600_000);
    assert_eq!(proven_amounts(&seen, Kind::Lucky), amounts);
    for (person, amount) in [&bob, &carol, &dan].into_iter().zip(&amounts) {
        person.comes_to_hold(PURSE_FEN + amount).await;
    }
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000);
}

/// The shares are opened in another order than they were grabbed; in the second packet all three tie.
#[tokio::test]
async fn the_best_luck_is_the_largest_share_of_a_draw_and_the_earliest_opening_wins_a_tie() {
    let scene = Scene::new("best");
    let [alice, bob, carol, dan] = scene.people(["alice", "bob", "carol", "dan"]).await;
    for total_fen in [5_000, 3] {
        let packet = alice.give(&Draft::new("lucky", total_fen, 3, &scene.group())).await;
        let mut vouchers = Vec::new();
        for person in [&bob, &carol, &dan] {
            vouchers.push((person, person.grab(&packet).await));
        }
        for (person, voucher) in vouchers.iter().rev() {
            assert!(shares(&alice.see(&packet).await).iter().all(|share| share["best"] == false), "not before the end");
            person.try_open(&packet, voucher).await.granted(200);
        }
        let seen = bob.see(&packet).await;
        let rank = |share: &&Value| (-number(share, "amount_fen"), number(share, "opened_at_ms"), number(share, "seq"));
        let expected = shares(&seen).iter().min_by_key(rank).expect("three shares");
        let best: Vec<&Value> = shares(&seen).iter().filter(|share| share["best"] == true).collect();
        assert_eq!(best, [expected], "{seen}");
    }
}

#[tokio::test]
async fn nobody_is_lucky_where_nothing_was_drawn() {
    let scene = Scene::new("undrawn");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let equal = alice.give(&Draft::new("equal", 11, 2, &scene.group())).await;
    let alone = alice.give(&Draft::new("lucky", 500, 1, &scene.group())).await;
    let exclusive = alice.give(&Draft::to_one(400, &bob.id)).await;
    carol.take(&equal).await;
    for packet in [&equal, &alone, &exclusive] {
        bob.take(packet).await;
        let seen = bob.sees_it_become(packet, "finished").await;
        assert!(shares(&seen).iter().all(|share| share["best"] == false), "{seen}");
    }
    let paid = || async {
        let page = bob.get("/v1/me/packets?role=received").await.granted(200);
        (number(&page, "count") == 3).then_some(page)
    };
    assert_eq!(number(&until("bob's shares are settled", paid).await, "best_luck_count"), 0);
}

#[tokio::test]
async fn an_equal_packet_gives_the_odd_fen_to_the_first() {
    let scene = Scene::new("equal");
    let [alice, bob, carol, dan] = scene.people(["alice", "bob", "carol", "dan"]).await;
    let packet = alice.give(&Draft::new("equal", 1_001, 3, &scene.group())).await;
    assert_eq!(all_take(&[&bob, &carol, &dan], &packet).await, [334, 334, 333]);
    assert_eq!(proven_amounts(&dan.see(&packet).await, Kind::Equal), [334, 334, 333]);
}

#[tokio::test]
async fn the_sender_may_have_a_share_of_the_own_packet() {
    let scene = Scene::new("own");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 500, 1, &scene.group())).await;
    assert_eq!(alice.take(&packet).await, 500);
    alice.comes_to_hold(PURSE_FEN).await;
}

#[tokio::test]
async fn an_exclusive_packet_is_for_the_named_person_only() {
    let scene = Scene::new("exclusive");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let packet = alice.give(&Draft::to_one(888, &bob.id)).await;
    eve.try_grab(&packet).await.refused(404, "not_found", None);
    eve.get(&format!("/v1/packets/{packet}")).await.refused(404, "not_found", None);
    // The sender sees it, and has no share in it.
    assert_eq!(alice.see(&packet).await["to"], json!({"user": bob.id}));
    alice.try_grab(&packet).await.refused(404, "not_found", None);
    assert_eq!(bob.take(&packet).await, 888);
    bob.comes_to_hold(PURSE_FEN + 888).await;
}

#[tokio::test]
async fn a_password_packet_opens_to_its_word_only() {
    let scene = Scene::new("password");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let draft = Draft::new("lucky", 600, 1, &scene.group()).with("password", "马到成功");
    let packet = alice.give(&draft).await;
    let path = format!("/v1/packets/{packet}/grab");
    for wrong in [json!({}), json!({"password": "马到"}), json!({"password": ""})] {
        bob.post(&path, &wrong).await.refused(403, "wrong_password", None);
    }
    bob.post(&path, &json!({"password": null})).await.refused(400, "invalid_request", Some("password"));
    let seen = bob.see(&packet).await;
    assert_eq!((&seen["has_password"], &seen["grabbed"]), (&json!(true), &json!(0)));
    assert!(!seen.to_string().contains("马到成功"), "the word is not told: {seen}");
    let grabbed = bob.post(&path, &json!({"password": "马到成功"})).await.granted(200);
    let opened = bob.try_open(&packet, &text(&grabbed, "voucher")).await.granted(200);
    assert_eq!(number(&opened, "amount_fen"), 600);
}

#[tokio::test]
async fn a_scheduled_packet_opens_at_its_time_and_not_before() {
    let scene = Scene::new("scheduled");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let starts_at_ms = in_ms(Duration::from_millis(2_500));
    let draft = Draft::new("lucky", 700, 1, &scene.group()).with("starts_at_ms", starts_at_ms).for_seconds(60);
    let sent = alice.send(&draft).await;
    let packet = text(&sent, "packet_id");
    assert_eq!(sent["state"], "scheduled");
    assert_eq!(number(&sent, "expires_at_ms"), starts_at_ms + 60_000);
    assert_eq!(bob.see(&packet).await["state"], "scheduled");
    let early = bob.try_grab(&packet).await.refused(425, "not_started", None);
    let wait_ms = number(&early["error"], "retry_after_ms");
    assert!((1..=2_500).contains(&wait_ms), "{early}");

    let grabbed = until("the rain begins", || async {
        let reply = bob.try_grab(&packet).await;
        (reply.status == 200).then_some(reply.body)
    });
    let voucher = text(&grabbed.await, "voucher");
    assert!(in_ms(Duration::ZERO) >= starts_at_ms, "grabbed too early");
    let opened = bob.try_open(&packet, &voucher).await.granted(200);
    assert!(number(&opened, "opened_at_ms") >= starts_at_ms);
    assert_eq!(number(&opened, "amount_fen"), 700);
}
