//! Bad input: each is answered by the code of the table, names the field, and changes nothing.

use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::{Draft, Person, Scene};
use serde_json::json;

/// The numbers that no amount and no count may be, as they stand in JSON.
const NO_NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "-0",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
    "1e2",
    "1E400",
    "1.0",
    "\"5\"",
    "null",
    "[5]",
    "{\"fen\":5}",
];

async fn refuses(person: &Person, path: &str, body: impl Into<Vec<u8>>, field: &str) {
    let body = body.into();
    let reply = person.post_bytes(path, body).await;
    let message = reply.body["error"]["message"].as_str().unwrap_or_default().to_owned();
    reply.refused(400, "invalid_request", Some(field));
    assert!(message.starts_with(field), "the message names the field: {message}");
}

/// A good body of `wrap` with one value replaced by this JSON.
fn with(group: &str, field: &str, json: &str) -> String {
    let good = [
        ("kind", "\"lucky\"".to_owned()),
        ("total_fen", "1000".to_owned()),
        ("count", "5".to_owned()),
        ("to", format!("{{\"group\":\"{group}\"}}")),
    ];
    let kept = good.iter().filter(|(name, _)| *name != field).map(|(name, value)| format!("\"{name}\":{value}"));
    let fields: Vec<String> = kept.chain([format!("\"{field}\":{json}")]).collect();
    format!("{{{}}}", fields.join(","))
}

#[tokio::test]
async fn wrap_refuses_every_value_outside_its_bounds() {
    let scene = Scene::new("wrap-input");
    let alice = scene.person("alice").await;
    let group = scene.group();
    for number in NO_NUMBERS {
        refuses(&alice, "/v1/wrap", with(&group, "total_fen", number), "total_fen").await;
        refuses(&alice, "/v1/wrap", with(&group, "count", number), "count").await;
    }
    let long = |length: usize| format!("\"{}\"", "福".repeat(length));
    let cases = [
        ("total_fen", "4".to_owned(), "total_fen"), // Less than a fen a share.
        ("total_fen", "1000000000000001".to_owned(), "total_fen"),
        ("count", "10001".to_owned(), "count"),
        ("kind", "\"Lucky\"".to_owned(), "kind"),
        ("kind", "\"rain\"".to_owned(), "kind"),
        ("kind", "1".to_owned(), "kind"),
        ("kind", "null".to_owned(), "kind"),
        ("greeting", "\"\"".to_owned(), "greeting"),
        ("greeting", "7".to_owned(), "greeting"),
        ("greeting", "\"a\\u0000b\"".to_owned(), "greeting"),
        ("greeting", "\"a\\nb\"".to_owned(), "greeting"),
        ("greeting", "\"\\ud800\"".to_owned(), "greeting"),
        ("greeting", long(201), "greeting"),
        ("password", "\"\"".to_owned(), "password"),
        ("password", "1234".to_owned(), "password"),
        ("password", long(33), "password"),
        ("cover", "\"../x\"".to_owned(), "cover"),
        ("cover", "\"Horse\"".to_owned(), "cover"),
        ("cover", "\"\"".to_owned(), "cover"),
        ("cover", format!("\"{}\"", "a".repeat(33)), "cover"),
        ("starts_at_ms", "1".to_owned(), "starts_at_ms"),
        ("starts_at_ms", "-1".to_owned(), "starts_at_ms"),
        ("starts_at_ms", "253402300800000".to_owned(), "starts_at_ms"),
        ("starts_at_ms", "253402300799999".to_owned(), "starts_at_ms"),
        ("starts_at_ms", "\"now\"".to_owned(), "starts_at_ms"),
        ("expires_in_s", "0".to_owned(), "expires_in_s"),
        ("expires_in_s", "-1".to_owned(), "expires_in_s"),
        ("expires_in_s", "86401".to_owned(), "expires_in_s"),
        ("expires_in_s", "1e2".to_owned(), "expires_in_s"),
        ("expires_in_s", "\"60\"".to_owned(), "expires_in_s"),
        ("fee_fen", "1".to_owned(), "fee_fen"),              // Unknown.
        ("to", "{\"user\":\"us_bob\"}".to_owned(), "count"), // One person, five shares.
    ];
    for (field, value, named) in cases {
        refuses(&alice, "/v1/wrap", with(&group, field, &value), named).await;
    }
    assert_eq!(alice.balance().await, PURSE_FEN);
}

