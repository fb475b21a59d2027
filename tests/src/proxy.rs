//! A TCP proxy whose new connections can be led to another server while the old ones stay open: what a virtual address,
//! a DNS name or a load balancer does at a fail-over.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread;

/// A running proxy. Dropping it ends it for new connections; those that are open live as long as both sides want.
pub struct Proxy {
    port: u16,
    target: Arc<AtomicU16>,
    is_over: Arc<AtomicBool>,
}

impl Proxy {
    /// A proxy on a free port of this machine, which leads to `port`.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let (target, is_over) = (Arc::new(AtomicU16::new(port)), Arc::new(AtomicBool::new(false)));
        let proxy = Self { port: own, target: Arc::clone(&target), is_over: Arc::clone(&is_over) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                // A server that refuses refuses its client.
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target.load(Ordering::Relaxed))) {
                    join(client, server);
                }
            }
        });
        proxy
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads new connections to `port` from now on.
    pub fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port)); // Wakes it up.
    }
}

fn join(client: TcpStream, server: TcpStream) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("an open stream");
    }
    let pairs = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
    for (from, to) in pairs {
        let (Ok(mut from), Ok(mut to)) = (from, to) else { return };
        thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}
