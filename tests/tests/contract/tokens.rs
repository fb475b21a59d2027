//! Tokens: who is not proven to be somebody is nobody, whatever else is right about the request.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use hongbao_client::Method;
use hongbao_core::token::{AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims, Key, parse_keys};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde_json::{Value, json};
use sha2::Sha256;

/// The stack's key for tokens of this audience.
fn own_key(scene: &Scene, audience: &str) -> Key {
    let keys = parse_keys(scene.stack.keys().jwt_keys()).expect("the stack's keys");
    keys.into_iter().find(|key| key.audience() == audience).expect("a key")
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

/// The stack's secret for tokens of this audience, to sign what the application's own code never would.
fn own_secret(scene: &Scene, audience: &str) -> Vec<u8> {
    let is_operators = audience == AUDIENCE_OPERATOR;
    let mut entries = scene.stack.keys().jwt_keys().split(',');
    let entry = entries.find(|entry| entry.ends_with(":operators") == is_operators).expect("an entry");
    Base64UrlUnpadded::decode_vec(entry.split(':').nth(2).expect("a key")).expect("base64url")
}

/// A token of these claims, signed with the stack's key of `audience`.
fn signed(scene: &Scene, audience: &str, claims: &Value) -> String {
    let unsigned = token(&json!({"alg": "HS256", "typ": "JWT"}), claims, "");
    let unsigned = unsigned.trim_end_matches('.');
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&own_secret(scene, audience)).expect("any length");
    let mac = mac.chain_update(unsigned).finalize().into_bytes();
    format!("{unsigned}.{}", Base64UrlUnpadded::encode_string(&mac))
}

/// A good person's token but for `change`, signed with the key of people.
fn claiming(scene: &Scene, change: &Value) -> String {
    let mut claims = json!({"sub": scene.id("alice"), "aud": AUDIENCE_PEOPLE, "exp": 4_000_000_000_i64});
    claims.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
    signed(scene, AUDIENCE_PEOPLE, &claims)
}

/// A token of people, signed with the key of operators.
fn operator_token(scene: &Scene, user: &str) -> String {
    let claims = json!({"sub": user, "aud": AUDIENCE_PEOPLE, "exp": 4_000_000_000_i64});
    signed(scene, AUDIENCE_OPERATOR, &claims)
}

/// Tokens that must not pass, each for another reason.
fn bad_tokens(scene: &Scene, alice: &Person, bob: &Person) -> Vec<(&'static str, String)> {
    let key = own_key(scene, AUDIENCE_PEOPLE);
    let sign = |claims: &Claims| key.sign(claims).expect("a signing key");
    let good = claims(&alice.id);
    let (body, rest) = alice.token.split_once('.').expect("three parts");
    let strange = Key::hs256("strange", AUDIENCE_PEOPLE, &[7; 32]).expect("a key");
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
        ("of an operator", operator_token(scene, &alice.id)),
        ("for operators", claiming(scene, &json!({"aud": AUDIENCE_OPERATOR}))),
        ("for another service", claiming(scene, &json!({"aud": "hongbao2"}))),
        ("for other services", claiming(scene, &json!({"aud": ["hongbao2", "x"]}))),
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

/// The key says for whom it speaks: whoever holds the people's key makes no operators, whatever the token says.
#[tokio::test]
async fn a_key_of_people_makes_no_operator() {
    let scene = Scene::new("speaks-for");
    scene.person("alice").await;
    for aud in [json!(AUDIENCE_OPERATOR), json!([AUDIENCE_OPERATOR]), json!([AUDIENCE_PEOPLE, AUDIENCE_OPERATOR])] {
        let office = scene.bearer("forged", &claiming(&scene, &json!({"sub": "operator", "aud": aud})));
        for path in ["/v1/admin/stats", "/v1/admin/audit", "/metrics"] {
            office.get(path).await.refused(401, "unauthenticated", None);
        }
        office.post("/internal/sweep", &json!({})).await.refused(401, "unauthenticated", None);
        let deposit = json!({"id": "forged", "user": scene.id("alice"), "amount_fen": 1});
        office.post("/v1/admin/deposits", &deposit).await.refused(401, "unauthenticated", None);
    }
    let claims = json!({"sub": "operator", "aud": [AUDIENCE_OPERATOR], "exp": 4_000_000_000_i64});
    let office = scene.bearer("operator", &signed(&scene, AUDIENCE_OPERATOR, &claims));
    office.get("/v1/admin/audit").await.granted(200);
}

/// Tokens as other issuers make them (RFC 7519).
#[tokio::test]
async fn an_ordinary_token_of_another_issuer_is_accepted() {
    let scene = Scene::new("issuers");
    let alice = scene.person("alice").await;
    let now_s = hongbao_tests::draft::in_ms(std::time::Duration::ZERO) / 1000;
    let many: Vec<String> = (0..200).map(|number| format!("CN=Team {number},DC=example")).collect();
    for change in [
        json!({"aud": [AUDIENCE_PEOPLE]}),
        json!({"aud": ["account", AUDIENCE_PEOPLE]}),
        json!({"exp": 4_000_000_000.75}),
        json!({"nbf": 1_700_000_000.5, "iat": 1_700_000_000.123}),
        json!({"nbf": now_s + 30}),
        json!({"exp": now_s - 30}),
        json!({"groups": ["admins", "/everybody", 7, null, scene.group()], "company": "Example Ltd", "since": "2019"}),
        json!({"iss": "https://example.org", "roles": {"a": [1]}, "jti": "x", "groups": many}),
    ] {
        let person = scene.bearer(&alice.id, &claiming(&scene, &change));
        assert_eq!(person.get("/v1/me").await.granted(200)["user"], alice.id, "{change}");
    }
    let path = format!("/v1/groups/{}/packets", scene.group());
    let member = scene.bearer(&alice.id, &claiming(&scene, &json!({"groups": ["admins", "/all", scene.group()]})));
    member.get(&path).await.granted(200);
    let stranger = scene.bearer(&alice.id, &claiming(&scene, &json!({"groups": ["admins", "/all"]})));
    stranger.get(&path).await.refused(404, "not_found", None);
    for change in [json!({"exp": now_s - 90}), json!({"nbf": now_s + 90}), json!({"exp": -1.5}), json!({"aud": []})] {
        let nobody = scene.bearer(&alice.id, &claiming(&scene, &change));
        nobody.get("/v1/me").await.refused(401, "unauthenticated", None);
    }
}
