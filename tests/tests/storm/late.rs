//! Crowds that come late: to a packet that has ended and left Redis.

use futures::future::join_all;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene, until};

use crate::site::{ask, calls, variables};

/// How many come at once.
const CROWD: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_crowd_is_told_so_and_costs_redis_and_others_little() {
    let no_limits = ("rate_limits", "grab_user=0,login_user=0,in_flight=0");
    let stack = start("late", |options| options.variables = variables(&[("race_retention_s", "0"), no_limits]));
    let scene = Scene::on(&stack, "late");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 100, 1, &scene.group())).await;
    let running = alice.give(&Draft::new("equal", 100, 2, &scene.group())).await;
    bob.take(&packet).await;
    let left = async || {
        stack.sweep().expect("a sweep");
        let is_held: bool = ask(&stack.redis[0], "EXISTS", &[&format!("hb:{{0}}:p:{packet}")]);
        (!is_held).then_some(())
    };
    until("the packet leaves Redis", left).await;
    let crowd = scene.crowd(8).await;
    let looks = || calls(&stack.redis[0], "hget") + calls(&stack.redis[0], "evalsha");
    let before = looks();
    let grabs = join_all((0..CROWD).map(|place| crowd[place % crowd.len()].try_grab(&packet)));
    let (late, others) = tokio::join!(grabs, async {
        carol.take(&running).await;
    });
    let () = others;
    for reply in late {
        reply.refused(409, "sold_out", None);
    }
    let cost = looks() - before;
    assert!(cost < 4 * CROWD as u64, "{CROWD} late grabs took {cost} calls of Redis");
    // Who has a share is answered as ever.
    bob.try_grab(&packet).await.granted(200);
}
