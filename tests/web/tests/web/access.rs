//! The page for everybody: by keyboard alone, to assistive technology, soon, in both languages.

use hongbao_tests::{Draft, Scene};
use hongbao_web::{Browser, DESK, PHONE, Window, serious_findings};

use crate::people::{bubble, enters, is_content};

/// What Enter, Escape and Tab are to WebDriver.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

async fn is_accessible(window: &Window, what: &str) {
    let findings = serious_findings(window).await.expect("axe-core");
    assert_eq!(findings, Vec::<String>::new(), "{what}");
}

#[tokio::test]
async fn no_view_has_a_serious_finding() {
    let scene = Scene::new("axe");
    let browser = Browser::start("axe").expect("a browser");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let finished = alice.give(&Draft::new("lucky", 500, 1, &scene.group()).with("cover", "lantern")).await;
    bob.take(&finished).await;
    let open = alice.give(&Draft::new("lucky", 500, 2, &scene.group()).with("password", "x")).await;
    let carol = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    carol.find(".person").await;
    is_accessible(&carol, "login").await;
    let bob = enters(&browser, PHONE, &bob.id, &scene.group()).await;
    bob.find(&bubble(&finished)).await;
    is_accessible(&bob, "chat").await;
    bob.press(".chat footer button").await;
    bob.press(".send summary").await;
    is_accessible(&bob, "send").await;
    bob.press(".close").await;
    bob.press(&bubble(&open)).await;
    bob.find(".front .coin").await;
    is_accessible(&bob, "envelope").await;
    bob.press(".close").await;
    bob.press(&bubble(&finished)).await;
    bob.press(".verify").await;
    bob.find(".steps").await;
    is_accessible(&bob, "proof").await;
    bob.press(".close").await;
    for view in ["wallet", "mine"] {
        bob.press(&format!("nav [href='#{view}']")).await;
        bob.find("main .balance").await;
        is_accessible(&bob, view).await;
    }
    let desk = browser.window(DESK, "zh-CN", &format!("{}/docs", scene.stack.base_url())).await.expect("a window");
    desk.find(".call").await;
    is_accessible(&desk, "docs").await;
    desk.picture("docs").await.expect("a picture");
    desk.go(&format!("{}/console", scene.stack.base_url())).await;
    desk.find("#token").await;
    is_accessible(&desk, "console's login").await;
    desk.write("#token", &scene.stack.operator_token().expect("a token")).await;
    desk.press(".login button").await;
    desk.find("[data-figure]").await;
    is_accessible(&desk, "console").await;
    is_content(&desk).await;
}

#[tokio::test]
async fn a_keyboard_is_enough_to_open_a_packet() {
    let scene = Scene::new("keys");
    let browser = Browser::start("keys").expect("a browser");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 500, 2, &scene.group())).await;
    let bob = enters(&browser, DESK, &scene.id("bob"), &scene.group()).await;
    bob.find(&bubble(&packet)).await;
    bob.run("document.querySelector(arguments[0]).focus()", vec![bubble(&packet).into()]).await;
    bob.strike(ENTER).await;
    bob.find(".front .coin:focus").await;
    bob.strike(ENTER).await;
    bob.find(".details .amount").await;
    bob.strike(ESCAPE).await;
    bob.loses("dialog").await;
    // The focus is where it was, although the bubble was drawn anew meanwhile.
    bob.find(&format!("{}:focus", bubble(&packet))).await;
    is_content(&bob).await;
}

#[tokio::test]
async fn the_page_speaks_english_too_and_remembers_it() {
    let scene = Scene::new("english");
    let browser = Browser::start("english").expect("a browser");
    let window = browser.window(PHONE, "en-US", scene.stack.base_url()).await.expect("a window");
    window.reads("h1", "Hongbao").await;
    window.press(".choose .plain").await;
    window.reads("h1", "红包").await;
    window.go(scene.stack.base_url()).await;
    window.reads("h1", "红包").await;
    let language = window.run("return document.documentElement.lang", vec![]).await;
    assert_eq!(language, "zh-CN");
}

#[tokio::test]
async fn the_first_load_can_be_used_within_a_second() {
    let scene = Scene::new("load");
    let browser = Browser::start("load").expect("a browser");
    // The first window warms up the browser itself, which is not the page's time; each has a cache of its own.
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
        window.find(".person").await;
        let ms = window.run("return performance.getEntriesByName('interactive')[0].startTime", vec![]).await;
        best = best.min(ms.as_f64().expect("a time"));
    }
    eprintln!("interactive after {best:.0} ms");
    assert!(best < 1_000.0, "interactive only after {best:.0} ms");
}
