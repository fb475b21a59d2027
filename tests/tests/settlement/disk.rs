//! The disk under SQLite is full: reads and statements that write nothing work on, everything else fails.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use hongbao_stack::{Runtime, Stack};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::{folder, start};
use hongbao_tests::{Draft, Scene};

use crate::{age_pending, is_sound, try_often};

/// No file of the host's may become larger than this: its log is smaller, and the end of SQLite's own log is behind it.
const ROOM: &str = "65536";

/// The host, with the signal ignored that ends a process when a file may not grow: it is told by an error, as on a full
/// disk.
fn host_without_signal() -> Runtime {
    let Runtime::Host(host) = Runtime::built_host().expect("the host is built") else { panic!("the host is no Spin") };
    let host = host.canonicalize().expect("the host is there");
    let script = folder("disk-host").join("hongbao-host");
    std::fs::write(&script, format!("#!/bin/sh\ntrap '' XFSZ\nexec {} \"$@\"\n", host.display())).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    Runtime::Host(script)
}

fn limit_files(stack: &Stack, most: &str) {
    let process = stack.server.process_id().expect("it runs").to_string();
    let done = Command::new("prlimit").args([&format!("--fsize={most}:"), "--pid", &process]).status();
    assert!(done.expect("util-linux is installed").success(), "no limit was set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_costs_nobody_anything() {
    let stack = start("disk", |options| {
        options.runtime = host_without_signal();
        options.sweep_every = None;
    });
    let scene = Scene::on(&stack, "disk");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep");
    // Every component has run: the host keeps their memory's first state in files that may not grow later.
    let carols_fen = carol.take(&packet).await;
    carol.comes_to_hold(PURSE_FEN + carols_fen).await;
    let log = stack.dir().join("state/sqlite_db.db-wal");
    assert!(std::fs::metadata(&log).expect("SQLite's log").len() > 65_536, "what is written next is beyond the room");
    limit_files(&stack, ROOM);
    let opened_fen = bob.take(&packet).await;
    try_often(&stack);
    let seen = bob.balance().await;
    assert_eq!(seen, PURSE_FEN, "the disk is full, and what is there is read");
    limit_files(&stack, "unlimited");
    age_pending(&stack.redis[0]);
    stack.sweep().expect("a sweep");
    assert_eq!(bob.balance().await, PURSE_FEN + opened_fen);
    is_sound(&scene).await;
}
