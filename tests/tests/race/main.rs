//! The race's Lua scripts against its model, `hongbao_core::race`, on a real Redis.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

pub mod arena;
mod bugs;
mod effects;
mod guesses;
pub mod history;
pub mod reply;
pub mod scripts;
#[path = "../../../shared/core/tests/seeds/mod.rs"]
pub mod seeds;

use std::collections::BTreeSet;

use arena::{Arena, Clock};
use fastrand::Rng;
use history::{Answer, Call, History, Step};
use scripts::{NAMES, Scripts};
use seeds::{Shown, first_seed};

/// How many random histories the scripts have to get through.
const HISTORIES: u64 = 10_000;
/// How many are made before they are played, so that not all have to be held at once.
const AT_ONCE: u64 = 500;

/// Plays random histories until one differs: its seed is the one to run again with.
fn find_difference(arena: &mut Arena, scripts: &Scripts, clock: Clock, count: u64) -> Result<(), (u64, String)> {
    let installed = scripts.install(&mut arena.connection);
    let first = first_seed();
    for offset in (0..count).step_by(usize::try_from(AT_ONCE).expect("small")) {
        let seeds = (offset..count.min(offset + AT_ONCE)).map(|offset| first.wrapping_add(offset));
        let histories: Vec<(u64, History)> =
            seeds.map(|seed| (seed, History::random(&mut Rng::with_seed(seed)))).collect();
        let alone: Vec<History> = histories.iter().map(|(_, history)| history.clone()).collect();
        if arena.play(&installed, clock, &alone).is_err() {
            for (seed, history) in histories {
                arena.play(&installed, clock, &[history]).map_err(|problem| (seed, problem))?;
            }
            return Err((first.wrapping_add(offset), "only many histories at once differ".to_owned()));
        }
    }
    Ok(())
}

fn assert_same(scripts: &Scripts, clock: Clock) {
    if let Err((seed, problem)) = find_difference(&mut Arena::start(), scripts, clock, HISTORIES) {
        let _shown = Shown(seed);
        panic!("by {clock:?}'s clock: {problem}");
    }
}

/// The scripts as they are, by the server's own clock.
#[test]
fn the_scripts_decide_as_the_model_does() {
    assert_same(&Scripts::read(), Clock::Server);
}

/// The scripts by a clock held in the hand: every answer, wait and time is the model's to the millisecond, also
/// at the very moment a packet starts or ends, and when the clock goes back.
#[test]
fn the_scripts_decide_as_the_model_does_to_the_millisecond() {
    assert_same(&Scripts::read().by_held_clock(), Clock::Held);
}

/// The histories reach every reply that the scripts' headers name.
#[test]
fn random_histories_reach_every_reply() {
    let first = first_seed();
    let _shown = Shown(first);
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for offset in 0..HISTORIES {
        let history = History::random(&mut Rng::with_seed(first.wrapping_add(offset)));
        let calls =
            history.steps.iter().filter_map(|step| if let Step::Call(call, ..) = step { Some(call) } else { None });
        seen.extend(calls.zip(&history.expected.answers).map(|(call, answer)| (name(call), code(answer))));
    }
    let scripts = Scripts::read();
    for script in NAMES {
        let told: BTreeSet<String> = scripts.replies(script).into_iter().collect();
        let reached = seen.iter().filter(|(name, _)| *name == script).map(|(_, code)| (*code).to_owned());
        assert_eq!(reached.collect::<BTreeSet<String>>(), told, "{script}");
    }
}

fn name(call: &Call) -> &'static str {
    match call {
        Call::Load => "load",
        Call::Grab(_) => "grab",
        Call::Open(..) => "open",
        Call::Close => "close",
        Call::Fence(_) => "fence",
        Call::Rebuild(..) => "rebuild",
    }
}

fn code(answer: &Answer) -> &'static str {
    match answer {
        Answer::Done | Answer::PutBack(_) | Answer::Grabbed(..) | Answer::OpenedAt(_) | Answer::Closed(..) => "ok",
        Answer::LoadedBefore | Answer::ClosedBefore(..) => "again",
        Answer::NotStarted(..) => "not_started",
        Answer::NotOver(..) => "not_over",
        Answer::SoldOut => "sold_out",
        Answer::Expired => "expired",
        Answer::NotGrabbed => "not_grabbed",
        Answer::Lost => "lost",
        Answer::Contested => "contested",
        Answer::Missing => "missing",
        Answer::Changed => "changed",
        Answer::Fenced => "fenced",
    }
}
