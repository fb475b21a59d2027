//! The hostile client after a rebuild: old vouchers, new ones, two tabs, swaps, replays. Nobody else may notice.

use std::cell::Cell;

use futures::future::{join, join_all};
use hongbao_stack::Stack;
use hongbao_tests::ledger::Books;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::json;

use crate::site::{ask, operator};

/// Loses all that the shard holds, and waits until it is rebuilt.
async fn lose_and_rebuild(stack: &Stack, somebody: &Person, packet: &str) {
    let loaded = || async {
        let unconfirmed = Books::of(stack).number("SELECT COUNT(*) FROM packets WHERE is_loaded = 0");
        (unconfirmed == 0).then_some(())
    };
    until("every packet is confirmed", loaded).await;
    let before = epoch(stack);
    let () = ask(&stack.redis[0], "FLUSHALL", &[]);
    let is_back = || async {
        let is_open = epoch(stack).is_some_and(|epoch| epoch != "0" && Some(&epoch) != before.as_ref());
        (is_open && somebody.try_grab(packet).await.status == 200).then_some(())
    };
    until("the shard is rebuilt", is_back).await;
}

fn epoch(stack: &Stack) -> Option<String> {
    ask(&stack.redis[0], "GET", &["hb:{0}:epoch"])
}

#[tokio::test]
async fn vouchers_from_before_and_after_a_rebuild_stop_nobody_else() {
    let stack = start("hostile", |_| {});
    let scene = Scene::on(&stack, "hostile");
    let [alice, mallory, bob, carol] = scene.people(["alice", "mallory", "bob", "carol"]).await;
    let draft = Draft::new("equal", 100, 10, &scene.group());
    let (packet, other) = (alice.give(&draft).await, alice.give(&draft).await);
    let old = mallory.grab(&packet).await;
    let bobs = bob.grab(&packet).await;
    lose_and_rebuild(&stack, &carol, &other).await;
    let (began, new) = (epoch(&stack), mallory.grab(&packet).await);
    assert_ne!(old, new, "the share that is bound now is another one");

    // Others go on meanwhile, each on a packet of their own and on the same one.
    let quiet: Vec<String> = join_all((0..8).map(|_| alice.give(&draft))).await;
    let is_over = Cell::new(false);
    let others = async {
        let mut rounds = 0;
        while !is_over.get() || rounds < 3 {
            for packet in quiet.iter().chain([&packet]) {
                carol.take(packet).await;
            }
            rounds += 1;
        }
    };
    let attack = async {
        for _ in 0..5 {
            mallory.try_open(&packet, &old).await.granted(200);
            mallory.try_open(&packet, &new).await.refused(409, "not_grabbed", None);
            // Two tabs.
            let (one, two) = join(mallory.try_open(&packet, &new), mallory.try_open(&packet, &old)).await;
            one.refused(409, "not_grabbed", None);
            two.granted(200);
            // For another packet, somebody else's.
            mallory.try_open(&quiet[0], &new).await.refused(400, "invalid_voucher", None);
            mallory.try_open(&packet, &bobs).await.refused(400, "invalid_voucher", None);
            // A repeated grab answers the share that was opened.
            assert_eq!(mallory.try_grab(&packet).await.granted(200)["seq"], 0);
        }
        is_over.set(true);
    };
    join(others, attack).await;
    assert_eq!(bob.try_open(&packet, &bobs).await.granted(200)["seq"], 1, "a receipt is still honoured");
    assert_eq!(epoch(&stack), began, "the shard was never stopped");
    let office = operator(&scene);
    let found = office.get("/v1/admin/exceptions").await.granted(200);
    assert_eq!(found["exceptions"], json!([]), "and there is nothing to decide");
    Books::of(&stack).check();
}
