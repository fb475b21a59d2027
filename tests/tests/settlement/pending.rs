//! Pending entries that were deleted stand in front of live ones.

use std::time::{Duration, Instant};

use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene};

use crate::{EVENTS, age_pending, ask, is_sound};

/// Readers die between deleting and acknowledging, many times; the one sweep afterwards settles what is behind.
#[tokio::test]
async fn what_waits_behind_deleted_entries_is_settled_by_the_next_sweep() {
    let stack = start("pending", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "pending");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep"); // After which there is a group of readers.
    let ghosts = "for i = 1, 30000 do redis.call('XADD', KEYS[1], '*', 'e', 'ghost') end \
                  local read = redis.call('XREADGROUP', 'GROUP', 'settlement', 'ghost', 'COUNT', 100000, 'STREAMS', KEYS[1], '>') \
                  for _, entry in ipairs(read[1][2]) do redis.call('XDEL', KEYS[1], entry[1]) end \
                  redis.call('SET', KEYS[2], 1)";
    // The bell is silenced: nobody but the ghost reads what comes now.
    ask::<redis::Value>(&stack.redis[0], "EVAL", &[ghosts, "2", EVENTS, "hb:{0}:bell"]);
    let opened_fen = bob.take(&packet).await;
    let read = ["GROUP", "settlement", "ghost", "COUNT", "100", "STREAMS", EVENTS, ">"];
    let entries: redis::Value = ask(&stack.redis[0], "XREADGROUP", &read);
    assert_ne!(entries, redis::Value::Nil, "the ghost has read the open");
    let live = "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1] \
                redis.call('XCLAIM', KEYS[1], 'settlement', 'ghost', 0, last, 'IDLE', 60000, 'JUSTID')";
    ask::<redis::Value>(&stack.redis[0], "EVAL", &[live, "1", EVENTS]);
    let begun = Instant::now();
    stack.sweep().expect("a sweep");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(bob.balance().await, PURSE_FEN + opened_fen);
    age_pending(&stack.redis[0]);
    stack.sweep().expect("a sweep");
    let pending: Vec<redis::Value> = ask(&stack.redis[0], "XPENDING", &[EVENTS, "settlement"]);
    assert_eq!(pending.first(), Some(&redis::Value::Int(0)), "nothing is pending");
    is_sound(&scene).await;
}

/// Entries that no script writes, with other fields or none that can be read, hold up nobody.
#[tokio::test]
async fn entries_with_other_fields_go_to_exceptions_and_hold_up_nobody() {
    let stack = start("fields", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "fields");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep");
    for fields in [&["a", "1", "b", "2"][..], &["other", "x"], &["e", "open\0hb"]] {
        ask::<String>(&stack.redis[0], "XADD", &[&[EVENTS, "*"], fields].concat());
    }
    let opened_fen = bob.take(&packet).await;
    let settled = || async {
        age_pending(&stack.redis[0]);
        stack.sweep().expect("a sweep");
        let waiting: i64 = ask(&stack.redis[0], "XLEN", &[EVENTS]);
        (waiting == 0).then_some(())
    };
    hongbao_tests::until("everything is settled", settled).await;
    assert_eq!(bob.balance().await, PURSE_FEN + opened_fen);
    let page = crate::operator(&scene).get("/v1/admin/exceptions?state=open").await.granted(200);
    let reasons: Vec<_> = page["exceptions"].as_array().expect("a list").iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["poison"; 3], "{page}");
}
