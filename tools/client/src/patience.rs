//! Asking again: every step of this application can be repeated, so a client that got no answer just does.

use std::time::Duration;

use tokio::time::Instant;

use crate::Failure;

/// How long to go on asking for an answer that stands.
///
/// Asked again is what had no answer, and what was refused with a time to come back (`Retry-After`): trouble
/// below, overload, a packet that opens later. Every other refusal stands.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    end: Instant,
}

/// The pause after a broken connection: a server that is being started again takes its time.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest pause; a promise far in the future would sleep through a bound that is nearer.
const PAUSE_MAX: Duration = Duration::from_secs(2);

impl Patience {
    /// For `limit` from now on.
    #[must_use]
    pub fn of(limit: Duration) -> Self {
        Self { end: Instant::now() + limit }
    }

    /// Asks until the answer stands or the time is over; the last answer, and how often was asked.
    ///
    /// # Errors
    /// The last [`Failure`].
    pub async fn ask<T, F>(self, mut call: impl FnMut() -> F) -> (Result<T, Failure>, u32)
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut asked = 0;
        loop {
            let answer = call().await;
            asked += 1;
            let pause = match &answer {
                Ok(_) => None,
                Err(Failure::Broken(_)) => Some(PAUSE),
                Err(Failure::Refused(refusal)) => refusal.retry_after_ms.map(Duration::from_millis),
            };
            match pause {
                Some(pause) if Instant::now() < self.end => tokio::time::sleep(pause.min(PAUSE_MAX)).await,
                _ => return (answer, asked),
            }
        }
    }
}
