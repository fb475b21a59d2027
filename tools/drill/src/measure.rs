//! What users saw: errors, stalls, the slowest answer, how soon all was well again.

use std::collections::BTreeMap;

use crate::history::{History, Kind, Line, Phase};

/// The load's time: the work started, and nothing new was started any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
}

/// What users saw while the load ran.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) calls: u64,
    /// By what went wrong.
    pub(crate) errors: BTreeMap<String, u64>,
    /// The longest time between two answers that did what was asked, by kind.
    pub(crate) stalls_ms: BTreeMap<Kind, u64>,
    pub(crate) slowest_ms: u64,
    /// From the healing until every kind of call was served again and all older shares were in the wallets.
    pub(crate) recovery_ms: Option<u64>,
    /// Answers that break the promise of how errors are told.
    pub(crate) findings: Vec<String>,
}

impl Seen {
    pub(crate) fn errors(&self) -> u64 {
        self.errors.values().sum()
    }

    pub(crate) fn longest_stall_ms(&self) -> u64 {
        self.stalls_ms.values().copied().max().unwrap_or_default()
    }
}

/// What the lines of the load say.
pub(crate) fn measure(history: &History, lines: &[Line], span: Span, healings_ms: &[u64]) -> Seen {
    let lines: Vec<_> = lines.iter().filter(|line| line.phase == Phase::Load).collect();
    let mut seen = Seen { calls: lines.len() as u64, ..Seen::default() };
    for line in &lines {
        seen.slowest_ms = seen.slowest_ms.max(line.took_ms);
        if let Some(error) = line.error() {
            *seen.errors.entry(error).or_default() += 1;
        }
        if matches!(line.status, 429 | 503) && !line.has_retry_after {
            seen.findings.push(format!("a {} without Retry-After: {:?}", line.status, line.answer));
        }
        if line.status >= 500 && line.status != 503 {
            seen.findings.push(format!("{} was answered {}: {}", line.call.name(), line.status, line.answer));
        }
    }
    let mut recovery_ms = Some(0);
    for kind in Kind::OF_THE_LOAD {
        let mut served: Vec<_> = lines.iter().filter(|line| line.call == kind && line.is_served()).copied().collect();
        served.sort_by_key(|line| line.ended_ms());
        seen.stalls_ms.insert(kind, longest_gap(&served, span));
        for healed_ms in healings_ms {
            let again = served.iter().find(|line| line.ended_ms() >= *healed_ms);
            recovery_ms = later(recovery_ms, again.map(|line| line.ended_ms() - healed_ms));
        }
    }
    for healed_ms in healings_ms {
        let healed_unix_ms = history.unix_ms(*healed_ms);
        let is_settled = |line: &&&Line| {
            line.call == Kind::Me && line.answer["settled_through_ms"].as_i64().is_some_and(|ms| ms >= healed_unix_ms)
        };
        let ended = lines.iter().filter(is_settled).map(|line| line.ended_ms()).min();
        recovery_ms = later(recovery_ms, ended.map(|ended_ms| ended_ms.saturating_sub(*healed_ms)));
    }
    seen.recovery_ms = recovery_ms;
    seen
}

fn later(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    Some(one?.max(other?))
}

fn longest_gap(served: &[&Line], span: Span) -> u64 {
    let mut last_ms = span.from_ms;
    let mut longest_ms = 0;
    for ended_ms in served.iter().map(|line| line.ended_ms()).chain([span.to_ms]) {
        longest_ms = longest_ms.max(ended_ms.saturating_sub(last_ms));
        last_ms = last_ms.max(ended_ms);
    }
    longest_ms
}
