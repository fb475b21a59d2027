//! Waiting for something to become true: short polls, always bounded.

use std::net::TcpListener;
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

/// A port of the loopback interface that is free right now. Somebody may still be faster: whoever starts a
/// server on it tries again with another.
///
/// # Errors
/// Occurs when there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
