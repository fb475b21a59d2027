//! The switch on the host's seam: lets one call of one component fail or trap, and counts.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hongbao_host::{Faults, HostCall, Moment, Verdict};

/// What is to happen to one call of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blow {
    /// Which call, from 1, counted since the switch was set.
    pub(crate) call: u64,
    /// Before its effect or after it.
    pub(crate) moment: Moment,
    /// Fail or trap.
    pub(crate) verdict: Verdict,
}

#[derive(Default)]
struct State {
    component: String,
    blow: Option<Blow>,
    /// Whether every call to Redis fails.
    is_cut_off: bool,
    /// The host's number of the call before the first that was counted.
    base: Option<u64>,
    calls: u64,
    has_struck: bool,
}

/// What a switch has seen since it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The component's host calls.
    pub(crate) calls: u64,
    /// Whether the blow has fallen.
    pub(crate) has_struck: bool,
}

/// The faults of a host, off until [`set`](Self::set).
#[derive(Default)]
pub(crate) struct Switch(Mutex<State>);

impl Switch {
    /// Counts the calls of `component` from now on, and strikes it once.
    pub(crate) fn set(&self, component: &str, blow: Option<Blow>) {
        *self.state() = State { component: component.to_owned(), blow, ..State::default() };
    }

    /// Fails every call of `component` to Redis from now on.
    pub(crate) fn cut_off(&self, component: &str) {
        *self.state() = State { component: component.to_owned(), is_cut_off: true, ..State::default() };
    }

    /// What was seen since it was set.
    pub(crate) fn seen(&self) -> Seen {
        let state = self.state();
        Seen { calls: state.calls, has_struck: state.has_struck }
    }

    /// Strikes nobody any more; what was seen.
    pub(crate) fn off(&self) -> Seen {
        let seen = self.seen();
        *self.state() = State::default();
        seen
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults for Switch {
    fn decide(&self, call: &HostCall<'_>) -> Verdict {
        let mut state = self.state();
        if state.component != call.component {
            return Verdict::Proceed;
        }
        if state.is_cut_off {
            return if call.function.starts_with("redis") { Verdict::Fail } else { Verdict::Proceed };
        }
        let base = *state.base.get_or_insert(call.number - 1);
        // A call from before the switch was set has a number below the first that was counted.
        let number = call.number.saturating_sub(base);
        state.calls = state.calls.max(number);
        match state.blow {
            Some(blow) if !state.has_struck && (blow.call, blow.moment) == (number, call.moment) => {
                state.has_struck = true;
                blow.verdict
            }
            _ => Verdict::Proceed,
        }
    }
}
