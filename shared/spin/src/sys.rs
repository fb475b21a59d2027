//! Time and randomness of the platform.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

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

/// Waits for `time`.
pub async fn pause(time: Duration) {
    spin_sdk::time::sleep(time).await;
}
