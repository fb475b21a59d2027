//! The closed loop: a fixed number of connections, each asking again as soon as it is answered.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Connection, Job, Sample};

/// Asks over `connections` for `limit`, or until the job has nothing left.
pub(crate) async fn closed(
    address: SocketAddr,
    connections: usize,
    limit: Duration,
    job: Rc<dyn Job>,
) -> Result<Sample> {
    closed_on(&[address], connections, limit, job).await
}

/// As [`closed`], with the connections spread evenly over several processes.
pub(crate) async fn closed_on(
    addresses: &[SocketAddr],
    connections: usize,
    limit: Duration,
    job: Rc<dyn Job>,
) -> Result<Sample> {
    let of_each = addresses.iter().copied().cycle().take(connections);
    let open = of_each.map(async |address| anyhow::Ok((address, Connection::open(address).await?)));
    let open = futures::future::try_join_all(open).await?;
    let sample = Rc::new(RefCell::new(Sample::default()));
    let started = Instant::now();
    // When the last request was answered: stragglers after the job's end do not stretch the time.
    let ended = Rc::new(Cell::new(started));
    let loops = open.into_iter().map(|(address, mut connection)| {
        let (job, sample, ended) = (Rc::clone(&job), Rc::clone(&sample), Rc::clone(&ended));
        tokio::task::spawn_local(async move {
            let mut asked = Instant::now();
            while asked.duration_since(started) < limit {
                connection.out.clear();
                let Some(number) = job.next(&mut connection.out) else { break };
                let answer = connection.ask().await;
                let now = Instant::now();
                let (is_good, status) = match &answer {
                    Ok(answer) => (job.answered(number, answer.status, answer.body), answer.status),
                    Err(_) => (false, 0),
                };
                sample.borrow_mut().count(is_good, status, now - asked);
                (asked, _) = (now, ended.set(now));
                if answer.is_err() {
                    connection = Connection::open(address).await?;
                }
            }
            anyhow::Ok(())
        })
    });
    let loops: Vec<_> = loops.collect();
    for done in loops {
        done.await??;
    }
    let mut sample = sample.take();
    sample.lasted = ended.get() - started;
    Ok(sample)
}
