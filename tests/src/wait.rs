//! Waiting for what must become true.

use std::time::{Duration, Instant};

/// Far longer than anything takes on a busy machine, far shorter than anybody's patience.
const LIMIT: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(15);

/// Asks `probe` until it answers with something.
///
/// # Panics
/// When it has not after 40 seconds: `what` did not become true.
pub async fn until<T, F>(what: &str, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
