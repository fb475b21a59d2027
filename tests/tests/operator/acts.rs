//! Who may, what is refused, and that every act is done once.

use futures::future::join_all;
use hongbao_client::Method;
use hongbao_tests::person::{PURSE_FEN, text};
use hongbao_tests::{Reply, Scene};
use serde_json::{Value, json};

use crate::office::Office;

const ID: &str = "ex_0:1-0";

/// Every call that operators have.
fn calls() -> Vec<(Method, String, Value)> {
    let act = |remedy: &str| (Method::POST, format!("/v1/admin/exceptions/{ID}/{remedy}"), json!({"reason": "r"}));
    let get = |path: &str| (Method::GET, path.to_owned(), Value::Null);
    let (list, one) = ("/v1/admin/exceptions", format!("/v1/admin/exceptions/{ID}"));
    let blacklist = "/v1/admin/blacklist/us_x".to_owned();
    vec![
        (Method::POST, "/v1/admin/deposits".into(), json!({"id": "d", "user": "us_x", "amount_fen": 1})),
        get(list),
        get(&one),
        act("retry"),
        act("compensate"),
        act("dismiss"),
        get("/v1/admin/reconcile"),
        get("/v1/admin/stats"),
        get("/v1/admin/switches"),
        (Method::PUT, "/v1/admin/switches".into(), json!({"sends": true})),
        get(&blacklist),
        (Method::PUT, blacklist.clone(), json!({})),
        (Method::DELETE, blacklist, Value::Null),
        get("/v1/admin/risk-events"),
        get("/v1/admin/audit"),
        get("/metrics"),
    ]
}

#[tokio::test]
async fn only_an_operators_token_opens_any_of_it() {
    let scene = Scene::new("doors");
    let alice = scene.person("alice").await;
    let office = Office::of(&scene);
    for (method, path, body) in calls() {
        let asked = format!("{method} {path}");
        let nobody = scene.call(method.clone(), &path).json(&body).send().await;
        Reply::checked(&asked, nobody).refused(401, "unauthenticated", None);
        let person = alice.call(method, &path).json(&body).send().await;
        Reply::checked(&asked, person).refused(401, "unauthenticated", None);
    }
    assert_eq!((office.acts_on("d"), office.acts_on("us_x"), office.acts_on(ID)), (0, 0, 0));
}

#[tokio::test]
async fn other_methods_name_the_right_ones_and_other_paths_lead_nowhere() {
    let scene = Scene::new("paths");
    let office = Office::of(&scene);
    for (path, allowed) in [
        ("/v1/admin/deposits", "POST"),
        ("/v1/admin/exceptions", "GET"),
        ("/v1/admin/exceptions/ex_1/retry", "POST"),
        ("/v1/admin/switches", "GET, PUT"),
        ("/v1/admin/blacklist/us_x", "GET, PUT, DELETE"),
        ("/metrics", "GET"),
    ] {
        let reply = office.ask(Method::PATCH, path, &json!({})).await;
        assert_eq!(reply.answer.header("allow"), Some(allowed), "{reply}");
        reply.refused(405, "method_not_allowed", None);
    }
    for path in ["/v1/admin", "/v1/admin/", "/v1/admin/money", "/v1/admin/exceptions/ex_1/burn", "/v1/admin/stats/x"] {
        office.operator.get(path).await.refused(404, "not_found", None);
    }
    for remedy in ["retry", "compensate", "dismiss"] {
        let path = format!("/v1/admin/exceptions/ex_9:9-9/{remedy}");
        office.ask(Method::POST, &path, &json!({"reason": "r"})).await.refused(404, "not_found", None);
    }
}

#[tokio::test]
async fn input_is_as_strict_as_everywhere() {
    let scene = Scene::new("strict");
    let office = Office::of(&scene);
    let long = "长".repeat(501);
    let deposit = |id: Value, user: Value, fen: Value| json!({"id": id, "user": user, "amount_fen": fen});
    let deposits = [
        (deposit("d".into(), "us_x".into(), 0.into()), "amount_fen"),
        (deposit("d".into(), "us_x".into(), (-5).into()), "amount_fen"),
        (deposit("d".into(), "us_x".into(), 1.5.into()), "amount_fen"),
        (deposit("d".into(), "us_x".into(), "1".into()), "amount_fen"),
        (deposit("d".into(), "us_x".into(), 1_000_000_000_001_i64.into()), "amount_fen"),
        (deposit("d".into(), "x".into(), 1.into()), "user"),
        (deposit("d".into(), Value::Null, 1.into()), "user"),
        (deposit("".into(), "us_x".into(), 1.into()), "id"),
        (deposit("a b".into(), "us_x".into(), 1.into()), "id"),
        (deposit("x".repeat(101).into(), "us_x".into(), 1.into()), "id"),
        (deposit("login:us_x".into(), "us_x".into(), 1.into()), "id"),
        (json!({"id": "d", "user": "us_x", "amount_fen": 1, "currency": "CNY"}), "currency"),
        (json!({"user": "us_x", "amount_fen": 1}), "id"),
        (json!([]), "body"),
    ];
    for (body, field) in &deposits {
        let reply = office.ask(Method::POST, "/v1/admin/deposits", body).await;
        reply.refused(400, "invalid_request", Some(field));
    }
    for remedy in ["retry", "compensate", "dismiss"] {
        for reason in [json!(""), json!("  "), json!(long), json!("a\u{7}"), json!(7), Value::Null] {
            let path = format!("/v1/admin/exceptions/{ID}/{remedy}");
            let reply = office.ask(Method::POST, &path, &json!({"reason": reason})).await;
            reply.refused(400, "invalid_request", Some("reason"));
        }
    }
    let queries = [
        ("/v1/admin/exceptions?state=closed", "state"),
        ("/v1/admin/exceptions?limit=0", "limit"),
        ("/v1/admin/exceptions?limit=101", "limit"),
        ("/v1/admin/exceptions?before=7", "before"),
        ("/v1/admin/exceptions?page=2", "page"),
        ("/v1/admin/audit?before=x", "before"),
        ("/v1/admin/risk-events?limit=-1", "limit"),
        ("/v1/admin/reconcile?limit=0", "limit"),
        ("/v1/admin/reconcile?after=here", "after"),
        ("/v1/admin/stats?x=1", "x"),
        ("/v1/admin/blacklist/alice", "user"),
        ("/metrics?x=1", "x"),
    ];
    for (path, field) in queries {
        office.operator.get(path).await.refused(400, "invalid_request", Some(field));
    }
    for (body, field) in [(json!({"sends": 1}), "sends"), (json!({"grabs": false}), "grabs")] {
        let reply = office.ask(Method::PUT, "/v1/admin/switches", &body).await;
        reply.refused(400, "invalid_request", Some(field));
    }
    let plain = office.operator.call(Method::POST, "/v1/admin/deposits").body("text/plain", "{}").send().await;
    Reply::checked("plain", plain).refused(415, "not_json", None);
    assert_eq!((office.acts_on("d"), office.acts_on(ID)), (0, 0), "what was refused is no act");
}

