//! Text that people write: what nobody can see is empty, what people need passes, and a word is compared as it is said.

use hongbao_client::Method;
use hongbao_core::token::{AUDIENCE_OPERATOR, Claims, parse_keys};
use hongbao_tests::person::{PURSE_FEN, text};
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde_json::json;

async fn guess(person: &Person, packet: &str, word: &str) -> Reply {
    person.post(&format!("/v1/packets/{packet}/grab"), &json!({"password": word})).await
}

/// What shows nothing.
const INVISIBLE: &[&str] = &[
    "",
    " ",
    "\u{3000}\u{A0}",
    "\u{200B}",
    "\u{200B}\u{200D}\u{FEFF}",
    "\u{3164}",
    "\u{FFA0}",
    "\u{115F}\u{1160}",
    "\u{2800}",
    "\u{FE0F}",
    "\u{E0041}\u{E007F}",
    "\u{AD}",
    "\u{34F}",
    "\u{200E}\u{200F}\u{61C}",
    "\u{2066}\u{2069}",
    "\u{180E}",
    "\u{301}",
];
/// What reads as something else than is written, or as more than one line.
const LYING: &[&str] = &[
    "\u{202E}abc",
    "\u{202A}abc\u{202C}",
    "abc\u{2066}",
    "\u{2069}abc",
    "a\nb",
    "a\u{2028}b",
    "a\u{2029}b",
    "a\tb",
    "a\u{85}b",
];

