//! Dialogs: nothing typed is lost, Back closes them, nothing covers what must be seen, nothing flickers.

use hongbao_tests::{Draft, Scene, until};
use hongbao_web::{Browser, DESK, PHONE};
use serde_json::json;

use crate::people::{amount, bubble, enters, is_content, newest, opens, sends};

#[tokio::test]
async fn a_tap_outside_loses_no_draft() {
    let scene = Scene::new("draft");
    let browser = Browser::start("draft").expect("a browser");
    let window = enters(&browser, PHONE, &scene.id("alice"), &scene.group()).await;
    window.press(".chat footer button").await;
    window.press(".choose-kind [data-value='equal']").await;
    window.write("#amount", "6.66").await;
    window.write("#greeting", "写了很久").await;
    let tap = json!({"type": "mousePressed", "x": 3, "y": 3, "button": "left", "clickCount": 1});
    let lift = json!({"type": "mouseReleased", "x": 3, "y": 3, "button": "left", "clickCount": 1});
    for event in [tap, lift] {
        window.tools("Input.dispatchMouseEvent", event).await.expect("a tap");
    }
    assert_eq!(window.count(".send-dialog").await, 1);
    // Closed on purpose or by Back, it is there again; sent, it is gone.
    for how in ["close", "back"] {
        if how == "close" {
            window.press(".close").await
        } else {
            window.back().await
        }
        window.loses("dialog").await;
        window.press(".chat footer button").await;
        window.find(".choose-kind [data-value='equal'][aria-pressed='true']").await;
        let typed = "return ['amount', 'greeting'].map((id) => document.getElementById(id).value)";
        assert_eq!(window.run(typed, vec![]).await, json!(["6.66", "写了很久"]));
    }
    window.reads(".send .verdict", "发后余额").await;
    window.press(".send > .primary").await;
    window.loses(".send-dialog").await;
    window.press(".chat footer button").await;
    let typed = "return document.getElementById('amount').value";
    assert_eq!(window.run(typed, vec![]).await, json!(""));
    is_content(&window).await;
}

/// Closed while the answer of `send` was lost, opened again and sent again: one packet.
#[tokio::test]
async fn a_form_that_was_closed_while_it_was_sent_sends_once() {
    let scene = Scene::new("once");
    let browser = Browser::start("once").expect("a browser");
    let alice = scene.person("alice").await;
    let window = enters(&browser, PHONE, &alice.id, &scene.group()).await;
    let before = alice.balance().await;
    // The server does what it was asked, and its answers do not arrive.
    let lose = "const real = window.fetch; window.lost = 0; window.isLosing = true; \
        window.fetch = async (path, request) => { const answer = await real(path, request); \
        if (path !== '/v1/send' || !window.isLosing) return answer; \
        window.lost += 1; throw new TypeError('lost'); }";
    window.run(lose, vec![]).await;
    window.press(".chat footer button").await;
    window.write("#amount", "5").await;
    window.reads(".send .verdict", "发后余额").await;
    window.press(".send > .primary").await;
    let is_lost = || async { window.run("return window.lost", vec![]).await.as_u64().filter(|lost| *lost > 0) };
    until("an answer is lost", is_lost).await;
    window.press(".close").await;
    window.loses("dialog").await;
    window.run("window.isLosing = false", vec![]).await;
    window.press(".chat footer button").await;
    window.press(".send > .primary").await;
    window.loses(".send-dialog").await;
    until("it is in the chat", || newest(&window)).await;
    assert_eq!(alice.balance().await, before - 500);
    assert_eq!(window.count(".message").await, 1);
}

#[tokio::test]
async fn back_closes_the_dialog_and_not_the_view_under_it() {
    let scene = Scene::new("back-key");
    let browser = Browser::start("back-key").expect("a browser");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 500, 2, &scene.group())).await;
    let window = enters(&browser, DESK, &scene.id("bob"), &scene.group()).await;
    window.press("nav [href='#wallet']").await;
    window.find(".purse").await;
    window.press("nav [href='#chat']").await;
    window.press(&bubble(&packet)).await;
    window.find(".front .coin").await;
    window.back().await;
    window.loses("dialog").await;
    window.find(".chat").await;
    // Closed in another way, it leaves nothing behind: the next Back is the view's.
    window.press(&bubble(&packet)).await;
    window.press(".close").await;
    window.loses("dialog").await;
    until("the entry is gone", || async { window.run("return history.state", vec![]).await.is_null().then_some(()) })
        .await;
    window.back().await;
    window.find(".purse").await;
    is_content(&window).await;
}

