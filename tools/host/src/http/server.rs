//! Connections: accepted, served with keep-alive, and closed gracefully.

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
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Service;
use crate::stop::Stop;

/// How long to wait when the system has no file descriptor left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that accepts connections until it is told to stop.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
    /// Never sent on: it closes when the last connection has.
    connections: mpsc::Receiver<Infallible>,
}

/// Listens on `address` until `stop` is requested.
///
/// # Errors
///
/// Occurs when the address cannot be bound.
pub(crate) async fn serve(address: SocketAddr, service: Service, stop: Stop) -> Result<Server> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let (alive, connections) = mpsc::channel(1);
    let accepting = tokio::spawn(accept(listener, Arc::new(service), stop, alive));
    Ok(Server { address, accepting, connections })
}

impl Server {
    /// Waits until the last connection is closed, after a stop.
    pub(crate) async fn finished(mut self) {
        // The listener closes first, so that nobody connects to a server that is going away.
        let _ = self.accepting.await;
        let _ = self.connections.recv().await;
    }
}

async fn accept(
    listener: TcpListener,
    service: Arc<Service>,
    mut stop: Stop,
    alive: mpsc::Sender<Infallible>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.requested() => return,
        };
        match accepted {
            Ok((stream, client)) => {
                let (service, stop, alive) = (Arc::clone(&service), stop.clone(), alive.clone());
                tokio::spawn(async move {
                    connection(stream, client, service, stop).await;
                    drop(alive);
                });
            }
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
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
