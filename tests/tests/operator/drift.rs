//! Reconciliation finds what is wrong with the books, says where, stops the refund, and tells an operator once.

use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene, until};
use serde_json::json;

use crate::office::{Office, because};

#[tokio::test]
async fn drift_of_a_packet_stops_its_refund_until_a_retry_finds_it_sound() {
    let stack = start("drift", |_| {});
    let scene = Scene::on(&stack, "drift");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let office = Office::of(&scene);
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group()).for_seconds(3)).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    let sound = office.reconcile().await;
    assert_eq!((&sound["ok"], &sound["drift_fen"], &sound["next"]), (&json!(true), &json!(0), &json!(null)), "{sound}");
    assert_eq!(sound["checks"].as_array().map(Vec::len), Some(8), "{sound}");

    let escrow = format!("UPDATE accounts SET balance_fen = balance_fen - 100 WHERE id = 'packet:{packet}'");
    office.tamper(&escrow);
    for _ in 0..3 {
        let found = office.reconcile().await;
        assert_eq!((&found["ok"], number(&found, "drift_fen")), (&json!(false), 100), "{found}");
        let broken = Office::broken(&found);
        let names: Vec<_> = broken.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["postings_sum_to_zero", "balances_equal_postings", "packets_add_up"], "{broken:?}");
        assert!(broken[2].1.contains(&packet) && broken[2].1.contains("650"), "it says where: {broken:?}");
    }
    let exception = office.exception(&packet).await;
    assert_eq!((&exception["reason"], &exception["evidence"]["user"]), (&json!("drift"), &json!(alice.id)));
    assert!(exception["evidence"]["packet"]["frozen_at_ms"].is_i64(), "{exception}");
    assert_eq!(office.get("/v1/admin/stats").await["packets"]["frozen"], 1);

    // Its time is over and it is closed, but nothing goes back.
    let closed = format!("SELECT COUNT(*) FROM packets WHERE id = '{packet}' AND closed_opened = 1");
    until("the packet is closed", || async { (office.number(&closed) == 1).then_some(()) }).await;
    stack.sweep().expect("a sweep");
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000);
    let still = office.resolve(&exception, "retry", &because("is it sound?")).await.granted(200);
    assert_eq!(still["state"], "open");

    office.tamper(&escrow.replace('-', "+"));
    let sound = office.reconcile().await;
    assert_eq!(sound["ok"], true, "{sound}");
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000, "an operator has to look");
    let healed = office.resolve(&exception, "retry", &because("is it sound?")).await.granted(200);
    assert_eq!((&healed["state"], &healed["evidence"]["packet"]["frozen_at_ms"]), (&json!("resolved"), &json!(null)));
    assert_eq!(alice.balance().await, PURSE_FEN - 250, "the refund that waited");
    assert_eq!(office.resolve(&exception, "retry", &because("is it sound?")).await.granted(200), healed);
    let sound = office.reconcile().await;
    assert_eq!((&sound["ok"], alice.balance().await), (&json!(true), PURSE_FEN - 250), "{sound}");
    office.books_balance();

    // Drift that comes again later is another exception.
    office.tamper(&escrow.replace('-', "+"));
    office.reconcile().await;
    assert_ne!(text(&office.exception(&packet).await, "id"), text(&exception, "id"));
}

/// Nobody reconciled: the refund itself looks, and does not give away what is not the packet's.
#[tokio::test]
async fn a_refund_of_an_escrow_that_holds_something_else_stops_by_itself() {
    let stack = start("escrow", |_| {});
    let scene = Scene::on(&stack, "escrow");
    let alice = scene.person("alice").await;
    let office = Office::of(&scene);
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group()).for_seconds(1)).await;
    office.tamper(&format!("UPDATE accounts SET balance_fen = balance_fen + 7 WHERE id = 'packet:{packet}'"));
    let told = || async { office.exceptions(&packet).await.into_iter().next() };
    let exception = until("an exception", told).await;
    assert_eq!(exception["reason"], "drift");
    assert!(text(&exception["evidence"], "entry").contains("1007"), "{exception}");
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000);
    assert_eq!(office.reconcile().await["drift_fen"], 7);
    assert_eq!(office.exceptions(&packet).await.len(), 1);
    let dismissed = office.resolve(&exception, "dismiss", &because("looked into")).await.granted(200);
    assert!(dismissed["evidence"]["packet"]["frozen_at_ms"].is_i64(), "{dismissed}");
    office.reconcile().await;
    assert_eq!(office.exceptions(&packet).await.len(), 0, "it is not told again");
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000, "and it stays frozen");
}

