//! People at their windows.

use hongbao_tests::stage::stage;
use hongbao_tests::until;
use hongbao_web::{Browser, Screen, Window};

/// Somebody at a window, in the chat of their group.
pub(crate) async fn enters(browser: &Browser, screen: Screen, user: &str, group: &str) -> Window {
    let window = browser.window(screen, "zh-CN", stage().base_url()).await.expect("a window");
    comes(&window, user, group).await;
    window
}

/// Logs in at a window.
pub(crate) async fn comes(window: &Window, user: &str, group: &str) {
    window.write("#group", group.strip_prefix("g_").unwrap_or(group)).await;
    window.write("#name", user.strip_prefix("us_").unwrap_or(user)).await;
    window.press(".choose form button").await;
    window.find(".chat footer button").await;
}

/// The bubble of a packet.
pub(crate) fn bubble(packet: &str) -> String {
    format!("[data-packet='{packet}'] .packet")
}

/// Fills in the form for a packet and sends it; the packet's id.
pub(crate) async fn sends(window: &Window, yuan: &str, count: &str, greeting: &str) -> String {
    let before = newest(window).await;
    window.press(".chat footer button").await;
    window.write("#amount", yuan).await;
    window.write("#count", count).await;
    window.write("#greeting", greeting).await;
    window.reads(".send .verdict", "发后余额").await;
    window.press(".send > .primary").await;
    window.loses(".send-dialog").await;
    until("the packet is in the chat", || async { newest(window).await.filter(|id| Some(id) != before.as_ref()) }).await
}

pub(crate) async fn newest(window: &Window) -> Option<String> {
    let id = window.run("return document.querySelector('.message:last-child')?.dataset.packet ?? null", vec![]).await;
    id.as_str().map(str::to_owned)
}

/// Opens the envelope and presses its coin.
pub(crate) async fn opens(window: &Window, packet: &str) {
    window.press(&bubble(packet)).await;
    window.press(".front .coin").await;
}

/// What the open packet shows as mine, in fen.
pub(crate) async fn amount(window: &Window) -> i64 {
    let text = window.text(".details .amount").await;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no amount in {text}"))
}

/// Who got what, as the open packet shows it: user and fen, by user.
pub(crate) async fn list(window: &Window) -> Vec<(String, i64)> {
    let script = "return [...document.querySelectorAll('.shares [data-user]')].map((one) => [one.dataset.user, Number(one.dataset.fen)])";
    let rows = window.run(script, vec![]).await;
    let row = |row: &serde_json::Value| Some((row[0].as_str()?.to_owned(), row[1].as_i64()?));
    let mut rows: Vec<_> = rows.as_array().into_iter().flatten().filter_map(row).collect();
    rows.sort();
    rows
}

/// Nothing went wrong in the page.
pub(crate) async fn is_content(window: &Window) {
    assert_eq!(window.complaints().await, Vec::<String>::new());
}
