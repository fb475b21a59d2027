//! PostgreSQL behind a pooler that hands out server connections by transaction and refuses what it cannot keep apart.

use std::time::{Duration, Instant};

use hongbao_client::Method;
use hongbao_stack::{Pooler, Postgres, Stack, migration};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::{folder, start};
use hongbao_tests::{Draft, Reply, Scene, until};
use serde_json::json;

/// A PostgreSQL and the application's address of it.
pub(crate) fn database(name: &str) -> Option<(Postgres, String)> {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return None;
    }
    let postgres = Postgres::start(&folder(&format!("{name}-postgres"))).expect("PostgreSQL starts");
    let url = postgres.app_url(&migration::migration(), "hongbao_app").expect("an address");
    Some((postgres, url))
}

/// A stack whose ledger is at this address of this machine.
pub(crate) fn over(name: &str, url: &str) -> Stack {
    start(name, |options| options.variables = ledger_at(url))
}

fn ledger_at(url: &str) -> Vec<(String, String)> {
    let own = [("database_url", url), ("database_hosts", "postgres://127.0.0.1:*")];
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// The same address at another port.
pub(crate) fn at_port(url: &str, port: u16) -> String {
    let (front, rest) = url.rsplit_once(':').expect("an address with a port");
    let (_, database) = rest.split_once('/').expect("an address with a database");
    format!("{front}:{port}/{database}")
}

/// The books by the application's own account.
pub(crate) async fn balance(stack: &Stack) {
    let scene = Scene::on(stack, "books");
    let operator = scene.bearer("operator", &stack.operator_token().expect("a token"));
    stack.sweep().expect("a sweep");
    let found =
        Reply::checked("reconcile", operator.call(Method::GET, "/v1/admin/reconcile").send().await).granted(200);
    assert_eq!((&found["ok"], &found["drift_fen"]), (&json!(true), &json!(0)), "{found}");
}

#[tokio::test]
async fn behind_a_pooler_with_its_usual_settings_everything_works() {
    let Some((postgres, url)) = database("pooled") else { return };
    if Pooler::installed().is_none() {
        eprintln!("skipped: PgBouncer is not installed");
        return;
    }
    // As README says: what runs too long is ended by the server, whoever's connection it runs on.
    let limit = "alter role hongbao_login set statement_timeout = '2900ms'";
    postgres.ask(limit).expect("the owner may");
    let password = url.split([':', '@']).nth(2).expect("a password");
    // Few server connections for many clients, so that everybody gets somebody else's.
    let pooler = Pooler::start(&folder("pooler"), &postgres, ("hongbao_login", password), "default_pool_size = 4");
    let pooler = pooler.expect("PgBouncer starts");
    let stack = over("pooled", &at_port(&url, pooler.port()));
    let scene = Scene::on(&stack, "pooled");
    let crowd = scene.crowd(6).await;
    let all = crowd.iter().map(async |person| {
        for _ in 0..4 {
            let packet = person.give(&Draft::new("equal", 10, 1, &scene.group())).await;
            person.take(&packet).await;
            person.balance().await;
        }
    });
    futures::future::join_all(all).await;
    for person in &crowd {
        person.comes_to_hold(PURSE_FEN).await;
    }
    balance(&stack).await;
}

/// A statement that nobody waits for any more is ended by the server: here it waits for a lock, in `query` of an account.
#[tokio::test]
async fn a_statement_that_was_given_up_does_not_run_on() {
    let Some((postgres, url)) = database("bounded") else { return };
    let stack = start("bounded", |options| {
        options.variables = ledger_at(&url);
        options.sweep_every = None; // It would wait for the lock as well.
    });
    let scene = Scene::on(&stack, "bounded");
    let alice = scene.person("alice").await;
    alice.balance().await;
    let (client, connection) =
        tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.expect("the owner gets in");
    tokio::spawn(connection);
    client.batch_execute("begin; lock table accounts in access exclusive mode").await.expect("nobody else has it");
    let asked = Instant::now();
    alice.get("/v1/me").await.refused(503, "unavailable", None);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let waiting = "select count(*) from pg_stat_activity where usename = 'hongbao_login' and state = 'active'";
    until("the server ends it, while the lock is still held", || async {
        (postgres.ask(waiting).expect("an answer") == "0").then_some(())
    })
    .await;
    client.batch_execute("rollback").await.expect("it ends");
    until("the account answers again", || async { (alice.get("/v1/me").await.status == 200).then_some(()) }).await;
}
