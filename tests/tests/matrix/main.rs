//! The crash matrix: the application's real components, struck at every host call they make, before its effect and
//! after it, by a trap and by a failure; then the same is asked again, or the timer comes, and the books are read.
//!
//! **Invariant:** whatever call a component dies at, its client has an answer of the table; asking again is answered
//! as if nothing had happened; and every fen is where that answer says.

mod bell;
mod first;
mod money;
mod office;
mod race;
mod run;
mod switch;
mod timer;
mod world;

use std::io::Write;

use hongbao_host::Verdict;

use crate::office::Remedy;
use crate::race::Home;
use crate::run::{Row, matrix};
use crate::world::{Instances, World};

/// Adds a line to the table, past the test harness, which keeps what is printed.
fn tell(what: &str, row: &Row) {
    let line = format!("matrix {what:<22} {:<18} {:>4} calls {:>4} struck\n", row.flow, row.calls, row.crashes);
    let _ = std::io::stderr().write_all(line.as_bytes());
    assert!(row.crashes > 0);
}

async fn all_requests(world: &World, what: &str, verdict: Verdict) {
    tell(what, &matrix(world, &money::Login, verdict).await);
    tell(what, &matrix(world, &money::Deposit, verdict).await);
    tell(what, &matrix(world, &money::Wrap, verdict).await);
    tell(what, &matrix(world, &race::Send, verdict).await);
    tell(what, &matrix(world, &race::Grab(Home::Shard), verdict).await);
    tell(what, &matrix(world, &race::Open(Home::Shard), verdict).await);
    tell(what, &matrix(world, &race::Grab(Home::Ledger), verdict).await);
    tell(what, &matrix(world, &race::Open(Home::Ledger), verdict).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_traps_at_any_call_is_made_good_by_asking_again() {
    let world = World::start("trap", Instances::Fresh).await;
    all_requests(&world, "trap", Verdict::Trap).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_any_call_fails_is_made_good_by_asking_again() {
    let world = World::start("fail", Instances::Fresh).await;
    all_requests(&world, "fail", Verdict::Fail).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_leaves_nothing_in_an_instance_that_lives_on() {
    let world = World::start("lasting", Instances::Lasting).await;
    all_requests(&world, "fail, lasting instance", Verdict::Fail).await;
}

async fn all_sweeps(world: &World, what: &str, verdict: Verdict) {
    tell(what, &matrix(world, &timer::Settle, verdict).await);
    tell(what, &matrix(world, &timer::Load, verdict).await);
    tell(what, &matrix(world, &timer::Refund, verdict).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_traps_at_any_call_is_made_good_by_the_next() {
    let world = World::start("sweep-trap", Instances::Fresh).await;
    all_sweeps(&world, "trap", Verdict::Trap).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_whose_any_call_fails_is_made_good_by_the_next() {
    let world = World::start("sweep-fail", Instances::Fresh).await;
    all_sweeps(&world, "fail", Verdict::Fail).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_dies_at_any_call_is_made_good_by_the_next_sweep() {
    let world = World::start("rebuild", Instances::Fresh).await;
    tell("trap", &matrix(&world, &timer::Rebuild, Verdict::Trap).await);
    tell("fail", &matrix(&world, &timer::Rebuild, Verdict::Fail).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_that_dies_at_any_call_is_made_good_by_the_next_bell_or_the_timer() {
    let world = World::start("bell", Instances::Fresh).await;
    tell("trap", &bell::matrix(&world, Verdict::Trap).await);
    tell("fail", &bell::matrix(&world, Verdict::Fail).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_remedy_that_dies_at_any_call_is_done_once_by_asking_again() {
    let world = World::start("office", Instances::Fresh).await;
    for remedy in [Remedy::Retry, Remedy::Compensate, Remedy::Dismiss] {
        tell("trap", &matrix(&world, &remedy, Verdict::Trap).await);
        tell("fail", &matrix(&world, &remedy, Verdict::Fail).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_request_that_traps_at_any_call_leaves_no_half_made_ledger() {
    let world = World::start("first", Instances::Fresh).await;
    tell("trap", &first::matrix(&world, Verdict::Trap).await);
}
