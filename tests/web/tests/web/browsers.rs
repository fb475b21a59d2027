//! Browsers that are not the newest, and windows that may keep nothing.

use hongbao_tests::{Draft, Scene, until};
use hongbao_web::{Browser, OLD, PHONE, Window};

use crate::people::{amount, bubble, comes, is_content, opens, sends};

/// Site data is blocked: the first touch of a storage throws.
const BLOCKED: &str = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, \
    {get() { throw new DOMException('blocked', 'SecurityError'); }});";
/// An Android WebView without DOM storage.
const NO_STORAGE: &str =
    "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {value: null});";
/// Nothing fits into the storages any more.
const FULL: &str = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };";

/// A packet is opened and one is sent.
async fn works(window: &Window, scene: &Scene<'_>, who: &str) {
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("equal", 400, 2, &scene.group())).await;
    comes(window, &scene.id(who), &scene.group()).await;
    opens(window, &packet).await;
    assert_eq!(amount(window).await, 200);
    window.press(".close").await;
    window.reads(&bubble(&packet), "领到").await;
    sends(window, "3", "2", "你好").await;
    window.press("nav [href='#wallet']").await;
    window.find(".postings li").await;
    window.press("nav [href='#mine']").await;
    window.find(".totals [data-fen='200']").await;
    window.press("nav [href='#chat']").await;
    window.find(&bubble(&packet)).await;
    is_content(window).await;
}

#[tokio::test]
async fn a_window_that_may_keep_nothing_works() {
    let scene = Scene::new("blocked");
    let browser = Browser::start("blocked").expect("a browser");
    for (who, script) in [("bob", BLOCKED), ("carol", NO_STORAGE), ("dave", FULL)] {
        let window = browser.window_after(script, PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
        works(&window, &scene, who).await;
        window.press(".me .plain").await;
        window.reads("nav a", "Chat").await;
    }
    let address = format!("{}/console", scene.stack.base_url());
    let desk = browser.window_after(BLOCKED, PHONE, "zh-CN", &address).await.expect("a window");
    desk.write("#token", &scene.stack.operator_token().expect("a token")).await;
    desk.press(".login button").await;
    desk.find(".health").await;
}

#[tokio::test]
async fn a_browser_of_five_years_ago_works() {
    let scene = Scene::new("old");
    let browser = Browser::start("old").expect("a browser");
    let window = browser.window_after(OLD, PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    let taken = "return [typeof AbortSignal.timeout, 'showModal' in document.createElement('dialog')]";
    assert_eq!(window.run(taken, vec![]).await, serde_json::json!(["undefined", false]));
    works(&window, &scene, "bob").await;
    // Dialogs that the page makes itself keep the focus, and close by key, by Back and by a press beside them.
    let closes = async |how: &str| {
        let alice = scene.person("alice").await;
        let packet = alice.give(&Draft::new("lucky", 400, 2, &scene.group())).await;
        window.press(&bubble(&packet)).await;
        window.find(".front .coin:focus").await;
        assert_eq!(window.too_wide().await, Vec::<String>::new());
        match how {
            "key" => window.strike("\u{e00c}").await,
            "back" => window.back().await,
            _ => drop(window.run("document.querySelector('.backdrop').click()", vec![]).await),
        }
        window.loses("dialog").await;
        window.find(&format!("{}:focus", bubble(&packet))).await;
    };
    for how in ["key", "back", "beside"] {
        closes(how).await;
    }
    is_content(&window).await;
    let address = format!("{}/docs", scene.stack.base_url());
    let desk = browser.window_after(OLD, PHONE, "en-US", &address).await.expect("a window");
    desk.press("#post-v1-dev-login .copy").await;
    desk.reads("#post-v1-dev-login .copy", "selected").await;
    is_content(&desk).await;
}

#[tokio::test]
async fn a_browser_that_is_too_old_is_told_so() {
    let scene = Scene::new("too-old");
    let browser = Browser::start("too-old").expect("a browser");
    let script = "delete Element.prototype.replaceChildren;";
    for path in ["/", "/console"] {
        let address = format!("{}{path}", scene.stack.base_url());
        let window = browser.window_after(script, PHONE, "zh-CN", &address).await.expect("a window");
        let said = window.reads("#app", "这个浏览器太旧").await;
        assert!(said.contains("This browser is too old"), "{said}");
        assert_eq!(window.too_wide().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_page_that_loads_by_half_says_so() {
    let scene = Scene::new("half");
    let browser = Browser::start("half").expect("a browser");
    let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    window.tools("Network.enable", serde_json::json!({})).await.expect("the network can be watched");
    let blocked = serde_json::json!({"urls": ["*/chat.js"]});
    window.tools("Network.setBlockedURLs", blocked).await.expect("an address can be blocked");
    window.tools("Network.setCacheDisabled", serde_json::json!({"cacheDisabled": true})).await.expect("no cache");
    window.go(scene.stack.base_url()).await;
    let said =
        until("it says so", || async { Some(window.text("#app").await).filter(|text| text.contains("检查网络")) });
    assert!(said.await.contains("did not load completely"));
}

/// A network that wants a login answers with a page of its own, and that it is all well.
#[tokio::test]
async fn a_page_in_place_of_an_answer_is_no_answer() {
    let scene = Scene::new("portal");
    let browser = Browser::start("portal").expect("a browser");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("equal", 400, 2, &scene.group())).await;
    let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    comes(&window, &scene.id("bob"), &scene.group()).await;
    window.find(&bubble(&packet)).await;
    let between = "const real = window.fetch; window.isBetween = true; window.fetch = (path, request) => \
        window.isBetween ? Promise.resolve(new Response('<p>Welcome to our hotel</p>', \
        {headers: {'content-type': 'text/html'}})) : real(path, request)";
    window.run(between, vec![]).await;
    window.press(&bubble(&packet)).await;
    window.reads(".packet-dialog .say", "再试").await;
    window.run("window.isBetween = false", vec![]).await;
    window.press(".front .coin").await;
    assert_eq!(amount(&window).await, 200);
    is_content(&window).await;
}

/// What the sender's form takes as a password can be typed on the envelope: letters are counted as people count them.
#[tokio::test]
async fn a_password_of_pictures_can_be_typed() {
    let scene = Scene::new("pictures");
    let browser = Browser::start("pictures").expect("a browser");
    let alice = scene.person("alice").await;
    let word = "🧧".repeat(30);
    let packet = alice.give(&Draft::new("equal", 400, 2, &scene.group()).with("password", word.clone())).await;
    let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    comes(&window, &scene.id("bob"), &scene.group()).await;
    window.press(&bubble(&packet)).await;
    window.find(".front #password:focus").await;
    window.tools("Input.insertText", serde_json::json!({"text": word})).await.expect("text can be typed");
    window.press(".front .coin").await;
    assert_eq!(amount(&window).await, 200);
    is_content(&window).await;
}
