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

/// While a phone sleeps, what it measures time with may stand still: the countdown is behind when it wakes up.
#[tokio::test]
async fn after_a_sleep_the_coin_asks() {
    let scene = Scene::new("sleep");
    let browser = Browser::start("sleep").expect("a browser");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let script = "const real = performance.now.bind(performance); window.sleptMs = 0; \
        performance.now = () => real() - window.sleptMs;";
    let window = browser.window_after(script, PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    comes(&window, &bob.id, &scene.group()).await;
    let soon = Draft::new("equal", 400, 4, &scene.group()).with("starts_at_ms", in_ms(Duration::from_secs(15)));
    let packet = alice.give(&soon).await;
    window.press(&bubble(&packet)).await;
    window.find(".front .coin:disabled").await;
    // Nothing is heard from now on but what the coin asks.
    let deaf = "const real = window.fetch; window.fetch = (path, request) => path.includes('/grab') || \
        path.includes('/open') ? real(path, request) : new Promise(() => {})";
    window.run(deaf, vec![]).await;
    until("it is open", || async { (alice.see(&packet).await["state"] == "open").then_some(()) }).await;
    window.run("window.sleptMs = 300000", vec![]).await;
    window.press(".front .coin:not(:disabled)").await;
    let is_mine = || async { bob.see(&packet).await["my_share"]["amount_fen"].as_i64() };
    assert_eq!(until("the share is bob's", is_mine).await, 100);
    is_content(&window).await;
}

/// A phone that woke up in 2019 shows this year's packets all the same.
#[tokio::test]
async fn the_server_says_which_year_it_is() {
    let scene = Scene::new("years");
    let browser = Browser::start("years").expect("a browser");
    let alice = scene.person("alice").await;
    alice.give(&Draft::new("equal", 400, 4, &scene.group())).await;
    let year = alice.get("/v1/me/packets?role=sent").await.granted(200)["year"].as_i64().expect("a year");
    let seven_years = 7 * 366 * 86_400_000;
    let window = browser.window_after(&clock(-seven_years), PHONE, "zh-CN", scene.stack.base_url()).await;
    let window = window.expect("a window");
    comes(&window, &alice.id, &scene.group()).await;
    // Opened on this view, before anything was answered.
    window.go(&format!("{}/#mine", scene.stack.base_url())).await;
    window.run("location.reload()", vec![]).await;
    window.press(".tabs button:last-child").await;
    window.reads(".totals", &format!("{year} 年")).await;
    window.find(".totals .balance[data-fen='400']").await;
    let years = "return [...document.querySelectorAll('.bar option')].map((one) => Number(one.value))";
    assert_eq!(window.run(years, vec![]).await, json!([year, year - 1, year - 2, year - 3, year - 4]));
    let choose = "const year = document.querySelector('.bar select'); year.selectedIndex = 1; \
        year.dispatchEvent(new Event('change'))";
    window.run(choose, vec![]).await;
    window.reads(".totals", &format!("{} 年", year - 1)).await;
    window.find(".totals .balance[data-fen='0']").await;
    is_content(&window).await;
}

/// Where clocks are turned in summer, a moment is told in the zone of its own day.
#[tokio::test]
async fn a_moment_in_summer_names_the_zone_of_summer() {
    let scene = Scene::new("summer");
    let browser = Browser::start("summer").expect("a browser");
    let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    window.tools("Emulation.setTimezoneOverride", json!({"timezoneId": "Europe/Berlin"})).await.expect("a zone");
    let read = "const [months, done] = arguments; import('/assets/any/time.js').then((time) => \
        done(months.map((month) => time.moment(Date.UTC(2026, month, 1)).title)), (error) => done(String(error)))";
    let titles = window.run_to_end(read, vec![json!([0, 6])]).await;
    assert_eq!(titles, json!(["2026-01-01 01:00:00 UTC+1", "2026-07-01 02:00:00 UTC+2"]));
    comes(&window, &scene.id("bob"), &scene.group()).await;
    window.press(".chat footer button").await;
    window.press(".send summary").await;
    window.press(".choose-starts [data-value='-1']").await;
    for (day, zone) in [("2040-01-01T12:00", "UTC+1"), ("2040-07-01T12:00", "UTC+2")] {
        window.write("#when", day).await;
        window.reads("[data-field='when']", zone).await;
    }
    is_content(&window).await;
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
