//! The page for everybody: by keyboard alone, to assistive technology, soon, in both languages.

use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene};
use hongbao_web::{Browser, DESK, PHONE, Screen, Window, serious_findings};

use crate::operator::{ACTS, forges, operates};
use crate::people::{bubble, comes, enters, is_content};

/// What Enter, Escape and Tab are to WebDriver.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

async fn is_accessible(window: &Window, what: &str) {
    let findings = serious_findings(window).await.expect("axe-core");
    assert_eq!(findings, Vec::<String>::new(), "{what}");
}

/// The people's page, view by view.
async fn walks(browser: &Browser, scene: &Scene<'_>, screen: Screen, language: &str, who: &str) {
    let [alice, bob] = scene.people(["alice", who]).await;
    let finished = alice.give(&Draft::new("lucky", 500, 2, &scene.group()).with("cover", "lantern")).await;
    alice.take(&finished).await;
    bob.take(&finished).await;
    let open = alice.give(&Draft::new("lucky", 500, 2, &scene.group()).with("password", "x")).await;
    let window = browser.window(screen, language, scene.stack.base_url()).await.expect("a window");
    window.find(".person").await;
    let is_accessible = async |what: &str| {
        let place = format!("{what}, {language} at {}", screen.width);
        is_accessible(&window, &place).await;
    };
    is_accessible("login").await;
    window.write("#name", "no name").await;
    window.press(".choose form button").await;
    window.find("#name-problem").await;
    is_accessible("a name that is none").await;
    comes(&window, &bob.id, &scene.group()).await;
    window.find(&bubble(&finished)).await;
    is_accessible("chat").await;
    window.press(".chat footer button").await;
    window.press(".send summary").await;
    is_accessible("send").await;
    window.press(".choose-kind [data-value='exclusive']").await;
    window.press(".choose-starts [data-value='-1']").await;
    window.press(".send > .primary").await;
    window.find("#when-problem").await;
    is_accessible("what the form refuses").await;
    window.press(".choose-starts [data-value='0']").await;
    window.press(".close").await;
    window.press(&bubble(&open)).await;
    window.find(".front .coin").await;
    is_accessible("envelope").await;
    window.press(".close").await;
    window.press(&bubble(&finished)).await;
    window.press(".verify").await;
    window.find(".steps").await;
    is_accessible("proof").await;
    window.press(".close").await;
    for view in ["wallet", "mine"] {
        window.press(&format!("nav [href='#{view}']")).await;
        window.find("main .balance").await;
        is_accessible(view).await;
    }
    is_content(&window).await;
}

#[tokio::test]
async fn no_view_has_a_serious_finding_in_chinese() {
    let scene = Scene::new("axe-zh");
    let browser = Browser::start("axe-zh").expect("a browser");
    walks(&browser, &scene, PHONE, "zh-CN", "bob").await;
    walks(&browser, &scene, DESK, "zh-CN", "carol").await;
}

#[tokio::test]
async fn no_view_has_a_serious_finding_in_english() {
    let scene = Scene::new("axe-en");
    let browser = Browser::start("axe-en").expect("a browser");
    walks(&browser, &scene, PHONE, "en-US", "bob").await;
    walks(&browser, &scene, DESK, "en-US", "carol").await;
}

#[tokio::test]
async fn no_panel_of_the_console_and_no_document_has_a_serious_finding() {
    let stack = start("console-axe", |_| {});
    let scene = Scene::on(&stack, "axe");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    forges(&stack, &packet, &eve.id);
    let browser = Browser::start("console-axe").expect("a browser");
    for screen in [PHONE, DESK] {
        let place = format!("at {}", screen.width);
        let window = browser.window(screen, "en-US", &format!("{}/docs", stack.base_url())).await.expect("a window");
        window.find(".call").await;
        is_accessible(&window, &format!("the documents, {place}")).await;
        window.picture(&format!("docs-{}", screen.width)).await.expect("a picture");
        window.go(&format!("{}/console", stack.base_url())).await;
        window.find("#token").await;
        is_accessible(&window, &format!("the console's login, {place}")).await;
        let desk = operates(&browser, screen, &stack).await;
        desk.find(".exception.open").await;
        desk.press("#reconcile button").await;
        desk.find("#reconcile tbody tr").await;
        desk.write("#blocked-user", &bob.id).await;
        desk.press("#blacklist form button").await;
        desk.find("#blacklist dl").await;
        is_accessible(&desk, &format!("the console, {place}")).await;
        for (opener, fields) in ACTS {
            desk.press(opener).await;
            desk.find(".act-dialog").await;
            for (field, _) in *fields {
                desk.write(field, "").await;
            }
            desk.press(".act button.primary").await;
            is_accessible(&desk, &format!("{opener}, {place}")).await;
            desk.press(".close").await;
            desk.loses("dialog").await;
        }
        is_content(&desk).await;
    }
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
