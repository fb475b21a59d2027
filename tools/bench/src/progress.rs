//! Long work shows that it goes on: a bar in a terminal, a line a step in a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The run's one bar. Its steps are the scenarios.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// For a run of `steps` steps.
    pub(crate) fn new(steps: u64) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(steps) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("  {bar:30.red} {pos}/{len} {elapsed} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, started: Instant::now() }
    }

    /// The next step begins.
    pub(crate) fn step(&self, what: &str) {
        if self.bar.is_hidden() {
            eprintln!("  {:>4.0} s  {what}", self.started.elapsed().as_secs_f64());
        }
        self.bar.set_message(what.to_owned());
        self.bar.inc(1);
    }

    /// What the step is doing.
    pub(crate) fn detail(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// The run is over.
    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
