//! The signal to stop, given once and seen by every task.

use tokio::sync::watch;

/// Gives the signal.
pub(crate) struct Stopper(watch::Sender<bool>);

/// Sees the signal, also one given earlier.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// A new signal, not given yet.
pub(crate) fn signal() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether the signal has been given.
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once the signal has been given. A [`Stopper`] that is gone can never give it.
    pub(crate) async fn requested(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
