//! Every contradiction, made for real, lands in exceptions; each is retried, compensated or dismissed, once.

use hongbao_core::PacketId;
use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::json;

use crate::office::{Office, because};

/// A packet of four equal shares, of which bob has the first.
async fn packet_with_a_share_taken(scene: &Scene<'_>, alice: &Person, bob: &Person) -> String {
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    assert_eq!(bob.take(&packet).await, 250);
    bob.comes_to_hold(PURSE_FEN + 250).await;
    packet
}

#[tokio::test]
async fn a_share_claimed_twice_is_shown_with_its_evidence_and_compensated_once() {
    let scene = Scene::new("twice");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let office = Office::of(&scene);
    let packet = packet_with_a_share_taken(&scene, &alice, &bob).await;
    let entry = format!("open {packet} 1 0 {} 1700000000000", eve.id);
    office.forge(&entry);

    let exception = office.exception(&packet).await;
    assert_eq!((&exception["reason"], &exception["state"]), (&json!("share_claimed_twice"), &json!("open")));
    let evidence = &exception["evidence"];
    assert_eq!(
        (&evidence["entry"], &evidence["user"], &evidence["amount_fen"]),
        (&json!(entry), &json!(eve.id), &json!(250))
    );
    assert_eq!(evidence["conflicts"].as_array().map(Vec::len), Some(1), "{evidence}");
    assert_eq!((&evidence["conflicts"][0]["user"], &evidence["conflicts"][0]["seq"]), (&json!(bob.id), &json!(0)));
    let summary = &evidence["packet"];
    assert_eq!(
        (&summary["sender"], &summary["settled"], &summary["escrow_fen"]),
        (&json!(alice.id), &json!(1), &json!(750))
    );

    // Tried again it still is one: nothing changes but that the attempt is on record.
    let id = text(&exception, "id");
    let retried = office.resolve(&exception, "retry", &because("once more")).await.granted(200);
    assert_eq!((&retried["state"], &retried["resolution"]), (&json!("open"), &json!(null)));
    assert_eq!((office.acts_on(&id), eve.balance().await), (1, PURSE_FEN));

    let paid = office.resolve(&exception, "compensate", &because("our fault")).await.granted(200);
    assert_eq!(paid["state"], "resolved");
    assert_eq!((&paid["resolution"]["act"], &paid["resolution"]["amount_fen"]), (&json!("compensate"), &json!(250)));
    assert_eq!(
        (&paid["resolution"]["operator"], &paid["resolution"]["reason"]),
        (&json!("operator"), &json!("our fault"))
    );
    assert_eq!(office.resolve(&exception, "compensate", &because("our fault")).await.granted(200), paid);
    let amount = json!({"reason": "our fault", "amount_fen": 250});
    assert_eq!(office.resolve(&exception, "compensate", &amount).await.granted(200), paid);
    for (remedy, body) in [
        ("compensate", because("another reason")),
        ("compensate", json!({"reason": "our fault", "amount_fen": 251})),
        ("dismiss", because("our fault")),
        ("retry", because("our fault")),
    ] {
        office.resolve(&exception, remedy, &body).await.refused(409, "conflict", None);
    }
    assert_eq!(office.acts_on(&id), 2);
    assert_eq!(eve.balance().await, PURSE_FEN + 250);
    assert_eq!(office.exceptions(&packet).await, Vec::<serde_json::Value>::new());
    let resolved = office.get("/v1/admin/exceptions?state=resolved&limit=100").await;
    assert!(resolved["exceptions"].as_array().expect("a list").contains(&paid), "{resolved}");
    // Not from the packet: its escrow holds what it held.
    assert_eq!(office.number(&format!("SELECT balance_fen FROM accounts WHERE id = 'packet:{packet}'")), 750);
    office.books_balance();
}

#[tokio::test]
async fn five_operators_at_once_compensate_once() {
    let scene = Scene::new("five");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let office = Office::of(&scene);
    let packet = packet_with_a_share_taken(&scene, &alice, &bob).await;
    office.forge(&format!("open {packet} 1 0 {} 1700000000000", eve.id));
    let exception = office.exception(&packet).await;
    let body = json!({"reason": "same", "amount_fen": 70});
    let replies = futures::future::join_all((0..5).map(|_| office.resolve(&exception, "compensate", &body))).await;
    let bodies: Vec<_> = replies.into_iter().map(|reply| reply.granted(200)).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    assert_eq!(eve.balance().await, PURSE_FEN + 70);
    office.books_balance();
}

