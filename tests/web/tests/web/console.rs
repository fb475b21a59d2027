//! The operator at the console: sees an exception with its evidence and pays for it, in two steps and with a reason.

use hongbao_client::Method;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Reply, Scene};
use hongbao_web::{Browser, DESK};
use serde_json::json;

use crate::people::is_content;

#[tokio::test]
async fn an_operator_compensates_an_exception_in_two_steps_with_a_reason() {
    let scene = Scene::new("console");
    let browser = Browser::start("console").expect("a browser");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    // An entry that no script wrote: bob's share once more, for eve.
    let mut redis =
        redis::Client::open(scene.stack.redis[0].url()).expect("an address").get_connection().expect("Redis");
    let entry = format!("open {packet} 1 0 {} 1700000000000", eve.id);
    let added: redis::RedisResult<String> =
        redis::cmd("XADD").arg("hb:{0}:events").arg("*").arg("e").arg(entry).query(&mut redis);
    added.expect("an entry");
    scene.stack.sweep().expect("a sweep");

    let address = format!("{}/console", scene.stack.base_url());
    let desk = browser.window(DESK, "zh-CN", &address).await.expect("a window");
    desk.write("#token", "not a token").await;
    desk.press(".login button").await;
    desk.reads(".problem", "令牌无效").await;
    desk.write("#token", &scene.stack.operator_token().expect("a token")).await;
    desk.press(".login button").await;
    desk.reads(".health", "异常").await;
    desk.find("[data-figure='packets.open']").await;
    let case = ".exception.open";
    desk.reads(case, &eve.id).await;
    let evidence = desk.text(case).await;
    assert!(evidence.contains(&bob.id) && evidence.contains("¥2.50"), "{evidence}");
    desk.press("#reconcile button").await;
    desk.reads("#reconcile", "账目一致").await;
    desk.picture("console").await.expect("a picture");

    desk.press(".exception.open [data-act='compensate']").await;
    desk.press(".act button.primary").await;
    desk.reads(".act .problem", "请写明原因").await;
    desk.write("#reason", "our fault").await;
    desk.press(".act button.primary").await;
    let review = desk.reads(".confirming", "不能撤销").await;
    assert!(review.contains("our fault"), "{review}");
    assert_eq!(eve.balance().await, PURSE_FEN, "nothing is done before the second press");
    desk.press(".act button.primary").await;
    desk.loses(".act-dialog").await;
    eve.comes_to_hold(PURSE_FEN + 250).await;
    desk.loses(case).await;
    desk.press("[data-state='resolved']").await;
    let resolved = desk.reads(".exception.resolved", "our fault").await;
    assert!(resolved.contains("compensate ¥2.50"), "{resolved}");
    desk.press("#audit h2 button").await;
    desk.reads("#audit", "our fault").await;
    let address = desk.run("return location.href + JSON.stringify(localStorage)", vec![]).await;
    assert!(!address.as_str().expect("an address").contains("eyJ"), "the token is in {address}");

    desk.press("[data-switch='sends']").await;
    desk.write("#reason", "midnight").await;
    desk.press(".act button.primary").await;
    desk.press(".act button.primary").await;
    desk.reads("#switches", "关 Off").await;
    desk.press("[data-switch='sends']").await;
    desk.write("#reason", "it is over").await;
    desk.press(".act button.primary").await;
    desk.press(".act button.primary").await;
    desk.reads("#switches", "开 On").await;
    is_content(&desk).await;
}

/// What another operator has set, or what has broken, is seen by whoever only looks on; and the audit says what was set.
#[tokio::test]
async fn the_console_tells_trouble_without_a_press() {
    let stack = start("console-trouble", |_| {});
    let scene = Scene::on(&stack, "trouble");
    let token = stack.operator_token().expect("a token");
    let operator = scene.bearer("operator", &token);
    let browser = Browser::start("console-trouble").expect("a browser");
    let desk = browser.window(DESK, "zh-CN", &format!("{}/console", stack.base_url())).await.expect("a window");
    desk.write("#token", &token).await;
    desk.press(".login button").await;
    desk.reads(".health", "All is well").await;

    let set = async |path: &str, body: serde_json::Value| {
        let asked = operator.call(Method::PUT, path).json(&body).send().await;
        Reply::checked(path, asked).granted(200);
    };
    set("/v1/admin/switches", json!({"sends": false, "reason": "midnight"})).await;
    desk.reads(".health.bad", "Sending is off").await;
    desk.reads("#switches", "关 Off").await;
    set("/v1/admin/switches", json!({"sends": true, "reason": "morning"})).await;
    set("/v1/admin/ladder", json!({"level": 3, "reason": "a storm"})).await;
    desk.reads(".health.bad", "level 3").await;
    desk.reads("#ladder .not-ok", "no new shares").await;
    set("/v1/admin/ladder", json!({"reason": "it is over"})).await;
    desk.reads(".health", "All is well").await;
    let deposit = json!({"id": "order-1", "user": scene.id("bob"), "amount_fen": 150});
    let paid = operator.call(Method::POST, "/v1/admin/deposits").json(&deposit).send().await;
    Reply::checked("a deposit", paid).granted(200);

    desk.press("#audit h2 button").await;
    let audit = desk.reads("#audit", "order-1").await;
    for told in [format!("order-1 → {}", scene.id("bob")), "ladder → 3".into(), "sends → 关 off".into()] {
        assert!(audit.contains(&told), "{told} is not in {audit}");
    }
    stack.redis[0].pause();
    desk.reads(".health.bad", "Shards down: #0").await;
    desk.reads("#shards .not-ok", "#0 ✗").await;
    stack.redis[0].resume();
    desk.reads(".health", "All is well").await;
    desk.reads("#shards .ok", "#0 ✓").await;
}