#[tokio::test]
async fn what_nobody_can_see_is_no_greeting_and_no_password() {
    let scene = Scene::new("invisible");
    let alice = scene.person("alice").await;
    for field in ["greeting", "password"] {
        for nothing in INVISIBLE {
            let draft = Draft::new("lucky", 100, 1, &scene.group()).with(field, *nothing);
            let told = alice.post("/v1/wrap", &draft.body()).await.refused(400, "invalid_request", Some(field));
            let message = told["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains("1 to "), "{nothing:?} names the bound: {message}");
        }
        for lying in LYING {
            let draft = Draft::new("lucky", 100, 1, &scene.group()).with(field, *lying);
            alice.post("/v1/wrap", &draft.body()).await.refused(400, "invalid_request", Some(field));
        }
    }
    assert_eq!(alice.balance().await, PURSE_FEN);
}

/// A reason stands in the audit for good, and so does the operator's name.
#[tokio::test]
async fn what_operators_put_on_record_can_be_seen() {
    let scene = Scene::new("on-record");
    let alice = scene.person("alice").await;
    let office = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
    let block = format!("/v1/admin/blacklist/{}", alice.id);
    let deposit = json!({"id": format!("{}-seen", alice.id), "user": alice.id, "amount_fen": 5});
    let requests = [
        (Method::POST, "/v1/admin/deposits", deposit),
        (Method::PUT, "/v1/admin/switches", json!({"sends": true})),
        (Method::PUT, "/v1/admin/ladder", json!({})),
        (Method::PUT, "/v1/admin/risk-rules/velocity", json!({"setting": "off"})),
        (Method::PUT, block.as_str(), json!({})),
        (Method::PUT, "/v1/admin/shards/0", json!({"weight": 1})),
        (Method::POST, "/v1/admin/shards/9/move", json!({})),
        (Method::POST, "/v1/admin/exceptions/ex_nothing/retry", json!({})),
        (Method::POST, "/v1/admin/exceptions/ex_nothing/dismiss", json!({})),
        (Method::POST, "/v1/admin/exceptions/ex_nothing/compensate", json!({})),
    ];
    let put = async |method: &Method, path: &str, body: &serde_json::Value, reason: &str| {
        let mut body = body.clone();
        body["reason"] = json!(reason);
        Reply::checked(path, office.call(method.clone(), path).json(&body).send().await)
    };
    let (long, escaped) = ("🧧".repeat(501), "🧧".repeat(500));
    for (method, path, body) in &requests {
        for reason in INVISIBLE.iter().chain(LYING).chain([&long.as_str()]) {
            put(method, path, body, reason).await.refused(400, "invalid_request", Some("reason"));
        }
    }
    for reason in ["查过了", "\u{2067}שלום\u{2069}", escaped.as_str()] {
        put(&Method::PUT, &block, &json!({}), reason).await.granted(200);
    }
    // The longest reason in JSON's escapes: twelve bytes a character.
    let body = format!("{{\"reason\":\"{}\"}}", "\\ud83e\\udde7".repeat(500)).into_bytes();
    let answer = office.call(Method::PUT, &block).body("application/json", body).send().await;
    Reply::checked("escaped", answer).granted(200);
    let answer = office.call(Method::PUT, &block).json(&json!({"reason": "x".repeat(12_000)})).send().await;
    Reply::checked("too large", answer).refused(413, "body_too_large", None);
    Reply::checked("unblock", office.call(Method::DELETE, &block).send().await).granted(200);

    for name in INVISIBLE.iter().chain(LYING).chain([&"a".repeat(65).as_str()]) {
        let nobody = scene.bearer("nameless", &operator_token(&scene, name));
        nobody.get("/v1/admin/audit?limit=1").await.refused(401, "unauthenticated", None);
    }
    for name in ["王芳", "anne.dupont@example.org", "boss"] {
        scene.bearer(name, &operator_token(&scene, name)).get("/v1/admin/audit?limit=1").await.granted(200);
    }
}

/// A token of an operator of this name.
fn operator_token(scene: &Scene, name: &str) -> String {
    let keys = parse_keys(scene.stack.keys().jwt_keys()).expect("the stack's keys");
    let key = keys.into_iter().find(|key| key.audience() == AUDIENCE_OPERATOR).expect("a key");
    let (sub, aud, exp) = (name.to_owned(), AUDIENCE_OPERATOR.to_owned(), 4_000_000_000);
    key.sign(&Claims { sub, groups: vec![], company: false, since: None, aud, exp, nbf: None }).expect("it signs")
}

#[tokio::test]
async fn text_that_people_write_is_kept_as_they_wrote_it() {
    let scene = Scene::new("written");
    let alice = scene.person("alice").await;
    for greeting in [
        "恭喜发财，大吉大利！",
        "\u{2067}שלום\u{2069} from \u{2066}Ali\u{2069}",
        "\u{200F}سلام\u{200C}ها\u{200E}",
        "👨‍👩‍👧 🇨🇳 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} 1️⃣ ❤️",
        "नमस्ते",
        " e\u{301} ",
    ] {
        let packet = alice.give(&Draft::new("lucky", 1, 1, &scene.group()).with("greeting", greeting)).await;
        assert_eq!(alice.see(&packet).await["greeting"], greeting);
    }
}

#[tokio::test]
async fn a_password_is_the_word_whatever_the_keyboard_makes_of_it() {
    let scene = Scene::new("keyboards");
    let alice = scene.person("alice").await;
    let (decomposed, composed) = ("e\u{301}".repeat(32), "é".repeat(32));
    let said = [
        ("1234", vec!["１２３４", "1234 ", " 1234", "12 34", "\u{FEFF}1234"]),
        ("２０２７", vec!["2027"]),
        ("芝麻开门", vec!["芝麻开门 ", "芝麻　开门"]),
        ("2027", vec!["٢٠٢٧", "۲۰۲۷", "२०२७"]),
        ("it's 1-2.", vec!["it’s 1–2。", "it‘s 1—2."]),
        (decomposed.as_str(), vec![composed.as_str()]),
        ("Caf\u{E9}", vec!["Cafe\u{301}", "café", "ＣＡＦÉ"]),
        (" ﾊﾟｽﾜｰﾄﾞ ", vec!["パスワード"]),
    ];
    let mut number = 0;
    for (word, typed) in said {
        let draft = Draft::new("equal", 20, 20, &scene.group()).with("password", word);
        let packet = alice.give(&draft).await;
        for guessed in typed.into_iter().chain([word]) {
            number += 1;
            let person = scene.person(&format!("guest{number}")).await;
            guess(&person, &packet, "another").await.refused(403, "wrong_password", None);
            guess(&person, &packet, guessed).await.granted(200);
        }
    }
}

/// The first misses are answered, then the person waits; nobody else does, and a share that is mine stays mine.
#[tokio::test]
async fn a_password_is_guessed_a_handful_of_times() {
    let scene = Scene::new("guesses");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let draft = Draft::new("lucky", 600, 3, &scene.group()).with("password", "马到成功");
    let (packet, other) = (alice.give(&draft).await, alice.give(&draft).await);
    for number in 0..5 {
        guess(&bob, &packet, &format!("{number:04}")).await.refused(403, "wrong_password", None);
        // What is no guess is not counted.
        bob.try_grab(&packet).await.refused(403, "wrong_password", None);
        guess(&bob, &packet, " \u{200B}").await.refused(403, "wrong_password", None);
    }
    // Another token of the same person is the same person, and so is another device; the right word waits as well.
    let again = scene.person("bob").await;
    for word in ["0005", "马到成功"] {
        for person in [&bob, &again] {
            let told = guess(person, &packet, word).await.refused(429, "rate_limited", None);
            let wait_ms = told["error"]["retry_after_ms"].as_i64().expect("when to come back");
            assert!((1..=60_000).contains(&wait_ms), "{told}");
        }
    }
    assert_eq!(bob.see(&packet).await["grabbed"], 0);
    // Others are not hindered, and neither is bob elsewhere.
    guess(&carol, &packet, "马到成功").await.granted(200);
    let mine = guess(&bob, &other, "马到成功").await.granted(200);
    // Who has a share has it, whatever they say.
    for word in ["1", "2", "3", "4", "5", "6", "7"] {
        let same = guess(&bob, &other, word).await.granted(200);
        assert_eq!(same["seq"], mine["seq"]);
    }
    bob.try_open(&other, &text(&mine, "voucher")).await.granted(200);
}

/// However many come at once: no more are judged than may miss, the right one among them or not.
#[tokio::test]
async fn a_hundred_guesses_at_once_are_no_more_than_a_handful() {
    let scene = Scene::new("at-once");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let draft = Draft::new("lucky", 600, 3, &scene.group()).with("password", "0073");
    let packet = alice.give(&draft).await;
    let words: Vec<String> = (100..200).map(|number| format!("{number:04}")).collect();
    let replies = futures::future::join_all(words.iter().map(|word| guess(&bob, &packet, word))).await;
    let told = |code: &str| replies.iter().filter(|reply| reply.code() == code).count();
    assert_eq!((told("wrong_password"), told("rate_limited")), (5, 95));
    guess(&bob, &packet, "0073").await.refused(429, "rate_limited", None);
    assert_eq!(alice.see(&packet).await["grabbed"], 0);
}

/// There is no other door: where no share is to be had, nobody is told what their word was.
#[tokio::test]
async fn a_packet_that_gives_nothing_tells_nothing_of_its_password() {
    let scene = Scene::new("no-oracle");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let draft = Draft::new("lucky", 100, 1, &scene.group()).with("password", "马到成功");
    let gone = alice.give(&draft).await;
    guess(&carol, &gone, "马到成功").await.granted(200);
    let later = hongbao_tests::draft::in_ms(std::time::Duration::from_secs(3_600));
    let scheduled = alice.give(&draft.clone().with("starts_at_ms", later)).await;
    for word in ["马到成功", "another"] {
        for _ in 0..4 {
            guess(&bob, &gone, word).await.refused(409, "sold_out", None);
            guess(&bob, &scheduled, word).await.refused(425, "not_started", None);
        }
    }
    let stranger = scene.stranger("eve").await;
    for word in ["马到成功", "another"] {
        guess(&stranger, &gone, word).await.refused(404, "not_found", None);
    }
}
