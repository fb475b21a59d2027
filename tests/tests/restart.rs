//! What was promised survives: the server killed in a storm, Redis gone and back, everything started again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hongbao_client::Client;
use hongbao_demo::{Evening, Plan, audit, report};
use hongbao_stack::{Runtime, Stack, StackOptions};
use hongbao_tests::ledger::Books;
use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene, until};
use serde_json::json;

const REST_LIMIT: Duration = Duration::from_secs(60);

/// People go on sending, grabbing and opening while the server is killed twice with SIGKILL; what they were
/// told is compared with what they have, from outside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_in_the_storm_settles_everything_opened_exactly_once() {
    let seed = 11;
    let mut stack = start("storm", |_| {});
    let plan = Plan::new(40, 80, seed);
    let (lasts, client) = (plan.lasts, Client::new(stack.base_url()));
    let evening = Arc::new(Evening::gather(&client, plan, "storm").await.expect("everybody comes"));
    let kills = async {
        for _ in 0..2 {
            tokio::time::sleep(lasts / 3).await; // The storm's, not ours: it lasts that long.
            let opened = evening.book().opens.len();
            tokio::task::block_in_place(|| stack.server.restart()).expect("it starts again");
            assert!(opened < evening.book().grabs.len(), "it was killed in the middle");
        }
    };
    tokio::join!(evening.play(|_| ()), kills);
    let verdict = audit(&evening, REST_LIMIT).await;
    let line = report::last_line(&evening.book(), &verdict);
    assert!(verdict.is_clean(), "seed {seed}: {line}\n{}", verdict.findings.join("\n"));
    assert!(verdict.settled > 100 && verdict.refunded_fen > 0, "a storm: {line}");
    Books::of(&stack).check();

    // The audit can fail: one fen more in the book, one share nobody opened, and it says so.
    evening.book().opens.values_mut().next().expect("shares").amount_fen += 1;
    let verdict = audit(&evening, Duration::ZERO).await;
    assert!(!verdict.is_clean() && verdict.drift_fen > 0, "{}", report::last_line(&evening.book(), &verdict));
}

#[tokio::test]
async fn without_redis_the_answer_is_503_in_bounded_time_and_with_it_all_goes_on() {
    let mut stack = start("redis", |_| {});
    for round in 0..2 {
        let (packet, voucher) = {
            let scene = Scene::on(&stack, "redis");
            let [alice, bob] = scene.people(["alice", "bob"]).await;
            let packet = alice.give(&Draft::new("lucky", 1_000, 3, &scene.group())).await;
            let voucher = bob.grab(&packet).await;
            (packet, voucher)
        };
        // Killed, its port refuses; frozen, it accepts and says nothing.
        if round == 0 {
            stack.redis[0].kill()
        } else {
            stack.redis[0].pause()
        }
        {
            let scene = Scene::on(&stack, "redis");
            let [carol, bob] = scene.people(["carol", "bob"]).await;
            let before = Instant::now();
            carol.try_grab(&packet).await.refused(503, "unavailable", None);
            bob.try_open(&packet, &voucher).await.refused(503, "unavailable", None);
            assert!(before.elapsed() < Duration::from_secs(10), "round {round}: {:?}", before.elapsed());
        }
        if round == 0 {
            stack.redis[0].restart().expect("Redis starts again")
        } else {
            stack.redis[0].resume()
        }
        let scene = Scene::on(&stack, "redis");
        let bob = scene.person("bob").await;
        let before = until("the balance is known again", || async {
            let me = bob.get("/v1/me").await;
            (me.status == 200).then(|| number(&me.body, "balance_fen"))
        })
        .await;
        let opened = until("it is served again", || async {
            let reply = bob.try_open(&packet, &voucher).await;
            (reply.status == 200).then_some(reply.body)
        });
        bob.comes_to_hold(before + number(&opened.await, "amount_fen")).await;
    }
    Books::of(&stack).check();
}

/// SQL down: the race goes on, what needs the ledger says when to come back, and then everything is settled.
#[tokio::test]
async fn while_the_ledger_is_locked_the_race_goes_on_and_send_answers_503() {
    let stack = start("locked", |_| {});
    let scene = Scene::on(&stack, "locked");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let draft = Draft::new("lucky", 1_000, 3, &scene.group());
    let (packet, quote) = (alice.give(&draft).await, alice.wrap(&draft).await);
    let held = Books::hold(&stack);
    let before = Instant::now();
    let opened_fen = bob.take(&packet).await;
    let took = before.elapsed();
    let before = Instant::now();
    alice.post("/v1/send", &json!({"quote": quote})).await.refused(503, "unavailable", None);
    assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
    assert!(took < Duration::from_secs(2), "the race waited for the ledger: {took:?}");
    drop(held);
    let sent = until("it is sent after all", || async {
        let reply = alice.post("/v1/send", &json!({"quote": quote})).await;
        (reply.status < 300).then_some(())
    });
    // 503 leaves open whether it had its effect: the repetition makes it so, once.
    sent.await;
    bob.comes_to_hold(PURSE_FEN + opened_fen).await;
    assert_eq!(alice.balance().await, PURSE_FEN - 2_000);
    Books::of(&stack).check();
}

#[tokio::test]
async fn what_was_sent_grabbed_and_opened_is_there_after_everything_was_started_again() {
    let stack = start("again", |_| {});
    let dir = stack.dir().to_owned();
    let (packet, quote, sent, grabbed, opened) = {
        let scene = Scene::on(&stack, "again");
        let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
        let quote = json!({"quote": alice.wrap(&Draft::new("lucky", 1_000, 3, &scene.group())).await});
        let sent = alice.post("/v1/send", &quote).await.granted(201);
        let packet = text(&sent, "packet_id");
        let grabbed = carol.try_grab(&packet).await.granted(200);
        let voucher = bob.grab(&packet).await;
        (packet.clone(), quote, sent, grabbed, bob.try_open(&packet, &voucher).await.granted(200))
    };
    stack.stop().expect("it stops in good order");

    let runtime = Runtime::built_host().expect("the host is built");
    let stack = Stack::start(StackOptions::new(&dir, runtime).expect("options")).expect("it starts again");
    let scene = Scene::on(&stack, "again");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    assert_eq!(alice.post("/v1/send", &quote).await.granted(200), sent);
    assert_eq!(carol.try_grab(&packet).await.granted(200), grabbed);
    assert_eq!(bob.take(&packet).await, number(&opened, "amount_fen"));
    let carols = number(&carol.try_open(&packet, &text(&grabbed, "voucher")).await.granted(200), "amount_fen");
    carol.comes_to_hold(PURSE_FEN + carols).await;
    bob.comes_to_hold(PURSE_FEN + number(&opened, "amount_fen")).await;
    assert_eq!(alice.balance().await, PURSE_FEN - 1_000);
    Books::of(&stack).check();
}
