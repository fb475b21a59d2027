//! What a stretch of load came to.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told from longer ones, in microseconds: a minute.
const LONGEST_US: u64 = 60_000_000;
const DIGITS: u8 = 3;

/// The outcome of a stretch of load.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// How long it took.
    pub(crate) lasted: Duration,
    /// How many answers were the hoped ones.
    pub(crate) good: u64,
    /// The other answers, by status; 0 stands for none at all.
    pub(crate) others: BTreeMap<u16, u64>,
    /// Arrivals that found no free connection.
    pub(crate) unsent: u64,
    /// The latencies of good answers, in microseconds.
    pub(crate) latency_us: Histogram<u64>,
    /// The same by time, where it was asked for.
    pub(crate) slices: Vec<Slice>,
}

/// A slice of time within a stretch.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    pub(crate) good: u64,
    pub(crate) refused: u64,
    pub(crate) latency_us: Histogram<u64>,
}

impl Default for Slice {
    fn default() -> Self {
        Self { good: 0, refused: 0, latency_us: histogram() }
    }
}

/// Percentiles of latencies, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    #[serde(rename = "p99.9")]
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// An empty histogram of latencies, in microseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    // The bounds are constants that the crate accepts.
    Histogram::new_with_bounds(1, LONGEST_US, DIGITS).unwrap_or_else(|error| unreachable!("{error}"))
}

impl Latency {
    pub(crate) fn of(latency_us: &Histogram<u64>) -> Self {
        let at = |quantile: f64| latency_us.value_at_quantile(quantile) as f64 / 1000.0;
        let (mean, max) = (latency_us.mean() / 1000.0, latency_us.max() as f64 / 1000.0);
        Self { mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max }
    }
}

impl Default for Sample {
    fn default() -> Self {
        let (lasted, others) = (Duration::ZERO, BTreeMap::new());
        Self { lasted, good: 0, others, unsent: 0, latency_us: histogram(), slices: Vec::new() }
    }
}

impl Sample {
    /// Counts one answer; `status` 0 for none.
    pub(crate) fn count(&mut self, is_good: bool, status: u16, latency: Duration) {
        if is_good {
            self.good += 1;
            self.latency_us.saturating_record(microseconds(latency));
        } else {
            *self.others.entry(status).or_default() += 1;
        }
    }

    /// As [`count`](Self::count), also in the slice number `slice`.
    pub(crate) fn count_in(&mut self, slice: usize, is_good: bool, status: u16, latency: Duration) {
        self.count(is_good, status, latency);
        if self.slices.len() <= slice {
            self.slices.resize_with(slice + 1, Slice::default);
        }
        let slice = &mut self.slices[slice];
        if is_good {
            slice.good += 1;
            slice.latency_us.saturating_record(microseconds(latency));
        } else {
            slice.refused += 1;
        }
    }

    /// Good answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.good as f64 / self.lasted.as_secs_f64().max(f64::EPSILON)
    }

    pub(crate) fn latency(&self) -> Latency {
        Latency::of(&self.latency_us)
    }

    /// How many answers were not the hoped ones.
    pub(crate) fn bad(&self) -> u64 {
        self.others.values().sum()
    }

    /// Takes in another stretch of the same load.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lasted += other.lasted;
        self.good += other.good;
        self.unsent += other.unsent;
        for (status, count) in &other.others {
            *self.others.entry(*status).or_default() += count;
        }
        // Both have the same bounds.
        let _ = self.latency_us.add(&other.latency_us);
    }
}

fn microseconds(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1)
}
