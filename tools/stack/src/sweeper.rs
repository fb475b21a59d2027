//! The timer that calls the application's sweep.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ureq::Agent;

use crate::{Grant, Keys};

/// A sweep works in bounded steps; one that takes longer than this is stuck.
const SWEEP_LIMIT: Duration = Duration::from_secs(30);

/// Calls the sweep once and returns its answer: everything that can be settled or refunded now, is.
///
/// # Errors
/// Occurs when the application does not answer, or answers with anything but success.
pub fn sweep(base_url: &str, keys: &Keys) -> Result<String> {
    sweep_with(&agent(), base_url, keys)
}

/// Sweeps at every tick until it is dropped.
#[derive(Debug)]
pub struct Sweeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Starts the timer. `report` hears when the sweep begins to fail and when it works again, once each.
    ///
    /// # Errors
    /// Occurs when no thread can be started.
    pub fn start(base_url: String, keys: Keys, every: Duration, report: fn(&str)) -> Result<Self> {
        let (stop, stopped) = channel();
        let work = move || tick(&base_url, &keys, every, report, &stopped);
        let thread = thread::Builder::new().name("sweeper".to_owned()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stop = None; // The timer sees its sender go.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn tick(base_url: &str, keys: &Keys, every: Duration, report: fn(&str), stopped: &Receiver<()>) {
    let agent = agent();
    let mut failing = false;
    let mut next = Instant::now() + every;
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(next.saturating_duration_since(Instant::now())) {
        match sweep_with(&agent, base_url, keys) {
            Err(error) if !failing => {
                report(&format!("the sweep fails, and is tried on: {error:#}"));
                failing = true;
            }
            Ok(_) if failing => {
                report("the sweep works again");
                failing = false;
            }
            _ => {}
        }
        next = Instant::now() + every; // Counted from the end: sweeps never overlap or pile up.
    }
}

fn agent() -> Agent {
    let config = Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(SWEEP_LIMIT));
    config.build().into()
}

fn sweep_with(agent: &Agent, base_url: &str, keys: &Keys) -> Result<String> {
    let token = keys.token(&Grant::operator("sweeper"))?;
    let request = agent.post(format!("{base_url}/internal/sweep")).header("authorization", format!("Bearer {token}"));
    let mut answer = request.content_type("application/json").send("{}").context("no answer from /internal/sweep")?;
    let text = answer.body_mut().read_to_string().context("a broken answer from /internal/sweep")?;
    if !answer.status().is_success() {
        bail!("/internal/sweep answered {}: {text}", answer.status());
    }
    Ok(text)
}
