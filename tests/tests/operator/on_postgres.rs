//! The same desk in front of PostgreSQL: every call once through HTTP, with the application's own rights.

use hongbao_client::Method;
use hongbao_stack::{Database, Postgres};
use hongbao_tests::person::{PURSE_FEN, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Reply, Scene, until};
use serde_json::{Value, json};

#[tokio::test]
async fn operators_do_the_same_on_postgres() {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    }
    let stack = start("postgres", |options| options.database = Database::Postgres);
    let scene = Scene::on(&stack, "postgres");
    let [alice, bob, eve] = scene.people(["alice", "bob", "eve"]).await;
    let operator = scene.bearer("operator", &stack.operator_token().expect("a token"));
    let ask = async |method: Method, path: &str, body: &Value| {
        let answer = operator.call(method.clone(), path).json(body).send().await;
        Reply::checked(&format!("{method} {path} {body}"), answer)
    };
    let deposit = json!({"id": "bank-1", "user": alice.id, "amount_fen": 5_000});
    for _ in 0..2 {
        ask(Method::POST, "/v1/admin/deposits", &deposit).await.granted(200);
    }
    let other = json!({"id": "bank-1", "user": bob.id, "amount_fen": 5_000});
    ask(Method::POST, "/v1/admin/deposits", &other).await.refused(409, "conflict", None);
    assert_eq!(alice.balance().await, PURSE_FEN + 5_000);

    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    bob.take(&packet).await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    let mut redis = redis::Client::open(stack.redis[0].url()).expect("an address").get_connection().expect("Redis");
    let entry = format!("open {packet} 1 0 {} 1700000000000", eve.id);
    let forged = redis::cmd("XADD").arg("hb:{0}:events").arg("*").arg("e").arg(entry).query::<String>(&mut redis);
    forged.expect("an entry");
    let told = async || operator.get("/v1/admin/exceptions").await.granted(200)["exceptions"].get(0).cloned();
    let exception = until("an exception", told).await;
    assert_eq!(
        (&exception["reason"], &exception["evidence"]["amount_fen"]),
        (&json!("share_claimed_twice"), &json!(250))
    );
    let path = |remedy: &str| format!("/v1/admin/exceptions/{}/{remedy}", text(&exception, "id"));
    let body = json!({"reason": "our fault"});
    assert_eq!(ask(Method::POST, &path("retry"), &body).await.granted(200)["state"], "open");
    let paid = ask(Method::POST, &path("compensate"), &body).await.granted(200);
    assert_eq!(ask(Method::POST, &path("compensate"), &body).await.granted(200), paid);
    ask(Method::POST, &path("dismiss"), &body).await.refused(409, "conflict", None);
    assert_eq!(eve.balance().await, PURSE_FEN + 250);

    let blacklist = format!("/v1/admin/blacklist/{}", eve.id);
    ask(Method::PUT, &blacklist, &json!({"reason": "a bot"})).await.granted(200);
    let blocked = async || (eve.try_grab(&packet).await.code() == "blocked").then_some(());
    until("eve is blocked", blocked).await;
    ask(Method::DELETE, &blacklist, &json!({})).await.granted(200);
    ask(Method::PUT, "/v1/admin/switches", &json!({"sends": false})).await.granted(200);
    assert_eq!(operator.get("/v1/admin/switches").await.granted(200), json!({"sends": false}));

    stack.sweep().expect("a sweep");
    let sound = operator.get("/v1/admin/reconcile").await.granted(200);
    assert_eq!((&sound["ok"], &sound["drift_fen"]), (&json!(true), &json!(0)), "{sound}");
    let stats = operator.get("/v1/admin/stats").await.granted(200);
    assert_eq!((&stats["money"]["suspense_fen"], &stats["money"]["escrow_fen"]), (&json!(0), &json!(750)), "{stats}");
    let audit = operator.get("/v1/admin/audit").await.granted(200);
    let acts: Vec<_> = audit["acts"].as_array().expect("acts").iter().map(|act| text(act, "act")).collect();
    assert_eq!(acts, ["switch", "unblock", "block", "compensate", "retry", "deposit"]);
    let events = operator.get("/v1/admin/risk-events").await.granted(200);
    let seen: Vec<_> = events["events"].as_array().expect("events").iter().map(|event| text(event, "rule")).collect();
    assert!(seen.iter().all(|rule| rule == "blacklist"), "eve asked while she was blocked: {events}");
}