#[tokio::test]
async fn every_other_drift_is_found_by_its_check() {
    let stack = start("checks", |_| {});
    let scene = Scene::on(&stack, "checks");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let office = Office::of(&scene);
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    let cases = [
        (
            "balances_equal_postings",
            "wallet:us_checks-bob",
            "UPDATE accounts SET balance_fen = balance_fen + 9 WHERE id = 'wallet:us_checks-bob'",
            "UPDATE accounts SET balance_fen = balance_fen - 9 WHERE id = 'wallet:us_checks-bob'",
        ),
        (
            "balances_equal_postings",
            "vault",
            "INSERT INTO accounts VALUES ('vault', 0)",
            "DELETE FROM accounts WHERE id = 'vault'",
        ),
        (
            "postings_sum_to_zero",
            "world",
            "UPDATE accounts SET balance_fen = balance_fen - 5 WHERE id = 'world'",
            "UPDATE accounts SET balance_fen = balance_fen + 5 WHERE id = 'world'",
        ),
        (
            "claims_equal_payouts",
            &packet,
            "UPDATE claims SET user = 'us_checks-eve'",
            "UPDATE claims SET user = 'us_checks-bob'",
        ),
        ("claims_equal_payouts", &packet, "UPDATE packets SET settled = 2", "UPDATE packets SET settled = 1"),
        (
            "refunds_wait_for_opens",
            &packet,
            "DROP TRIGGER packets_refund; UPDATE packets SET closed_opened = 1",
            "UPDATE packets SET closed_opened = NULL",
        ),
    ];
    for (check, subject, break_it, mend_it) in cases {
        office.tamper(break_it);
        let found = office.reconcile().await;
        let broken = Office::broken(&found);
        assert!(broken.iter().any(|(name, detail)| name == check && detail.contains(subject)), "{break_it}: {found}");
        let of_subject =
            format!("SELECT COUNT(*) FROM exceptions WHERE id LIKE 'ex_drift:{subject}:%' AND resolved_at_ms IS NULL");
        assert_eq!(office.number(&of_subject), 1, "{break_it}");
        office.tamper(mend_it);
        let mended = office.reconcile().await;
        assert_eq!(mended["ok"], true, "{mend_it}: {mended}");
        for exception in office.get("/v1/admin/exceptions?limit=100").await["exceptions"].as_array().expect("a list") {
            let done = office.resolve(exception, "retry", &because("mended")).await.granted(200);
            assert_eq!(done["state"], "resolved", "{done}");
        }
    }
    assert_eq!(carol.balance().await, PURSE_FEN);
    office.books_balance();
}

/// What the ledger paid and the race never decided, and what the race decided and the ledger never heard of.
#[tokio::test]
async fn the_race_and_the_ledger_are_compared() {
    let stack = start("compared", |_| {});
    let scene = Scene::on(&stack, "compared");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let office = Office::of(&scene);
    let forged = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    office.forge(&format!("open {forged} 1 2 {} 1700000000000", eve.id));
    eve.comes_to_hold(PURSE_FEN + 250).await;
    // The sweep reconciles too; whoever comes first puts it on record, and then it is known.
    office.reconcile().await;
    let drift = office.exception(&forged).await;
    assert_eq!(drift["reason"], "drift");
    assert!(text(&drift["evidence"], "entry").contains(&format!("paid to {}", eve.id)), "{drift}");

    let silent = alice.give(&Draft::new("equal", 400, 4, &scene.group())).await;
    office.redis("HSET", &[&format!("hb:{{0}}:p:{silent}"), &bob.id, "0:1700000000000", "g", "1", "o", "1"]);
    stack.sweep().expect("a sweep"); // Which settles that the packet is loaded.
    office.reconcile().await;
    let drift = office.exception(&silent).await;
    assert_eq!(drift["reason"], "drift");
    let entry = text(&drift["evidence"], "entry");
    assert!(entry.contains(&format!("share 0 was opened by {} and not paid", bob.id)), "{drift}");
}

#[tokio::test]
async fn a_changed_act_breaks_the_audit_where_it_was_changed() {
    let stack = start("audit", |_| {});
    let scene = Scene::on(&stack, "audit");
    let office = Office::of(&scene);
    for n in 1..=5 {
        let body = json!({"id": format!("a{n}"), "user": "us_audit", "amount_fen": n});
        office.ask(hongbao_client::Method::POST, "/v1/admin/deposits", &body).await.granted(200);
    }
    assert_eq!(office.reconcile().await["ok"], true);
    // Neither the application nor anybody with its rights gets that far.
    for forbidden in [
        "UPDATE audit SET reason = 'x'",
        "DELETE FROM audit",
        "UPDATE postings SET amount_fen = 1",
        "DELETE FROM postings",
    ] {
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| office.tamper(forbidden)));
        assert!(refused.is_err(), "{forbidden}");
    }
    office.tamper("DROP TRIGGER audit_keep; UPDATE audit SET amount_fen = 300 WHERE number = 3");
    let broken = Office::broken(&office.reconcile().await);
    assert_eq!(broken, [("audit_is_whole".to_owned(), "act 3 was changed after it was written".to_owned())]);
    office.tamper(
        "UPDATE audit SET amount_fen = 3 WHERE number = 3; DROP TRIGGER audit_stay; DELETE FROM audit WHERE number = 2",
    );
    let broken = Office::broken(&office.reconcile().await);
    assert_eq!(broken[0].1, "act 3 follows act 1: acts between are gone");
}

#[tokio::test]
async fn a_bounded_reconciliation_goes_on_where_it_stopped() {
    let stack = start("bounded", |_| {});
    let scene = Scene::on(&stack, "bounded");
    let alice = scene.person("alice").await;
    let office = Office::of(&scene);
    for _ in 0..5 {
        alice.give(&Draft::new("equal", 100, 2, &scene.group())).await;
    }
    office.tamper("UPDATE accounts SET balance_fen = balance_fen + 1 WHERE id = 'wallet:us_bounded-alice'");
    let (mut calls, mut found, mut after) = (0, 0, String::new());
    loop {
        let answer = office.get(&format!("/v1/admin/reconcile?limit=2{after}")).await;
        calls += 1;
        found += Office::broken(&answer).iter().filter(|(name, _)| name == "balances_equal_postings").count();
        let Some(next) = answer["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    // Five packets, their escrows, the wallet and suspense.
    assert_eq!((calls, found), (7, 1));
}
