//! Nothing is wider than the window: on every view and in every dialog, on phones, a desk, and at twice the size, in
//! both languages, with the longest names there can be.

use hongbao_tests::draft::in_ms;
use hongbao_tests::{Draft, Scene};
use hongbao_web::{Browser, DESK, PHONE, SMALL_PHONE, Screen, Window, ZOOMED_PHONE};

use crate::people::{bubble, is_content, opens};

/// The longest name of a user or a group, without its prefix.
pub(crate) fn longest(start: &str) -> String {
    format!("{start}{}", "W".repeat(60 - start.len()))
}

pub(crate) async fn fits(window: &Window, what: &str) {
    // What comes from the server is there once nothing has changed for two frames of the page's.
    let settled = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
    window.run_to_end(settled, vec![]).await;
    assert_eq!(window.too_wide().await, Vec::<String>::new(), "{what}");
}

/// What matters of a packet is on the screen without scrolling.
async fn is_on_screen(window: &Window, css: &str) {
    let script = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); \
        return box.top >= 0 && box.bottom <= innerHeight";
    assert_eq!(window.run(script, vec![css.into()]).await, true, "{css} is on the screen");
}

/// The packets of the walk: each shows another face of the envelope or of what is inside.
struct Packets {
    open: String,
    sealed: String,
    later: String,
    gone: String,
    shared: String,
}

async fn packets(scene: &Scene<'_>, group: &str, walker: &str) -> Packets {
    let login = async |user: &str| {
        let body = serde_json::json!({"user": format!("us_{user}"), "groups": [group]});
        let answer =
            scene.call(hongbao_client::Method::POST, "/v1/dev/login").json(&body).send().await.expect("a login");
        scene.bearer(&format!("us_{user}"), answer.json()["token"].as_str().expect("a token"))
    };
    let (sender, other) =
        (login(&longest(&format!("{walker}-from-"))).await, login(&longest(&format!("{walker}-too-"))).await);
    let open = sender.give(&Draft::new("lucky", 900, 5, group).with("greeting", "长".repeat(200))).await;
    let sealed = sender.give(&Draft::new("equal", 900, 5, group).with("password", "芝麻").with("cover", "koi")).await;
    let in_an_hour = in_ms(std::time::Duration::from_secs(3600));
    let later = sender.give(&Draft::new("lucky", 900, 5, group).with("starts_at_ms", in_an_hour)).await;
    let gone = sender.give(&Draft::new("lucky", 900, 1, group)).await;
    let shared = sender.give(&Draft::new("lucky", 60_000, 8, group).with("greeting", "W".repeat(200))).await;
    for packet in [&gone, &shared] {
        other.take(packet).await;
    }
    sender.take(&shared).await;
    Packets { open, sealed, later, gone, shared }
}

async fn walk(browser: &Browser, scene: &Scene<'_>, screen: Screen, language: &str, user: &str) {
    let place = format!("{language} at {}", screen.width);
    let group = longest(&format!("{user}-"));
    let packets = packets(scene, &format!("g_{group}"), user).await;
    let window = browser.window(screen, language, scene.stack.base_url()).await.expect("a window");
    window.find(".person").await;
    fits(&window, &format!("login, {place}")).await;
    window.write("#group", &group).await;
    window.write("#name", "no name").await;
    window.press(".choose form button").await;
    window.find("#name-problem").await;
    fits(&window, &format!("a name that is none, {place}")).await;
    window.write("#name", &longest(&format!("{user}-"))).await;
    window.press(".choose form button").await;
    window.find(&bubble(&packets.open)).await;
    fits(&window, &format!("chat, {place}")).await;
    if language == "en-US" || screen.width == 390 {
        window.picture(&format!("width-{}-{language}-chat", screen.width)).await.expect("a picture");
    }

    window.press(".chat footer button").await;
    window.press(".send summary").await;
    for kind in ["equal", "exclusive"] {
        window.press(&format!(".choose-kind [data-value='{kind}']")).await;
        window.write("#amount", "12.34").await;
        if kind == "exclusive" {
            window.write("#to", &longest("nobody-")).await;
        }
        window.press(".choose-starts [data-value='-1']").await;
        window.press(".send > .primary").await;
        window.find("#when-problem").await;
        fits(&window, &format!("the {kind} form, {place}")).await;
        window.press(".choose-starts [data-value='0']").await;
        window.find(".send .verdict:not(:empty)").await;
        fits(&window, &format!("the {kind} form agreed, {place}")).await;
        window.picture(&format!("width-{}-{language}-{kind}", screen.width)).await.expect("a picture");
    }
    window.press(".close").await;

    for (packet, what) in [(&packets.open, "open"), (&packets.sealed, "sealed"), (&packets.later, "later")] {
        window.press(&bubble(packet)).await;
        window.find(".front .coin").await;
        fits(&window, &format!("a packet that is {what}, {place}")).await;
        if screen.width >= 320 {
            is_on_screen(&window, ".front .coin").await;
        }
        window.picture(&format!("width-{}-{language}-{what}", screen.width)).await.expect("a picture");
        window.press(".close").await;
    }
    window.press(&bubble(&packets.gone)).await;
    window.press(".front .plain").await;
    window.find(".shares li").await;
    window.press(".verify").await;
    window.find(".steps").await;
    fits(&window, &format!("the proof, {place}")).await;
    window.press(".close").await;
    opens(&window, &packets.shared).await;
    window.find(".details .amount").await;
    window.find(".shares .me").await;
    fits(&window, &format!("inside, {place}")).await;
    if screen.width >= 320 {
        is_on_screen(&window, ".details .amount").await;
    }
    window.picture(&format!("width-{}-{language}-inside", screen.width)).await.expect("a picture");
    window.press(".close").await;
    for (view, there) in [("wallet", ".postings li"), ("mine", ".rows li")] {
        window.press(&format!("nav [href='#{view}']")).await;
        window.find(there).await;
        fits(&window, &format!("{view}, {place}")).await;
    }
    window.press(".tabs button:last-child").await;
    window.find(".mine-view .empty").await;
    fits(&window, &format!("nothing sent, {place}")).await;
    window.set_offline(true).await;
    window.press(".tabs button").await;
    window.find(".mine-view .empty small").await;
    window.find(".connection:not(:empty)").await;
    fits(&window, &format!("no network, {place}")).await;
    window.set_offline(false).await;
    is_content(&window).await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_small_phone() {
    let (scene, browser) = (Scene::new("w320"), Browser::start("w320").expect("a browser"));
    walk(&browser, &scene, SMALL_PHONE, "zh-CN", "small-zh").await;
    walk(&browser, &scene, SMALL_PHONE, "en-US", "small-en").await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_phone() {
    let (scene, browser) = (Scene::new("w390"), Browser::start("w390").expect("a browser"));
    walk(&browser, &scene, PHONE, "zh-CN", "phone-zh").await;
    walk(&browser, &scene, PHONE, "en-US", "phone-en").await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_desk() {
    let (scene, browser) = (Scene::new("w1280"), Browser::start("w1280").expect("a browser"));
    walk(&browser, &scene, DESK, "zh-CN", "desk-zh").await;
    walk(&browser, &scene, DESK, "en-US", "desk-en").await;
}

#[tokio::test]
async fn nothing_is_wider_than_a_phone_at_twice_the_size() {
    let (scene, browser) = (Scene::new("w195"), Browser::start("w195").expect("a browser"));
    walk(&browser, &scene, ZOOMED_PHONE, "zh-CN", "zoom-zh").await;
    walk(&browser, &scene, ZOOMED_PHONE, "en-US", "zoom-en").await;
}
