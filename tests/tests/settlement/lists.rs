//! What waits for a shard that is gone holds up nobody else.

use hongbao_client::Method;
use hongbao_stack::{Runtime, Stack, StackOptions};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Reply, Scene, until};
use serde_json::json;

use crate::operator;

/// More than a sweep tries of a list in one shard.
const MANY: usize = 520;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_of_a_shard_that_is_gone_hold_up_no_refund() {
    let stack = start("gone", |options| options.shards = 2);
    let dir = stack.dir().to_owned();
    {
        let scene = Scene::on(&stack, "gone");
        let senders = scene.crowd(20).await;
        let office = operator(&scene);
        let drained =
            office.call(Method::PUT, "/v1/admin/shards/0").json(&json!({"weight": 0, "reason": "for the test"}));
        Reply::checked("weight", drained.send().await).granted(200);
        let draft = Draft::new("equal", 4, 4, &scene.group()).for_seconds(40);
        let mut sent = 0;
        while sent < MANY {
            let one = async |sender: &hongbao_tests::Person| {
                let quote = sender.wrap(&draft).await;
                sender.post("/v1/send", &json!({"quote": quote})).await.status == 201
            };
            sent += futures::future::join_all(senders.iter().map(one)).await.into_iter().filter(|sent| *sent).count();
        }
        let drained =
            office.call(Method::PUT, "/v1/admin/shards/0").json(&json!({"weight": 100, "reason": "for the test"}));
        Reply::checked("weight", drained.send().await).granted(200);
    }
    stack.stop().expect("it stops in good order");

    let runtime = Runtime::built_host().expect("the host is built");
    let mut options = StackOptions::new(&dir, runtime).expect("options");
    options.sweep_every = None;
    let stack = Stack::start(options).expect("it starts again, with one shard");
    let scene = Scene::on(&stack, "gone");
    let alice = scene.person("alice").await;
    let office = operator(&scene);
    let overdue = || async {
        let stats = office.get("/v1/admin/stats").await.granted(200);
        (stats["packets"]["overdue"].as_u64() >= Some(500)).then_some(())
    };
    until("they are overdue", overdue).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group()).for_seconds(1)).await;
    let refunded = || async {
        stack.sweep().expect("a sweep");
        (alice.balance().await == PURSE_FEN).then_some(())
    };
    until("the refund is made", refunded).await;
    assert_eq!(alice.see(&packet).await["state"], "expired");

    let books = office.get("/v1/admin/reconcile").await.granted(200);
    let told = books["checks"].as_array().expect("checks").iter().find(|check| check["name"] == "journal_is_settled");
    let told = told.expect("the check");
    assert_eq!(told["ok"], false, "{books}");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("shard 1 is not configured")), "{told}");
    let metrics = office.call(Method::GET, "/metrics").send().await.expect("metrics").text();
    assert!(metrics.contains("\nhongbao_packets_of_no_shard{shard=\"1\"} "), "{metrics}");
    let all = office.get("/v1/admin/shards").await.granted(200);
    let shards = all["shards"].as_array().expect("shards");
    let gone = shards.iter().find(|shard| shard["shard"] == 1).expect("the shard that is gone");
    assert_eq!((&gone["is_configured"], gone["packets"].as_u64() >= Some(500)), (&json!(false), true), "{all}");
}
