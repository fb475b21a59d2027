//! Somebody holds a lock on one wallet for longer than an entry has tries.

use hongbao_stack::{Database, Postgres};
use hongbao_tests::ledger::Books;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene};
use tokio_postgres::NoTls;

use crate::{age_pending, is_sound, try_often};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_holds_up_its_owner_only_and_costs_nobody_anything() {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    }
    let stack = start("lock", |options| {
        options.database = Database::Postgres;
        options.sweep_every = None;
    });
    let scene = Scene::on(&stack, "lock");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let mut packets = Vec::new();
    for _ in 0..6 {
        packets.push(alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await);
    }
    stack.sweep().expect("a sweep");
    let url = stack.postgres.as_ref().expect("a database").url();
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the owner connects");
    tokio::spawn(connection);
    let lock = client.transaction().await.expect("a transaction");
    let wallet = format!("wallet:{}", bob.id);
    lock.execute("SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE", &[&wallet]).await.expect("a lock");
    let (mut bobs_fen, mut carols_fen) = (0, 0);
    for packet in &packets {
        bobs_fen += bob.take(packet).await;
        carols_fen += carol.take(packet).await;
    }
    try_often(&stack);
    assert_eq!(carol.balance().await, PURSE_FEN + carols_fen, "who is not locked is paid meanwhile");
    assert_eq!(bob.balance().await, PURSE_FEN);
    lock.rollback().await.expect("the lock ends");
    age_pending(&stack.redis[0]);
    stack.sweep().expect("a sweep");
    assert_eq!(bob.balance().await, PURSE_FEN + bobs_fen);
    is_sound(&scene).await;
}

/// On SQLite a lock is for everything: nothing is settled meanwhile, and no try counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_sqlite_costs_nobody_anything() {
    let stack = start("sqlite-lock", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "sqlite-lock");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep");
    let held = Books::hold(&stack);
    let opened_fen = bob.take(&packet).await;
    try_often(&stack);
    drop(held);
    age_pending(&stack.redis[0]);
    stack.sweep().expect("a sweep");
    bob.comes_to_hold(PURSE_FEN + opened_fen).await;
    is_sound(&scene).await;
}
