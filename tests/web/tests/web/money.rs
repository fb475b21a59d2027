//! Amounts as people type them: what is sent is what was meant, or nothing.

use hongbao_tests::Scene;
use hongbao_web::{Browser, DESK, PHONE};
use serde_json::{Value, json};

use crate::people::{enters, is_content, newest};

/// What is typed, and what it is in fen.
const AMOUNTS: &[(&str, Option<i64>)] = &[
    ("12.3", Some(1_230)),
    ("1,50", Some(150)),
    ("0,01", Some(1)),
    ("12,5", Some(1_250)),
    ("1,234", Some(123_400)),
    ("1,234,567.89", Some(123_456_789)),
    ("1,234.5", Some(123_450)),
    ("12.", Some(1_200)),
    (".5", Some(50)),
    (",5", Some(50)),
    ("007", Some(700)),
    ("１２．５０", Some(1_250)),
    ("１，５０", Some(150)),
    ("１，２３４．５", Some(123_450)),
    ("12。5", Some(1_250)),
    ("¥12", Some(1_200)),
    ("￥ 12.5", Some(1_250)),
    ("12元", Some(1_200)),
    ("　8.88 ", Some(888)),
    ("9999999999999.99", Some(999_999_999_999_999)),
    ("0", Some(0)),
    ("", None),
    ("abc", None),
    (".", None),
    (",", None),
    ("12,", None),
    ("-1", None),
    ("−1", None),
    ("1e3", None),
    ("0x10", None),
    ("1.234", None),
    ("1.234,50", None),
    ("1,234,5", None),
    ("1,2345", None),
    ("12,34,567", None),
    ("1234,567", None),
    ("0,500", None),
    ("1,,5", None),
    ("1..5", None),
    ("1 50", None),
    ("1'000", None),
    ("1、50", None),
    ("1²", None),
    ("½", None),
    ("99999999999999", None),
    ("¥¥1", None),
];
/// The same for a whole number.
const NUMBERS: &[(&str, Option<i64>)] = &[
    ("5", Some(5)),
    ("５", Some(5)),
    (" 12 ", Some(12)),
    ("1e2", None),
    ("0x10", None),
    ("1,000", None),
    ("5.0", None),
    ("-1", None),
    ("", None),
];

async fn reads(window: &hongbao_web::Window, function: &str, table: &[(&str, Option<i64>)]) {
    let texts: Vec<&str> = table.iter().map(|(text, _)| *text).collect();
    let read = "const [name, texts, done] = arguments; \
        import('/assets/any/money.js').then((money) => done(texts.map(money[name])), (error) => done(String(error)))";
    let found = window.run_to_end(read, vec![json!(function), json!(texts)]).await;
    let expected: Vec<Value> = table.iter().map(|(_, fen)| json!(fen)).collect();
    let found = found.as_array().unwrap_or_else(|| panic!("{found}"));
    for ((text, _), (found, expected)) in table.iter().zip(found.iter().zip(&expected)) {
        assert_eq!(found, expected, "{function} of {text:?}");
    }
}

#[tokio::test]
async fn an_amount_is_what_was_meant_or_none() {
    let scene = Scene::new("amounts");
    let browser = Browser::start("amounts").expect("a browser");
    let window = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    reads(&window, "fenOf", AMOUNTS).await;
    reads(&window, "wholeOf", NUMBERS).await;
}

#[tokio::test]
async fn a_decimal_comma_sends_one_yuan_fifty() {
    let scene = Scene::new("comma");
    let browser = Browser::start("comma").expect("a browser");
    let alice = scene.person("alice").await;
    let window = enters(&browser, PHONE, &alice.id, &scene.group()).await;
    window.press(".chat footer button").await;
    window.write("#amount", "1,50").await;
    window.write("#count", "１").await;
    window.reads(".send .total", "1.50").await;
    window.reads(".send .verdict", "发后余额").await;
    window.press(".send > .primary").await;
    window.loses(".send-dialog").await;
    let packet = hongbao_tests::until("it is sent", || newest(&window)).await;
    assert_eq!(alice.see(&packet).await["total_fen"], 150);
    is_content(&window).await;
}

#[tokio::test]
async fn what_is_refused_is_refused_beside_its_field_in_the_readers_language() {
    let scene = Scene::new("beside");
    let browser = Browser::start("beside").expect("a browser");
    let window = enters(&browser, PHONE, &scene.id("alice"), &scene.group()).await;
    window.press(".chat footer button").await;
    for typed in ["abc", "1,234,5", "-5", "1.005"] {
        window.write("#amount", typed).await;
        window.reads("#amount-problem", "请填金额").await;
    }
    window.write("#amount", "1").await;
    window.write("#count", "1e2").await;
    window.reads("#count-problem", "请填个数").await;
    window.write("#count", "5").await;
    window.write("#greeting", &"长".repeat(201)).await;
    let said = window.reads("#greeting-problem", "200").await;
    assert!(said.chars().all(|letter| !letter.is_ascii_alphabetic()), "{said}");
    window.write("#greeting", "").await;
    // Nothing typed is no mistake before it is sent, and said then.
    window.write("#amount", "").await;
    window.loses("#amount-problem:not(:empty)").await;
    window.press(".send > .primary").await;
    window.reads("#amount-problem", "请填金额").await;
    window.press(".close").await;
    window.press(".me .plain").await;
    window.press(".chat footer button").await;
    window.write("#amount", "abc").await;
    window.reads("#amount-problem", "Enter an amount").await;
    is_content(&window).await;
}

#[tokio::test]
async fn a_deposit_is_reviewed_as_what_it_books() {
    let scene = Scene::new("deposit");
    let browser = Browser::start("deposit").expect("a browser");
    let bob = scene.person("bob").await;
    let before = bob.balance().await;
    let address = format!("{}/console", scene.stack.base_url());
    let desk = browser.window(DESK, "zh-CN", &address).await.expect("a window");
    desk.write("#token", &scene.stack.operator_token().expect("a token")).await;
    desk.press(".login button").await;
    desk.press("#deposits button").await;
    desk.write("#deposit-id", "comma-1").await;
    desk.write("#deposit-user", &bob.id).await;
    for wrong in ["", "abc", "1,234,5"] {
        desk.write("#deposit-amount", wrong).await;
        desk.press(".act button.primary").await;
        desk.reads(".act .problem", "金额").await;
    }
    desk.write("#deposit-amount", "1,50").await;
    desk.press(".act button.primary").await;
    desk.reads(".confirming", "¥1.50").await;
    desk.press(".act button.primary").await;
    desk.loses(".act-dialog").await;
    bob.comes_to_hold(before + 150).await;
    is_content(&desk).await;
}
