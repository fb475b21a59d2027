//! The open loop: requests are due when they are due.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Semaphore;

use super::{Connection, Job, Sample, pace};

/// How requests arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrivals {
    /// On average, a second.
    pub(crate) rate: f64,
    /// For how long.
    pub(crate) lasting: Duration,
    /// What decides the gaps.
    pub(crate) seed: u64,
    /// How many can be waiting for an answer.
    pub(crate) connections: usize,
    /// Whether one that finds no free connection waits for it (and its latency grows), or is counted as unsent.
    pub(crate) do_wait: bool,
    /// Slices of time to tell apart, where wanted.
    pub(crate) slice: Option<Duration>,
}

/// Asks as `arrivals` say, until all that were due are answered or the job has nothing left.
pub(crate) async fn open(address: SocketAddr, arrivals: Arrivals, job: Rc<dyn Job>) -> Result<Sample> {
    let connections = (0..arrivals.connections).map(|_| Connection::open(address));
    let connections = futures::future::try_join_all(connections).await?;
    let due = Arc::new(pace::arrivals(arrivals.rate, arrivals.lasting, arrivals.seed));
    let permits = Arc::new(Semaphore::new(0));
    let started = Instant::now();
    let pacer = {
        let (due, permits) = (Arc::clone(&due), Arc::clone(&permits));
        thread::Builder::new().name("pace".to_owned()).spawn(move || pace::let_in(started, &due, &permits))?
    };
    let crowd = Rc::new(Crowd { arrivals, due, permits, started, next: Cell::new(0), sample: RefCell::default(), job });
    let loops = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(Rc::clone(&crowd).serve(address, connection)));
    let loops: Vec<_> = loops.collect();
    for done in loops {
        done.await??;
    }
    let _ = pacer.join();
    let mut sample = crowd.sample.take();
    sample.lasted = started.elapsed();
    Ok(sample)
}

struct Crowd {
    arrivals: Arrivals,
    due: Arc<Vec<Duration>>,
    permits: Arc<Semaphore>,
    started: Instant,
    /// The next arrival that nobody serves yet.
    next: Cell<usize>,
    sample: RefCell<Sample>,
    job: Rc<dyn Job>,
}

impl Crowd {
    async fn serve(self: Rc<Self>, address: SocketAddr, mut connection: Connection) -> Result<()> {
        while let Some(due) = self.arrival().await {
            connection.out.clear();
            let Some(number) = self.job.next(&mut connection.out) else { break };
            let answer = connection.ask().await;
            let (is_good, status) = match &answer {
                Ok(answer) => (self.job.answered(number, answer.status, answer.body), answer.status),
                Err(_) => (false, 0),
            };
            self.count(due, is_good, status);
            if answer.is_err() {
                connection = Connection::open(address).await?;
            }
        }
        self.permits.close(); // Who still waits goes as well.
        Ok(())
    }

    /// Waits for the next arrival that is this connection's to serve; when it was due.
    async fn arrival(&self) -> Option<Duration> {
        loop {
            if self.next.get() >= self.due.len() {
                return None;
            }
            self.permits.acquire().await.ok()?.forget();
            let number = self.next.replace(self.next.get() + 1);
            let due = *self.due.get(number)?;
            // An arrival that nobody could serve at once went home, unless it waits.
            if self.arrivals.do_wait || self.started.elapsed().saturating_sub(due) < PATIENCE {
                return Some(due);
            }
            self.sample.borrow_mut().unsent += 1;
        }
    }

    fn count(&self, due: Duration, is_good: bool, status: u16) {
        let latency = self.started.elapsed().saturating_sub(due);
        let mut sample = self.sample.borrow_mut();
        match self.arrivals.slice {
            Some(slice) => {
                let number = due.as_micros() / slice.as_micros().max(1);
                sample.count_in(usize::try_from(number).unwrap_or(usize::MAX), is_good, status, latency);
            }
            None => sample.count(is_good, status, latency),
        }
    }
}

/// How late somebody may be sent who would not wait for a free connection.
const PATIENCE: Duration = Duration::from_millis(5);
