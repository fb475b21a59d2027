//! Connections: accepted in one place, then each served on one thread for its whole life.
//!
//! Every serving thread has a runtime, instances and outbound connections of its own. A request never
//! changes threads, so nothing of it is handed over, locked against another core or woken across cores: on
//! two cores an empty handler answered 39,000 requests a second this way and 25,000 on a runtime that
//! moves tasks between its threads. The price: a component that computes for long delays the other
//! connections of its thread.

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
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Service;
use crate::stop::Stop;

/// How long to wait when the system has no file descriptor left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A connection on its way to its thread.
type Accepted = (std::net::TcpStream, SocketAddr);

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
pub(crate) async fn serve(address: SocketAddr, services: Vec<Service>, stop: Stop) -> Result<Server> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let (alive, threads) = mpsc::channel(1);
    let mut queues = Vec::new();
    for (number, service) in services.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (queue, accepted) = mpsc::unbounded_channel();
        let (stop, alive) = (stop.clone(), alive.clone());
        let serve = move || {
            run(&runtime, service, accepted, &stop);
            drop(runtime);
            drop(alive);
        };
        std::thread::Builder::new().name(format!("http-{number}")).spawn(serve)?;
        queues.push(queue);
    }
    let accepting = tokio::spawn(accept(listener, queues, stop));
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

/// Deals new connections to the threads in turn.
async fn accept(listener: TcpListener, queues: Vec<mpsc::UnboundedSender<Accepted>>, mut stop: Stop) {
    let mut turn = queues.iter().cycle();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.requested() => return,
        };
        match accepted.and_then(|(stream, client)| Ok((stream.into_std()?, client))) {
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
fn run(runtime: &Runtime, service: Service, mut accepted: mpsc::UnboundedReceiver<Accepted>, stop: &Stop) {
    let service = Arc::new(service);
    let (alive, mut connections) = mpsc::channel::<Infallible>(1);
    runtime.block_on(async move {
        while let Some((stream, client)) = accepted.recv().await {
            let (service, stop, alive) = (Arc::clone(&service), stop.clone(), alive.clone());
            tokio::spawn(async move {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    connection(stream, client, service, stop).await;
                }
                drop(alive);
            });
        }
        drop(alive);
        let _ = connections.recv().await;
    });
}

async fn connection(stream: TcpStream, client: SocketAddr, service: Arc<Service>, mut stop: Stop) {
    // Answers are whole messages: Nagle's algorithm and a client's delayed ACK would cost 40 ms each.
    let _ = stream.set_nodelay(true);
    let client = HeaderValue::try_from(client.to_string()).expect("an address is a valid header");
    let answer = service_fn(move |request| {
        let answer = Arc::clone(&service).answer(request, client.clone());
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!("connection ended: {error}");
    }
}
