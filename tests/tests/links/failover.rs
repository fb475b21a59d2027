//! PostgreSQL is promoted elsewhere while the demoted server goes on answering reads on the connections it has.

use std::sync::Arc;
use std::time::Instant;

use hongbao_stack::Postgres;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::proxy::Proxy;
use hongbao_tests::stage::{folder, start};
use hongbao_tests::{Scene, until};

use crate::load::{Log, NO_LIMITS, evening};
use crate::pooler::{at_port, balance, database};

fn ask(server: &Postgres, statement: &str) -> String {
    server.ask(statement).unwrap_or_else(|error| panic!("{statement}: {error:#}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_postgres_is_found_within_two_seconds_and_no_fen_is_lost() {
    let Some((old, url)) = database("promoted") else { return };
    let standby = Arc::new(old.standby(&folder("standby")).expect("a standby"));
    // What was committed is on both.
    ask(&old, "alter system set synchronous_standby_names = '*'");
    ask(&old, "select pg_reload_conf()");
    until("the standby follows", || async {
        (ask(&old, "select count(*) from pg_stat_replication where sync_state = 'sync'") == "1").then_some(())
    })
    .await;
    let proxy = Proxy::start(old.port());
    let stack = start("promoted", |options| {
        let own = [("database_url", at_port(&url, proxy.port())), ("database_hosts", "postgres://127.0.0.1:*".into())];
        let more = NO_LIMITS.map(|(name, value)| (name, value.to_owned()));
        options.variables = own.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect();
    });
    let scene = Scene::on(&stack, "promoted");
    let crowd = scene.crowd(6).await;
    let (log, group) = (Log::default(), scene.group());
    let load = futures::future::join_all(crowd.iter().map(|person| evening(person, &group, &log)));
    let promotion = async {
        log.runs_in(Instant::now()).await;
        // Connections live on and read only: as after a switch-over, and as every standby answers.
        ask(&old, "alter system set default_transaction_read_only = on");
        ask(&old, "select pg_reload_conf()");
        until("the standby has everything", || async {
            let behind = "select count(*) from pg_stat_replication where replay_lsn < pg_current_wal_lsn()";
            (ask(&old, behind) == "0").then_some(())
        })
        .await;
        let (promoted, port) = (Arc::clone(&standby), standby.port());
        let done = tokio::task::spawn_blocking(move || promoted.ask("select pg_promote()")).await;
        done.expect("no panic").expect("promoted");
        proxy.lead_to(port);
        let promoted = Instant::now();
        log.recovers(promoted).await;
        log.end();
    };
    tokio::join!(load, promotion);
    for person in &crowd {
        person.comes_to_hold(PURSE_FEN).await;
    }
    balance(&stack).await;
}
