//! Amounts as people type them: what is sent is what was meant, or nothing.

use hongbao_tests::stage::start;
use hongbao_tests::{Scene, until};
use hongbao_web::{Browser, DESK, PHONE};
use serde_json::{Value, json};

use crate::operator::operates;
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
    ("1 000,50", None),
    ("1.2.3", None),
    ("1,23.5", None),
    ("1,234,56", None),
    ("1٫50", None),
    ("1٬000", None),
    ("١٢", None),
    ("1’000", None),
    ("1＇000", None),
    ("1_000", None),
    ("1·50", None),
    ("1　000", None),
    ("1\u{a0}000", None),
    ("12\n5", None),
    ("+5", None),
    ("5%", None),
    ("$5", None),
    ("￥１，２３４．５０元", Some(123_450)),
    ("１２，５", Some(1_250)),
    ("￥1.5", Some(150)),
    ("¥\u{a0}1.5", Some(150)),
    // What is copied from a chat or another app may bring marks that nobody sees.
    ("\u{202d}12.50\u{202c}", Some(1_250)),
    ("\u{feff}8.88\u{200b}", Some(888)),
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
    ("5.", None),
    ("+5", None),
    ("1 0", None),
    ("٥", None),
    ("五", None),
    ("1234567890", None),
    ("\u{200e}12", Some(12)),
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
    let packet = until("it is sent", || newest(&window)).await;
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
    // Each of several, also where the first is only empty.
    window.write("#amount", "").await;
    window.write("#count", "abc").await;
    window.reads("#count-problem", "请填个数").await;
    window.write("#amount", "x").await;
    window.reads("#amount-problem", "请填金额").await;
    window.reads("#count-problem", "请填个数").await;
    window.write("#amount", "1").await;
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
    let desk = operates(&browser, DESK, scene.stack).await;
    desk.press("#deposits button").await;
    desk.write("#deposit-id", "comma-1").await;
    desk.write("#deposit-user", &bob.id).await;
    for wrong in ["", " ", "abc", "1,234,5", "0", "-1", "10000000000.01"] {
        desk.write("#deposit-amount", wrong).await;
        desk.press(".act button.primary").await;
        desk.reads("#deposit-amount-problem", "Enter an amount from ¥0.01 to").await;
    }
    desk.write("#deposit-amount", "1,50").await;
    desk.press(".act button.primary").await;
    desk.reads(".confirming", "¥1.50").await;
    desk.press(".act button.primary").await;
    desk.loses(".act-dialog").await;
    bob.comes_to_hold(before + 150).await;
    is_content(&desk).await;
}

/// Every number that an operator types: what is none, or beyond its bound, is told beside the field and changes nothing.
#[tokio::test]
async fn a_number_of_an_operator_is_within_its_bounds() {
    let stack = start("bounds", |_| {});
    let browser = Browser::start("bounds").expect("a browser");
    let desk = operates(&browser, DESK, &stack).await;
    desk.press("#shards .acts .plain").await;
    desk.write("#reason", "a test").await;
    for wrong in ["", "  ", "-1", "1.5", "1,5", "1e2", "0x10", "1001", "abc", "1 0"] {
        desk.write("#weight", wrong).await;
        desk.press(".act button.primary").await;
        desk.reads("#weight-problem", "0 到 1000").await;
        desk.find("#weight[aria-invalid='true']:focus").await;
        assert_eq!(desk.count(".confirming:not([hidden])").await, 0, "{wrong:?} is to be reviewed");
    }
    desk.write("#weight", "１０").await;
    // A line break is no character that a reason may not have.
    desk.write("#reason", "too slow\nfor its age").await;
    desk.press(".act button.primary").await;
    let review = desk.reads(".confirming", "too slow for its age").await;
    assert!(review.contains("权重 Weight\n10\n"), "{review}");
    desk.press(".act button.primary").await;
    desk.loses(".act-dialog").await;
    let weight = async || desk.text("#shards td:nth-child(4)").await;
    until("it weighs 10", || async { weight().await.ends_with("10").then_some(()) }).await;

    desk.press("#deposits button").await;
    desk.write("#deposit-id", "login:1").await;
    desk.write("#deposit-user", "bob").await;
    desk.write("#deposit-amount", "1").await;
    desk.write("#reason", &"长".repeat(501)).await;
    desk.press(".act button.primary").await;
    desk.reads("#reason-problem", "500").await;
    desk.write("#reason", &"🧧".repeat(500)).await;
    // What only the application knows to be wrong stands beside its field too.
    for (field, corrected) in [("user", "us_bob"), ("id", "order-1")] {
        desk.press(".act button.primary").await;
        desk.reads(".confirming", "¥1.00").await;
        desk.press(".act button.primary").await;
        desk.reads(&format!("#deposit-{field}-problem"), "invalid_request").await;
        desk.write(&format!("#deposit-{field}"), corrected).await;
    }
    desk.press(".close").await;

    desk.write("#blocked-user", "  ").await;
    desk.press("#blacklist form button").await;
    desk.reads("#blocked-user-problem", "必填").await;
    is_content(&desk).await;
}
