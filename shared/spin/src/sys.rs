//! Time and randomness of the platform, and the deadline that every outside call gets.

use core::future::Future;
use core::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::{Either, select};
use spin_sdk::wasip3::random::random;

/// Now, Unix milliseconds.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// 64 unpredictable bits.
#[must_use]
pub fn random_u64() -> u64 {
    random::get_random_u64()
}

/// What `work` answers, or `None` when it takes longer than `bound`; then `work` is cancelled.
pub async fn within<T>(bound: Duration, work: impl Future<Output = T>) -> Option<T> {
    let deadline = pin!(spin_sdk::time::sleep(bound));
    match select(pin!(work), deadline).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}
