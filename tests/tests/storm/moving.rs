//! A dead shard is given up: its packets live in SQL from then on.

use hongbao_tests::ledger::Books;
use hongbao_tests::person::{PURSE_FEN, number};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::json;

use crate::site::{ask, give_on, operator, put, shard_of};

#[tokio::test]
async fn the_packets_of_a_dead_shard_move_to_sql_and_vouchers_are_receipts() {
    let mut stack = start("moving", |options| options.shards = 2);
    let (packet, voucher) = {
        let scene = Scene::on(&stack, "moving");
        let [alice, bob] = scene.people(["alice", "bob"]).await;
        let packet = give_on(&alice, &Draft::new("equal", 100, 10, &scene.group()), 1).await;
        let voucher = bob.grab(&packet).await;
        (packet, voucher)
    };
    stack.redis[1].kill();
    {
        let scene = Scene::on(&stack, "moving");
        let [bob, carol] = scene.people(["bob", "carol"]).await;
        let office = operator(&scene);
        bob.try_open(&packet, &voucher).await.refused(503, "unavailable", None);
        let give_up = async |body| office.post("/v1/admin/shards/1/move", &body).await;
        give_up(json!({})).await.refused(400, "invalid_request", Some("reason"));
        let before = office.get("/v1/admin/shards/1").await.granted(200);
        assert!(number(&before, "packets") >= 1 && before["is_up"] == false, "{before}");
        for _ in 0..2 {
            let moved = give_up(json!({"reason": "its machine burnt"})).await.granted(200);
            assert_eq!((number(&moved, "packets"), &moved["is_up"]), (0, &json!(false)), "{moved}");
        }
        let acts = office.get("/v1/admin/audit").await.granted(200);
        let moves = acts["acts"].as_array().expect("acts").iter().filter(|act| act["act"] == "move_shard").count();
        assert_eq!(moves, 1, "{acts}");
        let opened = bob.try_open(&packet, &voucher).await.granted(200);
        assert_eq!(bob.try_open(&packet, &voucher).await.granted(200), opened);
        assert_eq!(carol.take(&packet).await, 10);
        bob.comes_to_hold(PURSE_FEN + 10).await;
    }
    stack.redis[1].restart().expect("it starts again");
    let scene = Scene::on(&stack, "moving");
    let [alice, dora] = scene.people(["alice", "dora"]).await;
    // It is fenced, rebuilt with nothing in it, and takes new packets.
    let draft = Draft::new("equal", 100, 10, &scene.group());
    let lives = || async {
        let fresh = give_on(&alice, &draft, 1).await;
        takes(&dora, &fresh).await.then_some(())
    };
    until("the shard takes packets again", lives).await;
    assert_eq!(dora.take(&packet).await, 10, "and the old ones stay where they are");
    Books::of(&stack).check();
}

#[tokio::test]
async fn a_living_shard_that_is_given_up_is_stopped_first_and_settled() {
    let stack = start("given-up", |options| options.shards = 2);
    let scene = Scene::on(&stack, "given-up");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let draft = Draft::new("equal", 100, 10, &scene.group());
    let (packet, office) = (give_on(&alice, &draft, 1).await, operator(&scene));
    assert_eq!(bob.take(&packet).await, 10);
    put(&office, "/v1/admin/shards/1", &json!({"weight": 0})).await.granted(200);
    let moved = || async {
        let reply = office.post("/v1/admin/shards/1/move", &json!({"reason": "to another machine"})).await;
        (reply.status == 200).then_some(reply.body)
    };
    let moved = until("the shard is given up", moved).await;
    assert_eq!(number(&moved, "packets"), 0, "{moved}");
    assert_eq!(carol.take(&packet).await, 10);
    let again = bob.grab(&packet).await;
    bob.try_open(&packet, &again).await.granted(200);
    bob.comes_to_hold(PURSE_FEN + 10).await;
    assert_eq!(shard_of(&packet), 1);
    // What the shard still had of it goes, once it lives under its next epoch.
    let key = format!("hb:{{1}}:p:{packet}");
    let is_gone = || async { (!ask::<bool>(&stack.redis[1], "EXISTS", &[&key])).then_some(()) };
    until("the packet's key is gone", is_gone).await;
    Books::of(&stack).check();
}

async fn takes(person: &Person, packet: &str) -> bool {
    person.try_grab(packet).await.status == 200
}
