//! Many runs on all cores: each thread takes the next seed.

use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::canary::Seam;
use crate::database::prepare;
use crate::run::{Options, Outcome, run};

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Swarm {
    /// How many seeds ran.
    pub seeds: u64,
    /// How many requests people made.
    pub calls: u64,
    /// How many shares were settled.
    pub claims: u64,
    /// How many packets were refunded.
    pub refunds: u64,
    /// The longest virtual time, in milliseconds.
    pub longest_ms: u64,
    /// Runs that failed, by seed.
    pub failed: Vec<Outcome>,
}

/// Runs `count` seeds from `first` on, until so many have failed.
#[must_use]
pub fn swarm(first: u64, count: u64, most_failed: usize, seam: &Seam, options: Options) -> Swarm {
    let (next, is_over) = (AtomicU64::new(first), AtomicBool::new(false));
    let total = Mutex::new(Swarm::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (prepared, seam) = (prepare(seam), Rc::new(seam.clone()));
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let outcome = run(seed, &prepared, &seam, options);
                    let mut total = total.lock().expect("no thread panics with the total");
                    total.add(outcome);
                    is_over.fetch_or(total.failed.len() >= most_failed, Ordering::Relaxed);
                }
            });
        }
    });
    let mut total = total.into_inner().expect("no thread panics with the total");
    total.failed.sort_by_key(|outcome| outcome.seed);
    total
}

impl Swarm {
    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.calls += outcome.calls as u64;
        self.claims += outcome.claims.unsigned_abs();
        self.refunds += outcome.refunds.unsigned_abs();
        self.longest_ms = self.longest_ms.max(outcome.elapsed_ms);
        if !outcome.violations.is_empty() {
            self.failed.push(outcome);
        }
    }
}
