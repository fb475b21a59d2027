//! Random cases that anybody can run again.

use std::env;
use std::io::{Write, stderr};
use std::thread;

/// Names the seed of the first case.
const VARIABLE: &str = "HONGBAO_SEED";

/// The seed of the first case: `HONGBAO_SEED`, or a fresh one.
///
/// # Panics
/// Occurs when the variable is not a whole number.
#[must_use]
pub fn first_seed() -> u64 {
    let given = env::var(VARIABLE).ok();
    given.map_or_else(|| fastrand::u64(..), |text| text.parse().expect("HONGBAO_SEED must be a whole number"))
}

/// Runs `case` on `count` generators of random choices, each with a seed of its own. A failing case prints
/// its seed; run again with that seed, it is the first case.
pub fn for_seeds(count: u64, mut case: impl FnMut(&mut fastrand::Rng)) {
    let first = first_seed();
    for index in 0..count {
        let seed = Shown(first.wrapping_add(index));
        case(&mut fastrand::Rng::with_seed(seed.0));
    }
}

/// A seed that is shown when the code using it panics.
#[derive(Debug)]
pub struct Shown(pub u64);

impl Drop for Shown {
    fn drop(&mut self) {
        if thread::panicking() {
            // A test that fails to print its seed still fails.
            let _ = writeln!(stderr(), "run again with {VARIABLE}={}", self.0);
        }
    }
}