#[tokio::test]
async fn wrap_refuses_every_recipient_but_one_group_or_one_user() {
    let scene = Scene::new("wrap-to");
    let alice = scene.person("alice").await;
    let long = format!("{{\"group\":\"g_{}\"}}", "a".repeat(61));
    let recipients = [
        "null",
        "{}",
        "[]",
        "\"g_1\"",
        "{\"group\":\"1\"}",
        "{\"group\":\"g_\"}",
        "{\"group\":\"us_bob\"}",
        "{\"group\":7}",
        "{\"group\":null}",
        "{\"user\":\"g_1\"}",
        "{\"user\":\"us_bob'; DROP TABLE packets; --\"}",
        "{\"user\":\"us_b ob\"}",
        "{\"everybody\":true}",
        "{\"group\":\"g_1\",\"user\":\"us_bob\"}",
        "{\"group\":\"g_1\",\"group\":\"g_2\"}",
        long.as_str(),
    ];
    for to in recipients {
        let reply = alice.post_bytes("/v1/wrap", with(&scene.group(), "to", to).into_bytes()).await;
        let told = |what: &str| reply.body["error"][what].as_str().unwrap_or_default().to_owned();
        let (field, message) = (told("field"), told("message"));
        reply.refused(400, "invalid_request", Some(&field));
        assert!(field == "to" || field.starts_with("to."), "{to}: {field}");
        assert!(field != "to" || message.contains(r#"{"group":"g_…"} or {"user":"us_…"}"#), "{to}: {message}");
    }
}

#[tokio::test]
async fn every_call_refuses_bodies_that_are_not_one_object_of_its_fields() {
    let scene = Scene::new("bodies");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let before = (alice.balance().await, bob.see(&packet).await);
    let deep = "[".repeat(4_000);
    for path in ["/v1/wrap", "/v1/send", &format!("/v1/packets/{packet}/grab"), &format!("/v1/packets/{packet}/open")] {
        let broken: [&[u8]; 14] = [
            b"",
            b" ",
            b"{",
            b"}",
            b"null",
            b"[]",
            b"7",
            b"\"{}\"",
            b"{}{}",
            b"{} x",
            b"{'quote':1}",
            b"\xff\xfe{}",
            b"{\"a\":\"\xc3\x28\"}",
            deep.as_bytes(),
        ];
        for body in broken {
            let reply = bob.post_bytes(path, body.to_vec()).await;
            assert_eq!((reply.status, reply.code()), (400, "invalid_request"), "{reply}");
            assert!(reply.body["error"]["field"].is_string(), "{reply}");
        }
        refuses(&bob, path, "{\"surprise\":1}", "surprise").await;
    }
    assert_eq!((alice.balance().await, bob.see(&packet).await), before);
}

#[tokio::test]
async fn missing_doubled_and_mistyped_fields_are_named() {
    let scene = Scene::new("fields");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let (grab, open) = (format!("/v1/packets/{packet}/grab"), format!("/v1/packets/{packet}/open"));
    let group = scene.group();
    for field in ["kind", "total_fen", "count", "to"] {
        let mut missing = Draft::new("lucky", 1_000, 5, &group).body();
        missing.as_object_mut().expect("an object").remove(field);
        refuses(&alice, "/v1/wrap", missing.to_string(), field).await;
        let doubled = Draft::new("lucky", 1_000, 5, &group).body().to_string();
        let again = json!(Draft::new("lucky", 1_000, 5, &group).body()[field]);
        let doubled = doubled.replacen('{', &format!("{{\"{field}\":{again},"), 1);
        refuses(&alice, "/v1/wrap", doubled, field).await;
    }
    let cases = [
        ("/v1/send", "{}", "quote"),
        ("/v1/send", "{\"quote\":7}", "quote"),
        ("/v1/send", "{\"quote\":null}", "quote"),
        ("/v1/send", "{\"quote\":\"a\",\"quote\":\"b\"}", "quote"),
        ("/v1/send", "{\"quote\":\"a\",\"total_fen\":1}", "total_fen"),
        (&open, "{}", "voucher"),
        (&open, "{\"voucher\":[]}", "voucher"),
        (&open, "{\"voucher\":\"a\",\"voucher\":\"a\"}", "voucher"),
        (&open, "{\"voucher\":\"a\",\"amount_fen\":100}", "amount_fen"),
        (&grab, "{\"password\":7}", "password"),
        (&grab, "{\"password\":\"a\",\"password\":\"a\"}", "password"),
        (&grab, "{\"seq\":0}", "seq"),
        ("/v1/dev/login", "{}", "user"),
        ("/v1/dev/login", "{\"user\":\"bob\"}", "user"),
        ("/v1/dev/login", "{\"user\":\"us_\"}", "user"),
        ("/v1/dev/login", "{\"user\":\"us_bob\",\"groups\":\"g_1\"}", "groups"),
        ("/v1/dev/login", "{\"user\":\"us_bob\",\"groups\":[\"1\"]}", "groups[0]"),
        ("/v1/dev/login", "{\"user\":\"us_bob\",\"company\":true}", "company"),
    ];
    for (path, body, field) in cases {
        refuses(&bob, path, body, field).await;
    }
    let crowd: Vec<String> = (0..51).map(|group| format!("g_{group}")).collect();
    refuses(&bob, "/v1/dev/login", json!({"user": "us_bob", "groups": crowd}).to_string(), "groups").await;
    assert_eq!((alice.balance().await, bob.see(&packet).await["grabbed"].as_i64()), (PURSE_FEN - 100, Some(0)));
}
