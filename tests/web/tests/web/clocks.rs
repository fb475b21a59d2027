//! Whose clock decides, and whose time is told.

use std::time::Duration;

use hongbao_tests::draft::in_ms;
use hongbao_tests::{Draft, Scene, until};
use hongbao_web::{Browser, PHONE};
use serde_json::json;

use crate::people::{amount, bubble, comes, is_content};

/// A phone whose clock is two minutes wrong.
fn clock(off_ms: i64) -> String {
    format!(
        "const Real = Date; const off = {off_ms}; \
        window.Date = class extends Real {{ \
            constructor(...given) {{ if (given.length) super(...given); else super(Real.now() + off); }} \
            static now() {{ return Real.now() + off; }} }};"
    )
}

#[tokio::test]
async fn a_wrong_clock_of_the_phone_locks_no_coin() {
    let scene = Scene::new("clock");
    let browser = Browser::start("clock").expect("a browser");
    let alice = scene.person("alice").await;
    for (who, off_ms) in [("slow", -120_000), ("fast", 120_000)] {
        let window = browser.window_after(&clock(off_ms), PHONE, "zh-CN", scene.stack.base_url()).await;
        let window = window.expect("a window");
        comes(&window, &scene.id(who), &scene.group()).await;
        let soon = Draft::new("equal", 400, 4, &scene.group()).with("starts_at_ms", in_ms(Duration::from_secs(12)));
        let packet = alice.give(&soon).await;
        let told = window.reads(&bubble(&packet), "后开抢").await;
        window.press(&bubble(&packet)).await;
        window.reads(".front .say", "后开抢").await;
        let seconds: String =
            told.chars().skip_while(|letter| !letter.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        assert!(seconds.parse::<u32>().is_ok_and(|left| left <= 13), "{told}");
        assert_eq!(window.count(".front .coin:disabled").await, 1, "a clock that is ahead opens nothing early");
        window.press(".front .coin:not(:disabled)").await;
        assert_eq!(amount(&window).await, 100);
        window.press(".close").await;
        // What is sent "in 10 seconds" opens in ten seconds by everybody's clock.
        window.press(".chat footer button").await;
        window.write("#amount", "1").await;
        window.press(".send summary").await;
        window.press(".choose-starts [data-value='10']").await;
        window.reads(".send .verdict", "秒 后开抢").await;
        window.press(".send > .primary").await;
        window.loses(".send-dialog").await;
        is_content(&window).await;
    }
}

#[tokio::test]
async fn without_the_servers_word_the_coin_asks() {
    let scene = Scene::new("unknown");
    let browser = Browser::start("unknown").expect("a browser");
    let alice = scene.person("alice").await;
    let script = format!(
        "{} const get = Headers.prototype.get; \
        Headers.prototype.get = function (name) {{ return name === 'date' ? null : get.call(this, name); }};",
        clock(-120_000)
    );
    let window = browser.window_after(&script, PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    comes(&window, &scene.id("bob"), &scene.group()).await;
    let soon = Draft::new("equal", 400, 4, &scene.group()).with("starts_at_ms", in_ms(Duration::from_secs(8)));
    let packet = alice.give(&soon).await;
    window.press(&bubble(&packet)).await;
    // The phone believes in two minutes; a press asks the server, which says how long.
    window.reads(".front .say", "分钟 后开抢").await;
    assert_eq!(window.count(".front .coin:disabled").await, 0);
    let has_share = || async {
        if window.count(".details .amount").await == 0 {
            let press = "document.querySelector('.front .coin:not(:disabled)')?.click()";
            window.run(press, vec![]).await;
            return None;
        }
        Some(amount(&window).await)
    };
    assert_eq!(until("the share is open", has_share).await, 100);
}

#[tokio::test]
async fn times_name_their_zone() {
    let scene = Scene::new("zone");
    let browser = Browser::start("zone").expect("a browser");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("equal", 400, 4, &scene.group())).await;
    let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    window.tools("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Kolkata"})).await.expect("a zone");
    comes(&window, &scene.id("bob"), &scene.group()).await;
    window.find(&bubble(&packet)).await;
    window.reads(".chat .zone", "UTC+5:30").await;
    let created = alice.see(&packet).await["created_at_ms"].as_i64().expect("a time");
    let minutes = (created / 60_000 + 330) % 1440;
    let expected = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    assert_eq!(window.text(".message time").await, expected);
    let title = window.run("return document.querySelector('.message time').title", vec![]).await;
    assert!(title.as_str().expect("a title").ends_with("UTC+5:30"), "{title}");
    for view in ["wallet", "mine"] {
        window.press(&format!("nav [href='#{view}']")).await;
        window.reads(".zone", "UTC+5:30").await;
    }
    window.reads(".zone", "北京时间（UTC+8）").await;
    window.press("nav [href='#chat']").await;
    window.press(".chat footer button").await;
    window.press(".send summary").await;
    window.press(".choose-starts [data-value='-1']").await;
    window.reads("[data-field='when']", "UTC+5:30").await;
    is_content(&window).await;
}
