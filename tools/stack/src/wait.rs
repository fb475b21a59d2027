//! Waiting for something to become true: short polls, always bounded.

use std::net::TcpListener;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(40);

/// Asks `probe` until it answers, at most for `limit`; `None` when the time is over.
pub(crate) fn poll<T>(limit: Duration, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let end = Instant::now() + limit;
    let mut pause = SHORTEST;
    loop {
        if let Some(answer) = probe()? {
            return Ok(Some(answer));
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

/// How often a port that somebody else took meanwhile is replaced by another.
const PORT_ATTEMPTS: usize = 5;
/// Where ports are looked for: below those that Linux gives to outgoing connections (from 32,768), which would otherwise
/// take a server's port before its start, or while it is down.
const PORTS: Range<u16> = 15_000..32_000;

/// A port of the loopback interface that is free right now. Another process may still take it: [`on_free_port`] tries
/// again with another.
///
/// # Errors
/// Occurs when there is none.
pub fn free_port() -> Result<u16> {
    let first = PORTS.start + (getrandom::u32()? % u32::from(PORTS.end - PORTS.start)) as u16;
    let mut ports = (first..PORTS.end).chain(PORTS.start..first);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).context("no free port on 127.0.0.1")
}

/// Starts a server on a free port, and on another one when that turns out to be in use.
///
/// # Errors
/// Occurs when `start` fails for another reason, or finds its port in use several times.
pub fn on_free_port<T>(mut start: impl FnMut(u16) -> Result<T>) -> Result<T> {
    let mut attempts = PORT_ATTEMPTS;
    loop {
        attempts -= 1;
        match start(free_port()?) {
            Err(error) if attempts > 0 && format!("{error:#}").contains("in use") => {}
            outcome => return outcome,
        }
    }
}
