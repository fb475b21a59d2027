//! Tokens: who is not proven to be somebody is nobody, whatever else is right about the request.

use base64ct::{Base64UrlUnpadded, Encoding};
use hongbao_client::Method;
use hongbao_core::token::{Claims, Key, parse_keys};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde_json::{Value, json};

fn own_key(scene: &Scene) -> Key {
    let keys = parse_keys(scene.stack.keys().jwt_keys()).expect("the stack's keys");
    keys.into_iter().next().expect("a key")
}

fn claims(user: &str) -> Claims {
    let aud = "hongbao".to_owned();
    Claims { sub: user.to_owned(), groups: vec![], company: false, since: None, aud, exp: 4_000_000_000, nbf: None }
}

/// A token of these two JSON texts with this signature.
fn token(header: &Value, claims: &Value, signature: &str) -> String {
    let encode = |json: &Value| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
    format!("{}.{}.{signature}", encode(header), encode(claims))
}

fn signature(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(_, signature)| signature)
}

/// Tokens that must not pass, each for another reason.
fn bad_tokens(scene: &Scene, alice: &Person, bob: &Person) -> Vec<(&'static str, String)> {
    let key = own_key(scene);
    let sign = |claims: &Claims| key.sign(claims).expect("a signing key");
    let good = claims(&alice.id);
    let (body, rest) = alice.token.split_once('.').expect("three parts");
    let strange = Key::hs256("strange", &[7; 32]).expect("a key");
    let body_json = json!({"sub": alice.id, "aud": "hongbao", "exp": 4_000_000_000_i64});
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    vec![
        ("empty", String::new()),
        ("no token", "letmein".to_owned()),
        ("two parts", format!("{body}.{}", signature(&alice.token))),
        ("four parts", format!("{}.x", alice.token)),
        ("truncated", alice.token[..alice.token.len() - 1].to_owned()),
        ("unsigned", format!("{}.", alice.token.rsplit_once('.').expect("three parts").0)),
        ("another's signature", token(&hs256, &body_json, signature(&bob.token))),
        ("another's claims", format!("{body}.{}.{}", bob.token.split('.').nth(1).unwrap_or(""), signature(rest))),
        ("algorithm none", token(&json!({"alg": "none"}), &body_json, "")),
        ("algorithm None", token(&json!({"alg": "None"}), &body_json, signature(&alice.token))),
        ("EdDSA with an HS256 key", token(&json!({"alg": "EdDSA"}), &body_json, signature(&alice.token))),
        ("a key of nobody", strange.sign(&good).expect("signed")),
        ("expired", sign(&Claims { exp: 1_700_000_000, ..good.clone() })),
        ("expired long ago", sign(&Claims { exp: i64::MIN, ..good.clone() })),
        ("not yet valid", sign(&Claims { nbf: Some(3_900_000_000), ..good.clone() })),
        ("for operators", sign(&Claims { aud: "hongbao-operator".to_owned(), ..good.clone() })),
        ("for another service", sign(&Claims { aud: "hongbao2".to_owned(), ..good.clone() })),
        ("of no user", sign(&Claims { sub: "alice".to_owned(), ..good.clone() })),
        ("of an impossible user", sign(&Claims { sub: "us_a b".to_owned(), ..good })),
        ("huge", "a".repeat(8_000)),
    ]
}

#[tokio::test]
async fn a_bad_token_is_refused_by_every_call_and_changes_nothing() {
    let scene = Scene::new("tokens");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let draft = Draft::new("lucky", 100, 2, &scene.group());
    let quote = alice.wrap(&draft).await;
    let packet = alice.give(&draft).await;
    let voucher = alice.grab(&packet).await;
    let before = (alice.balance().await, bob.see(&packet).await);
    for (why, token) in bad_tokens(&scene, &alice, &bob) {
        let nobody = scene.bearer(why, &token);
        let replies = [
            nobody.post("/v1/wrap", &draft.body()).await,
            nobody.post("/v1/send", &json!({"quote": quote})).await,
            nobody.try_grab(&packet).await,
            nobody.try_open(&packet, &voucher).await,
            nobody.get(&format!("/v1/packets/{packet}")).await,
            nobody.get("/v1/me").await,
            nobody.get("/v1/me/statement").await,
            nobody.get("/v1/me/packets?role=sent").await,
        ];
        for reply in replies {
            assert_eq!((reply.status, reply.code()), (401, "unauthenticated"), "{why}: {reply}");
        }
    }
    assert_eq!((alice.balance().await, bob.see(&packet).await), before);
    assert_eq!(alice.balance().await, PURSE_FEN - 100);
}

#[tokio::test]
async fn only_the_bearer_scheme_is_a_token() {
    let scene = Scene::new("schemes");
    let alice = scene.person("alice").await;
    let none = scene.call(Method::GET, "/v1/me").send().await;
    Reply::checked("no header", none).refused(401, "unauthenticated", None);
    for wrong in
        [alice.token.clone(), format!("Basic {}", alice.token), format!("Bearer{}", alice.token), "Bearer".into()]
    {
        let answer = scene.call(Method::GET, "/v1/me").header("authorization", wrong.as_bytes()).send().await;
        Reply::checked(&wrong, answer).refused(401, "unauthenticated", None);
    }
    let bytes = scene.call(Method::GET, "/v1/me").header("authorization", b"Bearer \xff\xfe").send().await;
    Reply::checked("bytes", bytes).refused(401, "unauthenticated", None);
    // A scheme's case does not matter (RFC 9110, 11.1).
    let lower = format!("bearer {}", alice.token);
    let answer = scene.call(Method::GET, "/v1/me").header("authorization", lower.as_bytes()).send().await;
    assert_eq!(Reply::checked("bearer", answer).granted(200)["user"], alice.id);
}

#[tokio::test]
async fn an_operator_is_nobody_among_people_and_a_person_cannot_sweep() {
    let scene = Scene::new("operator");
    let alice = scene.person("alice").await;
    let operator = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
    operator.get("/v1/me").await.refused(401, "unauthenticated", None);
    alice.post("/internal/sweep", &json!({})).await.refused(401, "unauthenticated", None);
    let nobody = scene.call(Method::POST, "/internal/sweep").json(&json!({})).send().await;
    Reply::checked("sweep", nobody).refused(401, "unauthenticated", None);
}
