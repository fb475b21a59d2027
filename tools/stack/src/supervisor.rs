//! Keeps one process running: starts it again, with growing pauses, whenever it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;

use crate::Process;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who ran this long was well: the next end counts as the first.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);
const STOP_GRACE: Duration = Duration::from_secs(10);

enum Order {
    Stop,
    Kill,
    Pause,
    Resume,
}

/// A supervised process. Dropping it kills the process and ends the supervision.
#[derive(Debug)]
pub(crate) struct Supervisor {
    orders: Sender<Order>,
    /// The number of the process that runs now; 0 while none does.
    id: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Calls `start` now and after every end.
    pub(crate) fn start(start: impl Fn() -> Result<Process> + Send + 'static, report: fn(&str)) -> Result<Self> {
        let (orders, inbox) = channel();
        let id = Arc::new(AtomicU32::new(0));
        let running = Arc::clone(&id);
        let work = move || supervise(&start, report, &inbox, &running);
        let thread = thread::Builder::new().name("supervisor".to_owned()).spawn(work)?;
        Ok(Self { orders, id, thread: Some(thread) })
    }

    /// The number of the process, while it runs.
    pub(crate) fn process_id(&self) -> Option<u32> {
        Some(self.id.load(Ordering::Relaxed)).filter(|id| *id != 0)
    }

    pub(crate) fn stop(mut self) {
        self.end(Order::Stop);
    }

    pub(crate) fn pause(&self) {
        let _ = self.orders.send(Order::Pause);
    }

    pub(crate) fn resume(&self) {
        let _ = self.orders.send(Order::Resume);
    }

    fn end(&mut self, order: Order) {
        // The thread is gone only when it panicked, and then its process is dropped and killed.
        let _ = self.orders.send(order);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end(Order::Kill);
    }
}

fn supervise(start: &dyn Fn() -> Result<Process>, report: fn(&str), inbox: &Receiver<Order>, id: &AtomicU32) {
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        match start() {
            Ok(process) => {
                id.store(process.id(), Ordering::Relaxed);
                let order = attend(&process, inbox);
                id.store(0, Ordering::Relaxed);
                if let Some(order) = order {
                    if let Order::Stop = order {
                        process.stop(Signal::TERM, STOP_GRACE).unwrap_or_else(|error| report(&format!("{error:#}")));
                    }
                    return;
                }
                report("the settlement's process ended; it is started again");
            }
            Err(error) => report(&format!("{error:#}")),
        }
        if started.elapsed() > HEALTHY_AFTER {
            pause = FIRST_PAUSE;
        }
        let until = Instant::now() + pause;
        loop {
            match inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Order::Pause | Order::Resume) => {} // Nothing runs that could be paused.
                Err(RecvTimeoutError::Timeout) => break,
                Ok(Order::Stop | Order::Kill) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Follows orders while the process runs; returns the one that ends it, `None` when it ended by itself.
fn attend(process: &Process, inbox: &Receiver<Order>) -> Option<Order> {
    loop {
        match inbox.recv_timeout(LOOK_EVERY) {
            Ok(Order::Pause) => process.pause(),
            Ok(Order::Resume) => process.resume(),
            Ok(order) => return Some(order),
            Err(RecvTimeoutError::Disconnected) => return Some(Order::Kill),
            Err(RecvTimeoutError::Timeout) if process.is_running() => {}
            Err(RecvTimeoutError::Timeout) => return None,
        }
    }
}
