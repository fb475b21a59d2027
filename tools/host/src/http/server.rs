//! Connections: accepted in one place, then each served on one thread for its whole life.
//!
//! Every serving thread has a runtime, instances and outbound connections of its own. A request never
//! changes threads, so nothing of it is handed over, locked against another core or woken across cores: on
//! two cores an empty handler answered 39,000 requests a second this way and 25,000 on a runtime that
//! moves tasks between its threads. The price: a component that computes for long delays the other
//! connections of its thread.
//!
//! **Invariant:** there are at most so many connections, and none waits for its client for ever (`pace.rs`). Beyond the
//! bound clients queue in the kernel, which turns them away in the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::Service;
use super::pace::{Answered, Clock, Paced};
use crate::options::Connections;
use crate::stop::Stop;

/// How long to wait when the system has no file descriptor left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The most of a request's head, or of its body ahead of its reader, that a connection holds in memory.
const BUFFER_MAX_BYTES: usize = 64 * 1024;

/// A connection on its way to its thread.
struct Accepted {
    stream: std::net::TcpStream,
    client: SocketAddr,
    /// Its place among the connections that there may be.
    place: OwnedSemaphorePermit,
}

/// A server that accepts connections until it is told to stop.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
    /// Nothing is sent on it: it closes when the last serving thread has ended.
    threads: mpsc::Receiver<Infallible>,
}

/// Listens on `address` until `stop` is requested, with one thread for each of `services`.
///
/// # Errors
///
/// Occurs when the address cannot be bound or a thread cannot be started.
pub(crate) async fn serve(
    address: SocketAddr,
    services: Vec<Service>,
    limits: Connections,
    stop: Stop,
) -> Result<Server> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let (alive, threads) = mpsc::channel(1);
    let places = Arc::new(Semaphore::new(limits.max_count));
    let mut queues = Vec::new();
    for (number, service) in services.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (queue, accepted) = mpsc::unbounded_channel();
        let (stop, alive, places) = (stop.clone(), alive.clone(), Arc::clone(&places));
        let serve = move || {
            run(&runtime, service, accepted, (limits, places), &stop);
            drop(runtime);
            drop(alive);
        };
        std::thread::Builder::new().name(format!("http-{number}")).spawn(serve)?;
        queues.push(queue);
    }
    let accepting = tokio::spawn(accept(listener, queues, places, stop));
    Ok(Server { address, accepting, threads })
}

impl Server {
    /// Waits until the last connection is closed, after a stop.
    pub(crate) async fn finished(mut self) {
        // The listener closes first, so that nobody connects to a server that is going away.
        let _ = self.accepting.await;
        let _ = self.threads.recv().await;
    }
}

/// Deals new connections to the threads in turn, each when there is a place for it.
async fn accept(
    listener: TcpListener,
    queues: Vec<mpsc::UnboundedSender<Accepted>>,
    places: Arc<Semaphore>,
    mut stop: Stop,
) {
    let mut turn = queues.iter().cycle();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(std::io::Error::other)?;
            let (stream, client) = listener.accept().await?;
            Ok::<_, std::io::Error>(Accepted { stream: stream.into_std()?, client, place })
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            () = stop.requested() => return,
        };
        match accepted {
            Ok(accepted) => {
                let queue = turn.next().expect("there is at least one thread");
                let _ = queue.send(accepted);
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves the connections of one thread until no more can come and the last is closed.
fn run(
    runtime: &Runtime,
    service: Service,
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
    (limits, places): (Connections, Arc<Semaphore>),
    stop: &Stop,
) {
    let service = Arc::new(service);
    let clock = Clock::new(limits);
    let (alive, mut connections) = mpsc::channel::<Infallible>(1);
    runtime.block_on(async move {
        tokio::spawn(Arc::clone(&clock).run(places));
        while let Some(Accepted { stream, client, place }) = accepted.recv().await {
            let (service, stop, alive) = (Arc::clone(&service), stop.clone(), alive.clone());
            let clock = Arc::clone(&clock);
            tokio::spawn(async move {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    connection(stream, client, service, &clock, stop).await;
                }
                drop((place, alive));
            });
        }
        drop(alive);
        let _ = connections.recv().await;
    });
}

async fn connection(stream: TcpStream, client: SocketAddr, service: Arc<Service>, clock: &Arc<Clock>, mut stop: Stop) {
    // Answers are whole messages: Nagle's algorithm and a client's delayed ACK would cost 40 ms each.
    let _ = stream.set_nodelay(true);
    let client = HeaderValue::try_from(client.to_string()).expect("an address is a valid header");
    let pace = clock.watch();
    let io = TokioIo::new(Paced { stream, pace: Arc::clone(&pace) });
    let asked = Arc::clone(&pace);
    let answer = service_fn(move |request| {
        let pace = Arc::clone(&asked);
        pace.asked();
        let answer = Arc::clone(&service).answer(request, client.clone());
        async { Ok::<_, Infallible>(answer.await.map(|body| Answered { body, pace })) }
    });
    let mut http = http1::Builder::new();
    // Whoever has said all and closed their side waits for the answer.
    http.max_buf_size(BUFFER_MAX_BYTES).half_close(true);
    let mut connection = std::pin::pin!(http.serve_connection(io, answer));
    let late = pace.late();
    let mut late = std::pin::pin!(late);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = late.as_mut() => return tracing::debug!("connection ended: its client took too long"),
        () = stop.requested() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection => served,
                () = late => return,
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!("connection ended: {error}");
    }
}
