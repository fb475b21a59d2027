//! The journal's ids are ahead of the clock: set ahead, or left behind by a clock that stood ahead.

use std::time::Duration;

use hongbao_tests::draft::in_ms;
use hongbao_tests::ledger::Books;
use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};

use crate::{EVENTS, ask, operator};

const HOUR: Duration = Duration::from_secs(3_600);

/// Nothing that waits is called settled; and that it waits is told.
async fn waits(scene: &Scene<'_>, person: &Person, opened_at_ms: i64) {
    let me = person.get("/v1/me").await.granted(200);
    assert!(number(&me, "settled_through_ms") <= opened_at_ms, "opened at {opened_at_ms}, and {me}");
    let operator = operator(scene);
    let grows = || async {
        let stats = operator.get("/v1/admin/stats").await.granted(200);
        (number(&stats, "oldest_unsettled_ms") > 300).then_some(())
    };
    until("the age of what waits is told", grows).await;
}

async fn opened_at_ms(person: &Person, packet: &str) -> i64 {
    let voucher = person.grab(packet).await;
    number(&person.try_open(packet, &voucher).await.granted(200), "opened_at_ms")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_ahead_of_the_clock_are_not_taken_for_times() {
    let stack = start("ids", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "ids");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep");
    ask::<String>(&stack.redis[0], "XSETID", &[EVENTS, &format!("{}-0", in_ms(HOUR))]);
    let held = Books::hold(&stack);
    let at_ms = opened_at_ms(&bob, &packet).await;
    opened_at_ms(&carol, &packet).await;
    waits(&scene, &bob, at_ms).await;
    drop(held);
    let settled = || async {
        let _ = stack.sweep();
        let me = bob.get("/v1/me").await.granted(200);
        (number(&me, "settled_through_ms") > at_ms).then(|| number(&me, "balance_fen"))
    };
    assert_eq!(until("it is settled", settled).await, PURSE_FEN + 250);
}

/// What was written while the clock stood ahead waits in front of what was opened since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_makes_nothing_settled() {
    let stack = start("back", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "back");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = text(&alice.send(&Draft::new("equal", 1_000, 4, &scene.group())).await, "packet_id");
    stack.sweep().expect("a sweep");
    let (held, ahead_ms) = (Books::hold(&stack), in_ms(HOUR));
    let seen = format!("risk {packet} 1 {} {ahead_ms} velocity flag wait_ms=1", alice.id);
    ask::<String>(&stack.redis[0], "XADD", &[EVENTS, &format!("{ahead_ms}-0"), "e", &seen]);
    let at_ms = opened_at_ms(&bob, &packet).await;
    waits(&scene, &bob, at_ms).await;
    opened_at_ms(&carol, &packet).await;
    waits(&scene, &bob, at_ms).await;
    drop(held);
    let settled = || async {
        let _ = stack.sweep();
        (bob.balance().await == PURSE_FEN + 250).then_some(())
    };
    until("it is settled", settled).await;
}
