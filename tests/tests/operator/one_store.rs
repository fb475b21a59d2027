//! While one of the two stores is stopped or frozen, people and operators are told what the other one knows, and what
//! is missing; and never have to wait for long.

use std::time::{Duration, Instant};

use hongbao_client::Method;
use hongbao_stack::{Database, Postgres, Stack};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene};
use serde_json::{Value, json};

/// What a call may take while a store hangs: a deadline of a second for each store, and a busy machine.
const PATIENCE: Duration = Duration::from_millis(3_500);

/// What operators read of both stores.
const OF_BOTH: [&str; 5] = ["stats", "shards", "switches", "ladder", "risk-rules"];
/// What operators read of the ledger alone.
const OF_LEDGER: [&str; 4] = ["exceptions", "audit", "risk-events", "reconcile"];

/// An answer, which must not take long.
async fn soon(who: &Person, path: &str) -> Value {
    let asked = Instant::now();
    let answer = who.get(path).await.granted(200);
    assert!(asked.elapsed() < PATIENCE, "{path} took {:?}", asked.elapsed());
    answer
}

/// The page of metrics, which must not take long.
async fn metrics(operator: &Person) -> String {
    let asked = Instant::now();
    let answer = operator.call(Method::GET, "/metrics").send().await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(asked.elapsed() < PATIENCE, "/metrics took {:?}", asked.elapsed());
    answer.text()
}

fn has_line(page: &str, line: &str) -> bool {
    page.lines().any(|found| found == line)
}

fn operator_of(scene: &Scene<'_>, stack: &Stack) -> Person {
    scene.bearer("operator", &stack.operator_token().expect("a token"))
}

#[tokio::test]
async fn without_redis_everybody_is_told_what_the_ledger_knows() {
    let mut stack = start("no-redis", |options| options.sweep_every = None);
    let packet = {
        let scene = Scene::on(&stack, "no-redis");
        let [alice, bob] = scene.people(["alice", "bob"]).await;
        let packet = alice.give(&Draft::new("equal", 100, 1, &scene.group())).await;
        bob.take(&packet).await;
        bob.comes_to_hold(PURSE_FEN + 100).await;
        assert_eq!(bob.get("/v1/me").await.granted(200).get("missing"), None);
        packet
    };
    stack.redis[0].pause();
    is_told_without_redis(&stack, &packet).await;
    stack.redis[0].kill();
    is_told_without_redis(&stack, &packet).await;
    stack.redis[0].restart().expect("it starts again");
    let scene = Scene::on(&stack, "no-redis");
    let bob = scene.person("bob").await;
    let knows = async || bob.get("/v1/me").await.granted(200)["settled_through_ms"].as_i64();
    hongbao_tests::until("all is known again", knows).await;
}

async fn is_told_without_redis(stack: &Stack, packet: &str) {
    let scene = Scene::on(stack, "no-redis");
    let bob = scene.bearer(&scene.id("bob"), &stack.token(&scene.id("bob"), &[&scene.group()]).expect("a token"));
    let operator = operator_of(&scene, stack);
    for _ in 0..2 {
        let me = soon(&bob, "/v1/me").await;
        let missing = json!(["settled_through_ms"]);
        assert_eq!(
            (&me["balance_fen"], &me["settled_through_ms"], &me["missing"]),
            (&json!(PURSE_FEN + 100), &Value::Null, &missing)
        );
    }
    for path in ["/v1/me/statement", "/v1/me/packets?role=received", "/v1/me/inbox"] {
        soon(&bob, path).await;
    }
    soon(&bob, &format!("/v1/groups/{}/packets", scene.group())).await;
    let seen = soon(&bob, &format!("/v1/packets/{packet}")).await;
    assert_eq!((&seen["state"], &seen["opened"]), (&json!("finished"), &json!(1)), "{seen}");

    for path in OF_BOTH.iter().chain(&OF_LEDGER) {
        soon(&operator, &format!("/v1/admin/{path}")).await;
    }
    let stats = soon(&operator, "/v1/admin/stats").await;
    assert_eq!((&stats["is_ledger_up"], &stats["packets"]["finished"]), (&json!(true), &json!(1)), "{stats}");
    assert_eq!((&stats["shards"][0]["is_up"], &stats["missing"]), (&json!(false), &json!(["shard 0"])), "{stats}");
    let shards = soon(&operator, "/v1/admin/shards").await;
    assert_eq!((&shards["shards"][0]["is_up"], &shards["missing"]), (&json!(false), &json!(["shard 0"])), "{shards}");
    let sound = soon(&operator, "/v1/admin/reconcile").await;
    assert!(sound["ok"] == false && sound.to_string().contains("shard 0 does not answer"), "{sound}");
    let page = metrics(&operator).await;
    for line in ["hongbao_ledger_up 1", "hongbao_shard_up{shard=\"0\"} 0", "hongbao_packets{state=\"finished\"} 1"] {
        assert!(has_line(&page, line), "{line}: {page}");
    }
}

