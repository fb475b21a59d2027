//! The seam for tests: a component's host calls can be made to fail or trap, and its wall clock to
//! run ahead or behind. Without a [`Faults`] the cost of the seam is one branch a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use wasmtime_wasi::HostWallClock;

/// Decides the fate of host calls.
pub trait Faults: Send + Sync + 'static {
    /// Called right before and right after every call to Redis, SQL or the variables.
    ///
    /// It runs on an async thread, inside the component's call: it must not block.
    fn decide(&self, call: &HostCall<'_>) -> Verdict;
}

/// One host call of a component, at one of its two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostCall<'a> {
    /// The id of the component that calls.
    pub component: &'a str,
    /// Counts the calls of this component from 1, over all its instances, in the order they began.
    pub number: u64,
    /// The function, such as `redis.execute` or `sqlite.open`.
    pub function: &'static str,
    /// Whether the effect is still to come or has already happened.
    pub moment: Moment,
}

/// The two moments of a host call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing has happened yet: a failure here means the effect never happens.
    Before,
    /// The effect has happened: a failure here means that its answer is lost.
    After,
}

/// What becomes of a host call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As if there were no seam.
    Proceed,
    /// The component sees the interface's own error.
    Fail,
    /// The component's instance dies on the spot, as in a crash.
    Trap,
}

/// The text of an injected error, so that a log tells it from a real one.
pub(crate) const INJECTED: &str = "injected fault";

/// A wall clock that is `offset_ms` ahead of the real one.
pub(crate) struct ShiftedClock {
    pub(crate) offset_ms: Arc<AtomicI64>,
}

impl HostWallClock for ShiftedClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        // Before 1970 there is no Unix time: such a clock stands still at 0.
        let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        let offset = Duration::from_millis(offset_ms.unsigned_abs());
        if offset_ms < 0 { real.saturating_sub(offset) } else { real.saturating_add(offset) }
    }
}
