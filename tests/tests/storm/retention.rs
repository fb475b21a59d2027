//! Packets leave Redis a while after they have ended, and the ledger answers for them as Redis did.

use std::fs;
use std::path::{Path, PathBuf};

use hongbao_client::Method;
use hongbao_stack::{Database, Postgres, Stack, StackOptions};
use hongbao_tests::person::number;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::{Value, json};

use crate::site::{ask, operator, variables};

/// As short as it can be: some seconds.
fn soon(options: &mut StackOptions) {
    options.variables = variables(&[("race_retention_s", "0")]);
}

fn key(packet: &str) -> String {
    format!("hb:{{0}}:p:{packet}")
}

fn is_held(stack: &Stack, packet: &str) -> bool {
    ask(&stack.redis[0], "EXISTS", &[&key(packet)])
}

/// Waits until none of these packets is in Redis; this test's stack sweeps by itself or is swept here.
async fn leave(stack: &Stack, packets: &[&str]) {
    let gone = async || {
        stack.sweep().expect("a sweep");
        packets.iter().all(|packet| !is_held(stack, packet)).then_some(())
    };
    until("the packets that have ended leave Redis", gone).await;
}

/// The counter of the scripts is what a look at every key finds, and what operators are told.
async fn check_count(scene: &Scene<'_>) -> i64 {
    let redis = &scene.stack.redis[0];
    let keys: Vec<String> = ask(redis, "KEYS", &["hb:{0}:p:*"]);
    let held = i64::try_from(keys.len()).expect("few");
    let operator = operator(scene);
    let shard = operator.get("/v1/admin/shards/0").await.granted(200);
    assert_eq!(number(&shard, "race_packets"), held, "{shard}");
    assert!(number(&shard, "race_bytes") > 100_000 && shard["race_bytes_max"] == Value::Null, "{shard}");
    let page = operator.call(Method::GET, "/metrics").send().await.expect("an answer").text();
    assert!(page.contains(&format!("\nhongbao_race_packets{{shard=\"0\"}} {held}\n")), "{page}");
    held
}

/// What everybody is answered about two packets that have ended: one finished, one expired.
async fn answers(scene: &Scene<'_>, [finished, expired]: [&str; 2], vouchers: [&str; 2]) -> Vec<Value> {
    let [alice, bob, carol, dora] = scene.people(["alice", "bob", "carol", "dora"]).await;
    let mut answers = Vec::new();
    for packet in [finished, expired] {
        for person in [&alice, &bob, &dora] {
            let mut seen = person.see(packet).await;
            // Who grabbed and never opened is nothing the ledger knows.
            seen["grabbed"] = Value::Null;
            answers.push(seen);
        }
        let late = dora.try_grab(packet).await;
        answers.push(json!([late.status, late.code()]));
        let again = bob.try_grab(packet).await.granted(200);
        answers.push(again["seq"].clone());
        let voucher = again["voucher"].as_str().expect("a voucher");
        answers.push(bob.try_open(packet, voucher).await.granted(200));
    }
    for (packet, voucher) in [finished, expired].into_iter().zip(vouchers) {
        answers.push(bob.try_open(packet, voucher).await.granted(200));
    }
    // Who grabbed in time and comes too late to open.
    let late = carol.try_grab(expired).await;
    if late.status == 200 {
        let voucher = late.body["voucher"].as_str().expect("a voucher");
        carol.try_open(expired, voucher).await.refused(410, "expired", None);
    } else {
        late.refused(410, "expired", None);
    }
    answers
}

async fn ended_packets_leave(database: Database, name: &str) {
    let mut stack = start(name, |options| {
        soon(options);
        options.database = database;
    });
    let (packets, vouchers, running, before) = {
        let scene = Scene::on(&stack, name);
        let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
        let finished = alice.give(&Draft::new("equal", 100, 2, &scene.group())).await;
        let expired = alice.give(&Draft::new("lucky", 300, 3, &scene.group()).for_seconds(3)).await;
        let running = alice.give(&Draft::new("equal", 100, 2, &scene.group())).await;
        let vouchers = [bob.grab(&finished).await, bob.grab(&expired).await];
        for (packet, voucher) in [&finished, &expired].into_iter().zip(&vouchers) {
            bob.try_open(packet, voucher).await.granted(200);
        }
        carol.take(&finished).await;
        carol.grab(&expired).await;
        bob.take(&running).await;
        bob.sees_it_become(&finished, "finished").await;
        bob.sees_it_become(&expired, "expired").await;
        let before = answers(&scene, [&finished, &expired], [&vouchers[0], &vouchers[1]]).await;
        ([finished, expired], vouchers, running, before)
    };
    leave(&stack, &[&packets[0], &packets[1]]).await;
    assert!(is_held(&stack, &running), "a packet that runs stays");
    // Instances that remember nothing.
    stack.server.restart().expect("it starts again");
    let scene = Scene::on(&stack, name);
    let after = answers(&scene, [&packets[0], &packets[1]], [&vouchers[0], &vouchers[1]]).await;
    assert_eq!(after, before);
    assert_eq!(check_count(&scene).await, 1);
    let sound = operator(&scene).get("/v1/admin/reconcile").await.granted(200);
    assert_eq!(sound["ok"], json!(true), "{sound}");
    // And it goes on as before.
    let carol = scene.person("carol").await;
    assert_eq!(carol.take(&running).await, 50);
}

#[tokio::test]
async fn what_has_ended_leaves_redis_and_is_answered_the_same() {
    ended_packets_leave(Database::Sqlite, "leaving").await;
}

#[tokio::test]
async fn what_has_ended_leaves_redis_and_is_answered_the_same_on_postgres() {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    }
    ended_packets_leave(Database::Postgres, "leavingpg").await;
}