#[tokio::test]
async fn with_one_shard_of_two_away_no_more_is_called_settled_than_is_known() {
    let mut stack = start("half-redis", |options| (options.shards, options.sweep_every) = (2, None));
    stack.sweep().expect("a sweep");
    let token = stack.token("us_half-redis-bob", &[]).expect("a token");
    stack.redis[1].pause();
    for _ in 0..2 {
        let scene = Scene::on(&stack, "half-redis");
        let me = soon(&scene.bearer("us_half-redis-bob", &token), "/v1/me").await;
        // What waits in the other one's journal nobody knows.
        let missing = json!(["settled_through_ms"]);
        assert_eq!((&me["settled_through_ms"], &me["missing"]), (&json!(null), &missing), "{me}");
    }
    stack.redis[1].kill();
    let scene = Scene::on(&stack, "half-redis");
    let shards = soon(&operator_of(&scene, &stack), "/v1/admin/shards").await;
    assert_eq!(shards["missing"], json!(["shard 1"]), "{shards}");
    assert_eq!((&shards["shards"][0]["is_up"], &shards["shards"][1]["is_up"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn without_sql_operators_are_told_what_the_shards_know() {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    }
    let options = |options: &mut hongbao_stack::StackOptions| {
        (options.database, options.sweep_every) = (Database::Postgres, None);
    };
    let mut stack = start("no-sql", options);
    {
        let scene = Scene::on(&stack, "no-sql");
        let (alice, operator) = (scene.person("alice").await, operator_of(&scene, &stack));
        alice.give(&Draft::new("equal", 100, 1, &scene.group())).await;
        let put = operator.call(Method::PUT, "/v1/admin/switches").json(&json!({"sends": false})).send().await;
        assert_eq!(put.expect("an answer").status, 200);
        let block = operator.call(Method::PUT, "/v1/admin/blacklist/us_bot").json(&json!({"reason": "a bot"}));
        assert_eq!(block.send().await.expect("an answer").status, 200);
    }
    let postgres = stack.postgres.as_ref().expect("a PostgreSQL");
    postgres.pause();
    is_told_without_sql(&stack).await;
    stack.postgres.as_mut().expect("a PostgreSQL").kill();
    is_told_without_sql(&stack).await;
    stack.postgres.as_mut().expect("a PostgreSQL").restart().expect("it starts again");
    let scene = Scene::on(&stack, "no-sql");
    let operator = operator_of(&scene, &stack);
    let is_well = async || has_line(&metrics(&operator).await, "hongbao_ledger_up 1").then_some(());
    hongbao_tests::until("the ledger is up again", is_well).await;
}

async fn is_told_without_sql(stack: &Stack) {
    let scene = Scene::on(stack, "no-sql");
    let operator = operator_of(&scene, stack);
    for path in OF_BOTH {
        let answer = soon(&operator, &format!("/v1/admin/{path}")).await;
        assert_eq!(answer["missing"], json!(["ledger"]), "{path}: {answer}");
    }
    let stats = soon(&operator, "/v1/admin/stats").await;
    assert_eq!((&stats["is_ledger_up"], &stats["packets"]), (&json!(false), &Value::Null), "{stats}");
    assert!(stats["shards"][0]["is_up"] == true && stats["shards"][0]["backlog"].is_i64(), "{stats}");
    let shard = soon(&operator, "/v1/admin/shards/0").await;
    assert_eq!((&shard["is_up"], &shard["weight"], &shard["packets"]), (&json!(true), &json!(100), &Value::Null));
    // Switches and the blacklist stand on the shards, too.
    assert_eq!(soon(&operator, "/v1/admin/switches").await["sends"], json!(false));
    assert_eq!(soon(&operator, "/v1/admin/blacklist/us_bot").await["blocked"], json!(true));
    assert_eq!(soon(&operator, "/v1/admin/blacklist/us_else").await["blocked"], json!(false));
    let page = metrics(&operator).await;
    for line in ["hongbao_ledger_up 0", "hongbao_shard_up{shard=\"0\"} 1", "hongbao_sends_on 0"] {
        assert!(has_line(&page, line), "{line}: {page}");
    }
    assert!(!page.contains("hongbao_packets{") && !page.contains("hongbao_money_fen{"), "{page}");
    // What only the ledger knows is refused, soon.
    let asked = Instant::now();
    operator.get("/v1/admin/audit").await.refused(503, "unavailable", None);
    assert!(asked.elapsed() < 2 * PATIENCE, "{:?}", asked.elapsed());
}
