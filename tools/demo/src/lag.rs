//! How far the settlement is behind, as a person sees it.

use std::time::Duration;

use hongbao_client::Session;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::evening::now_ms;

const PERIOD: Duration = Duration::from_millis(100);

/// Asks one person's `/v1/me` again and again until it is told to stop.
#[derive(Debug)]
pub struct LagMeter {
    samples: JoinHandle<()>,
    lags_ms: std::sync::mpsc::Receiver<i64>,
}

impl LagMeter {
    /// Starts measuring.
    #[must_use]
    pub fn start(person: Session) -> Self {
        let (sender, lags_ms) = std::sync::mpsc::channel();
        let samples = tokio::spawn(async move {
            let mut ticks = interval(PERIOD);
            loop {
                ticks.tick().await;
                let asked_at_ms = now_ms();
                // No answer, no sample: what it hides shows in the audit.
                let Ok(me) = person.me().await else { continue };
                let Some(settled_through_ms) = me.settled_through_ms else { continue };
                let _ = sender.send((asked_at_ms - settled_through_ms).max(0));
            }
        });
        Self { samples, lags_ms }
    }

    /// The lags in milliseconds, smallest first.
    #[must_use]
    pub fn stop(self) -> Vec<i64> {
        self.samples.abort();
        let mut lags_ms: Vec<i64> = self.lags_ms.try_iter().collect();
        lags_ms.sort_unstable();
        lags_ms
    }
}
