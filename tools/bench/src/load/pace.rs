//! When requests are due: a Poisson process, as of a crowd whose members do not know of each other.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Times from the start, in order, with exponential gaps of a mean of `1 / rate`.
pub(crate) fn arrivals(rate: f64, lasting: Duration, seed: u64) -> Vec<Duration> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut due_s = 0.0;
    let gaps = std::iter::from_fn(|| {
        due_s -= (1.0 - random.f64()).ln() / rate;
        Some(due_s)
    });
    gaps.take_while(|due_s| *due_s < lasting.as_secs_f64()).map(Duration::from_secs_f64).collect()
}

/// Gives a permit whenever an arrival is due. A thread of its own: the runtime's timer knows whole milliseconds only,
/// the system's wakes within a tenth of one.
pub(crate) fn let_in(started: Instant, due: &[Duration], permits: &Arc<Semaphore>) {
    let mut next = 0;
    while let Some(first) = due.get(next) {
        let wait = *first;
        if let Some(wait) = wait.checked_sub(started.elapsed()) {
            thread::sleep(wait);
        }
        let now = started.elapsed();
        let arrived = due[next..].iter().take_while(|due| **due <= now).count();
        permits.add_permits(arrived);
        next += arrived;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn arrivals_come_at_the_rate_in_order() {
        let due = super::arrivals(10_000.0, Duration::from_secs(2), 1);
        assert!((19_000..21_000).contains(&due.len()), "{}", due.len());
        assert!(due.is_sorted());
    }
}
