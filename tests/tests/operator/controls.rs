//! The holiday switch and the blacklist reach everybody within a second or two; metrics show what there is.

use hongbao_client::Method;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::json;

use crate::office::Office;

/// Asks until the answer is right. A copy of the controls that was lost on its way to a shard, or overtaken by another
/// operator's, is made good by the sweep.
async fn comes_true<T, F>(scene: &Scene<'_>, what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let swept = || {
        scene.stack.sweep().expect("a sweep");
        probe()
    };
    until(what, swept).await
}

async fn comes_to_answer(scene: &Scene<'_>, person: &Person, what: &str, draft: &Draft, code: &str) -> Reply {
    let asked = || async {
        let reply = person.post("/v1/wrap", &draft.body()).await;
        (reply.code() == code).then_some(reply)
    };
    comes_true(scene, what, asked).await
}

#[tokio::test]
async fn with_sends_off_nobody_sends_and_everybody_grabs_and_opens() {
    let stack = start("switch", |_| {});
    let scene = Scene::on(&stack, "switch");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let office = Office::of(&scene);
    let draft = Draft::new("equal", 1_000, 4, &scene.group());
    let packet = alice.give(&draft).await;
    let quote = alice.wrap(&draft).await;
    assert_eq!(office.get("/v1/admin/switches").await, json!({"sends": true}));

    let off = json!({"sends": false, "reason": "除夕"});
    let before = office.acts();
    for _ in 0..2 {
        assert_eq!(office.ask(Method::PUT, "/v1/admin/switches", &off).await.granted(200), json!({"sends": false}));
    }
    assert_eq!(office.acts(), before + 1);
    comes_to_answer(&scene, &alice, "sends are off", &draft, "degraded").await.refused(503, "degraded", None);
    let refuses = || async {
        let reply = alice.post("/v1/send", &json!({"quote": quote})).await;
        (reply.code() == "degraded").then_some(())
    };
    comes_true(&scene, "sends are off for send too", refuses).await;
    assert_eq!(bob.take(&packet).await, 250);

    assert_eq!(office.ask(Method::PUT, "/v1/admin/switches", &json!({})).await.granted(200), json!({"sends": false}));
    office.ask(Method::PUT, "/v1/admin/switches", &json!({"sends": true})).await.granted(200);
    comes_to_answer(&scene, &alice, "sends are on", &draft, "").await.granted(200);
    // Each component has a copy of its own.
    let sends = async || (alice.post("/v1/send", &json!({"quote": quote})).await.status == 201).then_some(());
    comes_true(&scene, "sends are on for send too", sends).await;
}

#[tokio::test]
async fn who_is_blocked_neither_sends_nor_grabs_and_keeps_what_was_grabbed() {
    let scene = Scene::new("blocked");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let office = Office::of(&scene);
    let draft = Draft::new("equal", 1_000, 4, &scene.group());
    let (first, second) = (alice.give(&draft).await, alice.give(&draft).await);
    let (voucher, quote) = (bob.grab(&first).await, bob.wrap(&draft).await);
    let path = format!("/v1/admin/blacklist/{}", bob.id);
    assert_eq!(office.get(&path).await["blocked"], false);

    let before = office.number("SELECT COUNT(*) FROM audit WHERE act = 'block'");
    let body = json!({"reason": "a bot"});
    let blocked = office.ask(Method::PUT, &path, &body).await.granted(200);
    assert_eq!(
        (&blocked["blocked"], &blocked["reason"], &blocked["operator"]),
        (&json!(true), &json!("a bot"), &json!("operator"))
    );
    assert_eq!(office.ask(Method::PUT, &path, &body).await.granted(200), blocked);
    assert_eq!(office.get(&path).await, blocked);
    assert_eq!(office.number("SELECT COUNT(*) FROM audit WHERE act = 'block'"), before + 1);

    comes_to_answer(&scene, &bob, "bob is blocked at wrap", &draft, "blocked").await.refused(403, "blocked", None);
    let send = || async { (bob.post("/v1/send", &json!({"quote": quote})).await.code() == "blocked").then_some(()) };
    comes_true(&scene, "bob is blocked at send", send).await;
    let grab = || async { (bob.try_grab(&second).await.code() == "blocked").then_some(()) };
    comes_true(&scene, "bob is blocked at grab", grab).await;
    bob.try_open(&first, &voucher).await.granted(200);
    assert_eq!(carol.take(&second).await, 250);

    for _ in 0..2 {
        let reply = office.ask(Method::DELETE, &path, &json!({})).await;
        assert_eq!(reply.granted(200)["blocked"], false);
    }
    assert_eq!(office.number("SELECT COUNT(*) FROM audit WHERE act = 'unblock' AND subject LIKE '%blocked-bob'"), 1);
    let grab = || async { (bob.try_grab(&second).await.status == 200).then_some(()) };
    comes_true(&scene, "bob may grab again", grab).await;
}

#[tokio::test]
async fn metrics_are_prometheus_text_and_stats_are_the_same_numbers() {
    let stack = start("metrics", |_| {});
    let scene = Scene::on(&stack, "metrics");
    let alice = scene.person("alice").await;
    let office = Office::of(&scene);
    alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    alice
        .give(
            &Draft::new("equal", 500, 4, &scene.group())
                .with("starts_at_ms", hongbao_tests::draft::in_ms(std::time::Duration::from_secs(600))),
        )
        .await;
    stack.sweep().expect("a sweep");
    let stats = office.get("/v1/admin/stats").await;
    assert_eq!((&stats["packets"]["open"], &stats["packets"]["scheduled"]), (&json!(1), &json!(1)), "{stats}");
    let money = json!({"escrow_fen": 1_500, "wallets_fen": 98_500, "suspense_fen": 0, "world_fen": -100_000});
    assert_eq!((&stats["money"], &stats["exceptions_open"]), (&money, &json!(0)));
    assert_eq!((&stats["shards"][0]["is_up"], &stats["oldest_unsettled_ms"]), (&json!(true), &json!(0)), "{stats}");

    let answer = office.operator.call(Method::GET, "/metrics").send().await.expect("an answer");
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
    let page = answer.text();
    for line in [
        "# TYPE hongbao_packets gauge",
        "hongbao_packets{state=\"open\"} 1",
        "hongbao_money_fen{account=\"world\"} -100000",
        "hongbao_shard_up{shard=\"0\"} 1",
        "hongbao_sends_on 1",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
    }
    assert_eq!(office.get("/v1/admin/risk-events").await, json!({"events": [], "next": null}));
}