#[tokio::test]
async fn the_amount_that_was_won_stands_still() {
    let scene = Scene::new("still");
    let browser = Browser::start("still").expect("a browser");
    let [alice, carol] = scene.people(["alice", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 600, 3, &scene.group())).await;
    let bob = enters(&browser, PHONE, &scene.id("bob"), &scene.group()).await;
    opens(&bob, &packet).await;
    assert_eq!(amount(&bob).await, 200);
    bob.reads(".settling", "已存入钱包").await;
    let watch = "window.polls = 0; const real = window.fetch; \
        window.fetch = (...given) => { window.polls += 1; return real(...given); }; \
        window.changes = []; const list = document.querySelector('.shares .me'); list.dataset.mark = 'mine'; \
        new MutationObserver((changes) => window.changes.push(...changes.map((one) => one.type))) \
            .observe(document.querySelector('.details .mine'), {subtree: true, childList: true, characterData: true});";
    bob.run(watch, vec![]).await;
    carol.take(&packet).await;
    until("the list has grown", || async { (bob.count(".shares li").await == 2).then_some(()) }).await;
    let polled = || async { bob.run("return window.polls", vec![]).await.as_u64().filter(|polls| *polls > 6) };
    until("it was asked again and again", polled).await;
    assert_eq!(bob.run("return window.changes", vec![]).await, json!([]), "the amount was drawn anew");
    assert_eq!(bob.count(".shares [data-mark='mine']").await, 1, "the share was drawn anew");
    is_content(&bob).await;
}

#[tokio::test]
async fn offline_is_told_where_it_can_be_seen() {
    let scene = Scene::new("covered");
    let browser = Browser::start("covered").expect("a browser");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 500, 2, &scene.group())).await;
    let window = enters(&browser, PHONE, &alice.id, &scene.group()).await;
    window.find(&bubble(&packet)).await;
    window.set_offline(true).await;
    window.reads(".connection", "连接中断").await;
    // Nothing lies over any of it, on the page and above a dialog.
    let is_bare = "const node = document.querySelector('.connection'); const box = node.getBoundingClientRect(); \
        const seen = (x) => document.elementFromPoint(x, box.top + box.height / 2) === node; \
        return seen(box.left + 5) && seen(box.left + box.width / 2) && seen(box.right - 5)";
    assert_eq!(window.run(is_bare, vec![]).await, true);
    window.press(".chat footer button").await;
    window.reads("dialog .connection", "连接中断").await;
    window.press(".close").await;
    window.reads(".shell > .connection", "连接中断").await;
    window.press("nav [href='#mine']").await;
    window.reads(".mine-view .body", "网络断了").await;
    window.set_offline(false).await;
    window.find(".mine-view .totals").await;
    is_content(&window).await;
}

#[tokio::test]
async fn an_exclusive_packet_is_for_somebody_else_who_is_known() {
    let scene = Scene::new("whom");
    let browser = Browser::start("whom").expect("a browser");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    bob.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let window = enters(&browser, PHONE, &alice.id, &scene.group()).await;
    window.find(".message").await;
    window.press(".chat footer button").await;
    window.press(".choose-kind [data-value='exclusive']").await;
    window.write("#amount", "1").await;
    window.write("#to", &bob.id[3..]).await;
    window.reads(".send .verdict", "✓").await;
    window.write("#to", "bobb").await;
    let said = window.reads(".send .verdict", "这里没见过 bobb").await;
    assert!(!said.contains('✓'), "{said}");
    window.write("#to", "has a blank").await;
    window.reads("#to-problem", "字母、数字").await;
    window.write("#to", &alice.id[3..]).await;
    window.reads("#to-problem", "不能发给自己").await;
    is_content(&window).await;
}

#[tokio::test]
async fn text_runs_in_its_own_direction_and_news_do_not_pile_up() {
    let scene = Scene::new("direction");
    let browser = Browser::start("direction").expect("a browser");
    let alice = scene.person("alice").await;
    let greeting = "كل عام وأنتم بخير";
    let bob = enters(&browser, PHONE, &scene.id("bob"), &scene.group()).await;
    bob.find(".empty").await;
    let mut last = String::new();
    for _ in 0..6 {
        last = alice.give(&Draft::new("lucky", 100, 2, &scene.group()).with("greeting", greeting)).await;
    }
    bob.find(&bubble(&last)).await;
    bob.find(".toasts p").await;
    assert_eq!(bob.count(".toasts p").await, 1);
    let direction = "return getComputedStyle(document.querySelector(arguments[0])).direction";
    assert_eq!(bob.run(direction, vec![json!(".message .words b")]).await, "rtl");
    bob.press(&bubble(&last)).await;
    bob.find(".front .coin").await;
    assert_eq!(bob.run(direction, vec![json!(".over .greeting")]).await, "rtl");
    bob.press(".front .coin").await;
    bob.find(".details .amount").await;
    assert_eq!(bob.run(direction, vec![json!(".details .greeting")]).await, "rtl");
    bob.press(".close").await;
    bob.press(".chat footer button").await;
    bob.write("#greeting", greeting).await;
    assert_eq!(bob.run(direction, vec![json!("#greeting")]).await, "rtl");
    bob.press(".close").await;
    sends(&bob, "1", "1", "你好").await;
    is_content(&bob).await;
}