/// The entry of the journal that tells of an open of this packet: its id and its text.
fn open_entry(stack: &Stack, packet: &str) -> (String, String) {
    type Entries = Vec<(String, Vec<(String, String)>)>;
    let entries: Entries = ask(&stack.redis[0], "XRANGE", &["hb:{0}:events", "-", "+"]);
    let text = |fields: Vec<(String, String)>| fields.into_iter().map(|(_, text)| text).next().unwrap_or_default();
    let mut entries = entries.into_iter().map(|(id, fields)| (id, text(fields)));
    entries.find(|(_, text)| text.starts_with(&format!("open {packet} "))).expect("the open is in the journal")
}

#[tokio::test]
async fn a_packet_whose_refund_waits_for_an_open_stays() {
    let stack = start("waiting", |options| {
        soon(options);
        (options.sweep_every, options.settlement_apart) = (None, true);
    });
    let scene = Scene::on(&stack, "waiting");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let other = alice.give(&Draft::new("equal", 100, 1, &scene.group()).for_seconds(2)).await;
    let packet = alice.give(&Draft::new("equal", 100, 2, &scene.group()).for_seconds(2)).await;
    stack.sweep().expect("a sweep");
    stack.server.pause_settlement();
    let voucher = bob.grab(&packet).await;
    let opened = bob.try_open(&packet, &voucher).await.granted(200);
    // The entry goes astray: the ledger knows that one share was opened, and not whose.
    let (id, entry) = open_entry(&stack, &packet);
    let _: i64 = ask(&stack.redis[0], "XDEL", &["hb:{0}:events", &id]);
    stack.server.resume_settlement();
    // The other one goes back to its sender, and leaves.
    leave(&stack, &[&other]).await;
    assert!(is_held(&stack, &packet), "a packet whose refund waits stays");
    assert_eq!(bob.try_open(&packet, &voucher).await.granted(200), opened);
    let _: String = ask(&stack.redis[0], "XADD", &["hb:{0}:events", "*", "e", &entry]);
    // Reconciliation has seen an opened share that nobody is paid for, and holds the refund until somebody has looked.
    let office = operator(&scene);
    let looked = async || {
        stack.sweep().expect("a sweep");
        let open = office.get("/v1/admin/exceptions?state=open").await.granted(200);
        for exception in open["exceptions"].as_array().into_iter().flatten() {
            let path = format!("/v1/admin/exceptions/{}/retry", exception["id"].as_str().expect("an id"));
            office.post(&path, &json!({"reason": "the entry is back"})).await;
        }
        open["exceptions"].as_array().is_some_and(Vec::is_empty).then_some(())
    };
    until("nothing is left to look at", looked).await;
    leave(&stack, &[&packet]).await;
    assert_eq!(bob.try_open(&packet, &voucher).await.granted(200), opened);
    assert_eq!(check_count(&scene).await, 0);
}

#[tokio::test]
async fn what_an_old_copy_of_redis_brings_back_leaves_again() {
    let mut stack = start("old-copy", |options| {
        soon(options);
        options.sweep_every = None;
    });
    let (data, old) = (stack.redis[0].dir().join("appendonlydir"), stack.redis[0].dir().join("old"));
    let (ended, running) = {
        let scene = Scene::on(&stack, "old-copy");
        let [alice, bob] = scene.people(["alice", "bob"]).await;
        let ended = alice.give(&Draft::new("equal", 100, 1, &scene.group())).await;
        let running = alice.give(&Draft::new("equal", 100, 2, &scene.group())).await;
        bob.take(&ended).await;
        stack.redis[0].stop().expect("it stops");
        copy(&data, &old);
        stack.redis[0].restart().expect("it starts again");
        let takes = async || (bob.try_grab(&running).await.status == 200).then_some(());
        until("it goes on", takes).await;
        leave(&stack, &[&ended]).await;
        (ended, running)
    };
    stack.redis[0].forget().expect("it is forgotten");
    copy(&old, &data);
    stack.redis[0].restart().expect("the old copy starts");
    assert!(is_held(&stack, &ended), "the old copy has it");
    leave(&stack, &[&ended]).await;
    let scene = Scene::on(&stack, "old-copy");
    let carol: Person = scene.person("carol").await;
    let takes = async || (carol.try_grab(&running).await.status == 200).then_some(());
    until("what runs is put back", takes).await;
    assert_eq!(check_count(&scene).await, 1);
}

/// The packets that ended while a clock stood ahead leave as soon as it is right again, and those that end then, too.
#[tokio::test]
async fn a_clock_that_stood_ahead_keeps_nothing_in_redis() {
    // Far more than a test waits, and less than a token lives.
    const AHEAD_MS: &str = "240000";
    let mut offset = PathBuf::new();
    let stack = start("stood-ahead", |options| {
        soon(options);
        options.sweep_every = None;
        offset = options.dir.join("clock-offset-ms");
        options.arguments.extend(["--clock-offset-file".to_owned(), offset.to_string_lossy().into_owned()]);
    });
    let scene = Scene::on(&stack, "stood-ahead");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let end_one = async || {
        let packet = alice.give(&Draft::new("equal", 100, 1, &scene.group())).await;
        bob.take(&packet).await;
        bob.sees_it_become(&packet, "finished").await;
        packet
    };
    let first = end_one().await;
    // Redis' clock is right, and decides about the packets themselves.
    fs::write(&offset, AHEAD_MS).expect("the clock can be set");
    leave(&stack, &[&first]).await;
    let second = end_one().await;
    stack.sweep().expect("a sweep notes its end");
    fs::write(&offset, "0").expect("the clock can be set");
    let third = end_one().await;
    leave(&stack, &[&second, &third]).await;
    assert_eq!(check_count(&scene).await, 0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for file in fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file");
        fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}
