//! Load: prepared requests over kept-alive connections, on one thread, as light as can be, because the servers
//! that are measured share the machine with it.
//!
//! - [`closed`]: every connection asks again as soon as it is answered. For the highest rate.
//! - [`open`]: requests come when they are due, whether or not earlier ones are answered, and an answer's latency
//!   counts from when its request was due. For latencies: a server that stalls is charged for everybody who would
//!   have come meanwhile (no coordinated omission).
//!
//! Deliberately absent: any retry, and any check of an answer beyond what its [`Job`] does with it.

mod closed;
mod connection;
mod open;
mod pace;
mod sample;

use std::net::SocketAddr;

use anyhow::{Context, Result};

pub(crate) use closed::{closed, closed_on};
pub(crate) use connection::Connection;
pub(crate) use open::{Arrivals, open};
pub(crate) use sample::{Latency, Sample, Slice, histogram};

/// What is asked. All on one thread, so that implementations keep their state in cells.
pub(crate) trait Job {
    /// Writes the next request into `out` and answers its number; `None` when there is nothing left to ask.
    fn next(&self, out: &mut Vec<u8>) -> Option<u32>;

    /// Takes the answer to the request `number`; whether it is the one that was hoped for.
    fn answered(&self, number: u32, status: u16, body: &[u8]) -> bool;
}

/// The address in `http://ADDRESS:PORT`.
pub(crate) fn address(base_url: &str) -> Result<SocketAddr> {
    let address = base_url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.with_context(|| format!("{base_url} is no http://ADDRESS:PORT"))
}