#[tokio::test]
async fn a_user_with_two_shares_an_impossible_share_and_a_second_close_are_dismissed() {
    let scene = Scene::new("dismissed");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let office = Office::of(&scene);
    let packet = packet_with_a_share_taken(&scene, &alice, &bob).await;
    let cases = [
        (format!("open {packet} 1 1 {} 1700000000000", bob.id), "user_claimed_twice"),
        (format!("open {packet} 1 99 {} 1700000000000", alice.id), "escrow_empty"),
    ];
    for (entry, reason) in cases {
        office.forge(&entry);
        let exception = office.exception(&entry).await;
        assert_eq!(exception["reason"], reason, "{exception}");
        let done = office.resolve(&exception, "dismiss", &because("a forgery")).await.granted(200);
        assert_eq!(done["state"], "resolved");
        assert_eq!(office.resolve(&exception, "dismiss", &because("a forgery")).await.granted(200), done);
        office.resolve(&exception, "dismiss", &because("other")).await.refused(409, "conflict", None);
    }
    let short = alice.give(&Draft::new("equal", 300, 3, &scene.group()).for_seconds(1)).await;
    alice.sees_it_become(&short, "expired").await;
    let entry = format!("close {short} 1 2 1700000000000");
    office.forge(&entry);
    let exception = office.exception(&entry).await;
    assert_eq!(exception["reason"], "closed_twice");
    office.resolve(&exception, "retry", &because("again")).await.granted(200);
    office.resolve(&exception, "dismiss", &because("a forgery")).await.granted(200);
    assert_eq!(bob.balance().await, PURSE_FEN + 250);
    office.books_balance();
}

#[tokio::test]
async fn an_unknown_packet_is_paid_only_with_an_amount_and_poison_to_nobody() {
    let scene = Scene::new("unknown");
    let eve = scene.person("eve").await;
    let office = Office::of(&scene);
    let unknown = PacketId::new(1_700_000_000_000, 0, 77).to_string();
    office.forge(&format!("open {unknown} 1 0 {} 1700000000000", eve.id));
    let exception = office.exception(&unknown).await;
    assert_eq!((&exception["reason"], &exception["evidence"]["packet"]), (&json!("unknown_packet"), &json!(null)));
    let refused = office.resolve(&exception, "compensate", &because("lost")).await;
    refused.refused(400, "invalid_request", Some("amount_fen"));
    let retried = office.resolve(&exception, "retry", &because("lost")).await.granted(200);
    assert_eq!(retried["state"], "open");
    office.resolve(&exception, "compensate", &json!({"reason": "lost", "amount_fen": 33})).await.granted(200);
    assert_eq!(eve.balance().await, PURSE_FEN + 33);

    let poison = "open sesame 芝麻";
    office.forge(poison);
    let exception = office.exception(poison).await;
    assert_eq!((&exception["reason"], &exception["packet_id"]), (&json!("poison"), &json!(null)));
    let refused = office.resolve(&exception, "compensate", &json!({"reason": "r", "amount_fen": 1})).await;
    refused.refused(400, "invalid_request", Some("id"));
    assert_eq!(office.resolve(&exception, "retry", &because("r")).await.granted(200)["state"], "open");
    assert_eq!(office.resolve(&exception, "dismiss", &because("garbage")).await.granted(200)["state"], "resolved");
    office.books_balance();
}

/// A share that could not be paid because the escrow was wrong, is paid by a retry once the escrow is right again.
#[tokio::test]
async fn a_retry_settles_what_can_be_settled_now_and_only_once() {
    let scene = Scene::new("retried");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let office = Office::of(&scene);
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    let escrow = format!("UPDATE accounts SET balance_fen = balance_fen - 1000 WHERE id = 'packet:{packet}'");
    office.tamper(&escrow);
    assert_eq!(bob.take(&packet).await, 250);
    let waits = || async { office.exceptions(&packet).await.into_iter().next() };
    let exception = until("the share is on record", waits).await;
    assert_eq!((&exception["reason"], bob.balance().await), (&json!("escrow_empty"), PURSE_FEN));
    office.tamper(&escrow.replace('-', "+"));

    let id = text(&exception, "id");
    let settled = office.resolve(&exception, "retry", &because("the escrow is right again")).await.granted(200);
    assert_eq!((&settled["state"], &settled["resolution"]["act"]), (&json!("resolved"), &json!("retry")));
    assert_eq!(bob.balance().await, PURSE_FEN + 250);
    let again = office.resolve(&exception, "retry", &because("the escrow is right again")).await.granted(200);
    assert_eq!(again, settled);
    office.resolve(&exception, "compensate", &because("too")).await.refused(409, "conflict", None);
    assert_eq!((office.acts_on(&id), bob.balance().await), (1, PURSE_FEN + 250));
    assert_eq!(number(&settled["evidence"]["packet"], "settled"), 1);
    office.books_balance();
}

#[tokio::test]
async fn pages_show_every_exception_once_however_many_came_at_once() {
    let scene = Scene::new("pages");
    let office = Office::of(&scene);
    for n in 0..7 {
        office.forge(&format!("nonsense of the pages {n}"));
    }
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page = office.get(&format!("/v1/admin/exceptions?limit=2{before}")).await;
        seen.extend(page["exceptions"].as_array().expect("a list").iter().map(|one| one["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        // As some clients write it.
        before = format!("&before={}", next.replace(':', "%3A"));
    }
    let all = seen.len();
    seen.sort_by_key(ToString::to_string);
    seen.dedup();
    assert_eq!(seen.len(), all, "one came twice");
    assert!(all >= 7, "{all}");
}
