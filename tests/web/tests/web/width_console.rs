//! Nothing is wider than the window on the console, with the longest ids and reasons there can be, and in the documents.

use hongbao_client::Method;
use hongbao_stack::Stack;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use hongbao_web::{Browser, DESK, PHONE, SMALL_PHONE, Screen, Window, ZOOMED_PHONE};
use serde_json::{Value, json};

use crate::operator::{ACTS, forges, longest_reason, operates};
use crate::people::is_content;
use crate::width::{fits, longest};

async fn asks(operator: &Person, method: Method, path: &str, body: &Value) -> Value {
    Reply::checked(path, operator.call(method, path).json(body).send().await).granted(200)
}

/// Long ids and reasons on every list: exceptions open and decided, risk events, acts, a blocked user.
async fn fills(scene: &Scene<'_>, stack: &Stack, operator: &Person) {
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    forges(stack, &packet, &format!("us_{}", longest("eve-")));
    forges(stack, &packet, &format!("us_{}", longest("mallory-")));
    let open = async || {
        let page = operator.get("/v1/admin/exceptions").await.granted(200);
        let all = page["exceptions"].as_array().expect("a list").clone();
        (all.len() == 2).then(|| all[0]["id"].as_str().expect("an id").to_owned())
    };
    let exception = until("two exceptions", open).await;
    let reason = json!({"reason": longest_reason()});
    let dismiss = format!("/v1/admin/exceptions/{exception}/dismiss");
    asks(operator, Method::POST, &dismiss, &reason).await;
    let blocked = format!("/v1/admin/blacklist/us_{}", longest("eve-"));
    asks(operator, Method::PUT, &blocked, &reason).await;
    let deposit = json!({"id": "d".repeat(100), "user": format!("us_{}", longest("eve-")), "amount_fen": 150,
        "reason": longest_reason()});
    asks(operator, Method::POST, "/v1/admin/deposits", &deposit).await;
    // Somebody who guesses a password.
    let sealed = alice.give(&Draft::new("equal", 100, 2, &scene.group()).with("password", "芝麻")).await;
    let guesser = scene.person(&longest("mallory-")[..40]).await;
    for guess in 0..12 {
        guesser.post(&format!("/v1/packets/{sealed}/grab"), &json!({"password": guess.to_string()})).await;
    }
    let seen = async || {
        let events = operator.get("/v1/admin/risk-events").await.granted(200);
        events["events"].as_array().is_some_and(|events| !events.is_empty()).then_some(())
    };
    until("it is a risk event", seen).await;
}

/// Each dialog: empty, refused, filled in, and looked at before the second press.
async fn walks_dialogs(window: &Window, place: &str) {
    for (number, (opener, fields)) in ACTS.iter().enumerate() {
        window.press(opener).await;
        window.find(".act-dialog").await;
        fits(window, &format!("{opener}, {place}")).await;
        for id in ["#deposit-id", "#deposit-user"] {
            if window.count(id).await == 1 {
                window.write(id, &"W".repeat(100)).await;
            }
        }
        if *opener != "#blacklist dl + .plain" && *opener != "#deposits button" {
            window.press(".act button.primary").await;
            window.reads("#reason-problem", "请写明").await;
            fits(window, &format!("{opener} without a reason, {place}")).await;
        }
        for (field, text) in *fields {
            window.write(field, "12,34,56").await;
            window.press(".act button.primary").await;
            fits(window, &format!("{opener} with a field that is wrong, {place}")).await;
            if window.count(".confirming:not([hidden])").await == 1 {
                window.press(".act .row .plain").await;
            }
            window.write(field, text).await;
        }
        window.write("#reason", &longest_reason()).await;
        window.press(".act button.primary").await;
        window.find(".confirming").await;
        fits(window, &format!("{opener} before it is done, {place}")).await;
        window.picture(&format!("width-{place}-act-{number}")).await.expect("a picture");
        window.press(".close").await;
        window.loses("dialog").await;
    }
}

async fn walks(browser: &Browser, stack: &Stack, operator: &Person, screen: Screen) {
    let place = format!("console-{}", screen.width);
    let window = browser.window(screen, "zh-CN", &format!("{}/console", stack.base_url())).await.expect("a window");
    window.write("#token", "not a token").await;
    window.press(".login button").await;
    window.reads(".problem", "令牌无效").await;
    fits(&window, &format!("a token that is none, {place}")).await;
    let window = operates(browser, screen, stack).await;
    for there in [".exception.open", "#risk tbody tr", "#audit tbody tr"] {
        window.find(there).await;
    }
    window.press("#reconcile button").await;
    window.find("#reconcile tbody tr").await;
    window.press("#blacklist form button").await;
    window.reads("#blocked-user-problem", "必填").await;
    fits(&window, &format!("the board, {place}")).await;
    window.write("#blocked-user", &format!("us_{}", longest("eve-"))).await;
    window.press("#blacklist form button").await;
    window.reads("#blacklist", "Blocked").await;
    fits(&window, &format!("a blocked user, {place}")).await;
    walks_dialogs(&window, &place).await;
    window.press("[data-state='resolved']").await;
    window.find(".exception.resolved").await;
    let body = json!({"level": 3, "reason": "a storm"});
    asks(operator, Method::PUT, "/v1/admin/ladder", &body).await;
    window.reads(".health.bad", "level 3").await;
    fits(&window, &format!("trouble, {place}")).await;
    asks(operator, Method::PUT, "/v1/admin/ladder", &json!({"reason": "it is over"})).await;
    for (id, what) in [("app", "top"), ("exceptions", "cases"), ("shards", "shards"), ("audit", "audit")] {
        window.run("document.getElementById(arguments[0]).scrollIntoView()", vec![id.into()]).await;
        window.picture(&format!("width-{place}-{what}")).await.expect("a picture");
    }
    window.set_offline(true).await;
    window.reads(".health.bad", "No answer").await;
    window.press("#audit h2 button").await;
    window.reads("#audit .problem", "offline").await;
    fits(&window, &format!("without a network, {place}")).await;
    is_content(&window).await;
}

#[tokio::test]
async fn nothing_on_the_console_is_wider_than_the_window() {
    let stack = start("console-width", |_| {});
    let scene = Scene::on(&stack, "width");
    let operator = scene.bearer("operator", &stack.operator_token().expect("a token"));
    fills(&scene, &stack, &operator).await;
    let browser = Browser::start("console-width").expect("a browser");
    for screen in [SMALL_PHONE, PHONE, DESK, ZOOMED_PHONE] {
        walks(&browser, &stack, &operator, screen).await;
    }
}

#[tokio::test]
async fn nothing_in_the_documents_is_wider_than_the_window() {
    let scene = Scene::new("docs-width");
    let browser = Browser::start("docs-width").expect("a browser");
    for screen in [SMALL_PHONE, PHONE, DESK, ZOOMED_PHONE] {
        let address = format!("{}/docs", scene.stack.base_url());
        let window = browser.window(screen, "en-US", &address).await.expect("a window");
        window.find(".call").await;
        fits(&window, &format!("the documents at {}", screen.width)).await;
        window.picture(&format!("width-docs-{}", screen.width)).await.expect("a picture");
        window.run("document.querySelector('#post-v1-wrap').scrollIntoView()", vec![]).await;
        window.picture(&format!("width-docs-{}-call", screen.width)).await.expect("a picture");
        is_content(&window).await;
    }
}
