//! Redis is promoted elsewhere while the demoted server goes on answering reads on the connections it has.

use std::time::Instant;

use hongbao_stack::{Redis, RedisOptions, free_port, redis_variables};
use hongbao_tests::ledger::Books;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::proxy::Proxy;
use hongbao_tests::stage::{folder, start};
use hongbao_tests::{Scene, until};

use crate::ask;
use crate::load::{Log, NO_LIMITS, evening};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_redis_is_found_within_two_seconds_and_no_fen_is_lost() {
    let port = free_port().expect("a port");
    let proxy = Proxy::start(port);
    let stack = start("failover", |options| {
        options.redis.port = Some(port);
        let url = format!("redis://127.0.0.1:{}", proxy.port());
        let more = NO_LIMITS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        options.variables = redis_variables(&[url]).into_iter().chain(more).collect();
    });
    let replica = Redis::start(&folder("replica"), &RedisOptions::default()).expect("a second Redis");
    ask(&replica.url(), &["REPLICAOF", "127.0.0.1", &port.to_string()]);
    until("the replica follows", || async {
        ask(&replica.url(), &["INFO", "replication"]).contains("master_link_status:up").then_some(())
    })
    .await;

    let scene = Scene::on(&stack, "failover");
    let crowd = scene.crowd(6).await;
    let (log, group) = (Log::default(), scene.group());
    let load = futures::future::join_all(crowd.iter().map(|person| evening(person, &group, &log)));
    let promotion = async {
        log.runs_in(Instant::now()).await;
        // The server's own procedure: it holds back writes until the replica has everything, and swaps.
        ask(&stack.redis[0].url(), &["FAILOVER", "TO", "127.0.0.1", &replica.port().to_string()]);
        until("the replica is promoted", || async {
            ask(&replica.url(), &["INFO", "replication"]).contains("role:master").then_some(())
        })
        .await;
        proxy.lead_to(replica.port());
        let promoted = Instant::now();
        log.recovers(promoted).await;
        log.end();
    };
    tokio::join!(load, promotion);
    for person in &crowd {
        person.comes_to_hold(PURSE_FEN).await;
    }
    stack.sweep().expect("the sweep works on");
    Books::of(&stack).check();
    // Also whoever only reads has left the demoted server, though it would go on answering: ours alone is there.
    until("the demoted server has no client left", || async {
        let clients = ask(&stack.redis[0].url(), &["CLIENT", "LIST", "TYPE", "normal"]);
        (clients.trim().lines().count() == 1).then_some(())
    })
    .await;
}
