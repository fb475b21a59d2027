//! The operator at the console: sees an exception with its evidence and pays for it, in two steps and with a reason.

use hongbao_client::Method;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Reply, Scene, until};
use hongbao_web::{Browser, DESK, OLD};
use serde_json::json;

use crate::operator::{forges, operates};
use crate::people::is_content;

#[tokio::test]
async fn an_operator_compensates_an_exception_in_two_steps_with_a_reason() {
    let scene = Scene::new("console");
    let browser = Browser::start("console").expect("a browser");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    forges(scene.stack, &packet, &eve.id);
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
    desk.reads("#reason-problem", "请写明").await;
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
    let desk = operates(&browser, DESK, &stack).await;
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
    let deposited = format!("order-1 → {}", scene.id("bob"));
    for told in [&deposited, "ladder → 3", "ladder → auto", "sends → 关 off", "(UTC+8)"] {
        assert!(audit.contains(told), "{told} is not in {audit}");
    }
    stack.redis[0].pause();
    desk.reads(".health.bad", "Shards down: #0").await;
    desk.reads("#shards .not-ok", "#0 ✗").await;
    stack.redis[0].resume();
    desk.reads(".health", "All is well").await;
    desk.reads("#shards .ok", "#0 ✓").await;
}

/// Back closes a dialog and stays on the console; who is not let in any more stands before the login alone.
#[tokio::test]
async fn a_dialog_of_the_console_goes_with_back_and_with_its_operator() {
    let stack = start("console-back", |_| {});
    let browser = Browser::start("console-back").expect("a browser");
    for script in ["", OLD] {
        let address = format!("{}/console", stack.base_url());
        let desk = browser.window_after(script, DESK, "zh-CN", &address).await.expect("a window");
        desk.write("#token", &stack.operator_token().expect("a token")).await;
        desk.press(".login button").await;
        desk.press("#deposits button").await;
        desk.find(".act-dialog").await;
        desk.back().await;
        desk.loses("dialog").await;
        desk.find(".board").await;
        desk.press("#deposits button").await;
        desk.find(".act-dialog").await;
        let end = "const real = window.fetch; window.fetch = (path, request) => real(path, {...request, headers: {}})";
        desk.run(end, vec![]).await;
        desk.find("#token").await;
        assert_eq!(desk.count("dialog").await, 0, "the dialog is gone");
        is_content(&desk).await;
    }
}

/// Answers that come late belong to what was asked for then.
#[tokio::test]
async fn a_late_answer_is_not_shown_as_another_list() {
    let stack = start("console-late", |_| {});
    let scene = Scene::on(&stack, "late");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    forges(&stack, &packet, &eve.id);
    let browser = Browser::start("console-late").expect("a browser");
    let desk = operates(&browser, DESK, &stack).await;
    desk.find(".exception.open").await;
    let hold = "const real = window.fetch; window.held = []; window.fetch = async (path, request) => { \
        const answer = await real(path, request); \
        if (path.includes('state=resolved')) await new Promise((go) => window.held.push(go)); return answer; }";
    desk.run(hold, vec![]).await;
    desk.press("[data-state='resolved']").await;
    let is_held = || async { desk.run("return window.held.length", vec![]).await.as_u64().filter(|held| *held > 0) };
    until("the answer is held", is_held).await;
    desk.run("window.shown = document.querySelector('.exception.open')", vec![]).await;
    desk.press("[data-state='open']").await;
    desk.find("[data-state='open'][aria-pressed='true']").await;
    until("it is drawn anew", || async {
        let drawn = "return document.querySelector('.exception.open') !== window.shown";
        (desk.run(drawn, vec![]).await == json!(true)).then_some(())
    })
    .await;
    let let_go = "const [done] = arguments; window.held.forEach((go) => go()); setTimeout(done, 200)";
    desk.run_to_end(let_go, vec![]).await;
    assert_eq!(desk.count(".exception.open").await, 1, "the list that was chosen");
}