#[tokio::test]
async fn a_deposit_is_one_however_often_it_is_asked_for() {
    let scene = Scene::new("deposits");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let office = Office::of(&scene);
    let body = json!({"id": "bank-17", "user": alice.id, "amount_fen": 5_000, "reason": "从银行"});
    let copies = join_all((0..5).map(|_| office.ask(Method::POST, "/v1/admin/deposits", &body))).await;
    for copy in copies {
        let answer = copy.granted(200);
        assert_eq!(answer, json!({"id": "bank-17", "user": alice.id, "amount_fen": 5_000}));
    }
    assert_eq!(alice.balance().await, PURSE_FEN + 5_000);
    for other in [
        json!({"id": "bank-17", "user": alice.id, "amount_fen": 5_001}),
        json!({"id": "bank-17", "user": bob.id, "amount_fen": 5_000}),
    ] {
        office.ask(Method::POST, "/v1/admin/deposits", &other).await.refused(409, "conflict", None);
    }
    assert_eq!((alice.balance().await, bob.balance().await), (PURSE_FEN + 5_000, PURSE_FEN));
    let of_alice = office.get("/v1/admin/audit?limit=100").await["acts"].as_array().expect("acts").clone();
    let of_alice: Vec<_> = of_alice.into_iter().filter(|act| act["subject"] == "bank-17").collect();
    assert_eq!(of_alice.len(), 1, "{of_alice:?}");
    let act = &of_alice[0];
    assert_eq!(
        (&act["act"], &act["operator"], &act["amount_fen"]),
        (&json!("deposit"), &json!("operator"), &json!(5_000))
    );
    assert_eq!((act["reason"].as_str(), text(act, "hash").len()), (Some("从银行"), 64));
    office.books_balance();
}

#[tokio::test]
async fn there_is_a_bound_to_all_money() {
    let scene = Scene::new("bound");
    let alice = scene.person("alice").await;
    let office = Office::of(&scene);
    // The most of one deposit is 10^12 fen; the world gives 10^15. A thousand deposits are too many for a test.
    office.tamper(
        "INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
           VALUES ('deposit:flood', 'world', 'wallet:us_flood', 999999000000000 - (SELECT -balance_fen FROM accounts WHERE id = 'world'), 0)",
    );
    let body = |id: &str| json!({"id": id, "user": alice.id, "amount_fen": 900_000_000});
    office.ask(Method::POST, "/v1/admin/deposits", &body("last")).await.granted(200);
    let refused = office.ask(Method::POST, "/v1/admin/deposits", &body("too-much")).await;
    refused.refused(422, "limit_exceeded", Some("world_fen"));
    office.ask(Method::POST, "/v1/admin/deposits", &body("last")).await.granted(200);
    assert_eq!(alice.balance().await, PURSE_FEN + 900_000_000);
    // And it can be read by everybody.
    assert_eq!(office.get("/v1/admin/stats").await["money"]["suspense_fen"], 0);
    office.books_balance();
}

#[tokio::test]
async fn acts_at_once_are_one_chain() {
    let scene = Scene::new("chain");
    let office = Office::of(&scene);
    office.get("/v1/admin/audit").await;
    let before = office.acts();
    let bodies: Vec<_> =
        (0..8).map(|n| json!({"id": format!("chain-{n}"), "user": "us_chain", "amount_fen": n + 1})).collect();
    let replies = join_all(bodies.iter().map(|body| office.ask(Method::POST, "/v1/admin/deposits", body))).await;
    for reply in replies {
        reply.granted(200);
    }
    assert!(office.acts() >= before + 8);
    let mut below = i64::MAX;
    let mut numbers = Vec::new();
    loop {
        let page = office.get(&format!("/v1/admin/audit?limit=3&before={below}")).await;
        numbers
            .extend(page["acts"].as_array().expect("acts").iter().map(|act| act["number"].as_i64().expect("a number")));
        let Some(next) = page["next"].as_i64() else { break };
        below = next;
    }
    numbers.reverse();
    assert_eq!(
        numbers,
        (1..=i64::try_from(numbers.len()).expect("few")).collect::<Vec<_>>(),
        "every act, once, in order"
    );
}
