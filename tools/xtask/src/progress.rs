//! Long work shows that it goes on: a line that moves in a terminal, plain lines in a log.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// How much of a failed program's output is shown.
const TAIL_LINES: usize = 20;

/// One piece of work that takes a while.
pub(crate) struct Step {
    label: String,
    started: Instant,
    bar: ProgressBar,
}

impl Step {
    /// Says what begins.
    pub(crate) fn start(label: &str) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if bar.is_hidden() {
            eprintln!("  … {label}");
        } else if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix} ({elapsed}) {wide_msg:.dim}") {
            bar.set_style(style);
            bar.set_prefix(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { label: label.to_owned(), started: Instant::now(), bar }
    }

    /// Says what it is doing right now.
    pub(crate) fn detail(&self, text: &str) {
        self.bar.set_message(text.trim().to_owned());
    }

    /// Says that it is done.
    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
        eprintln!("  ✓ {} ({:.1} s)", self.label, self.started.elapsed().as_secs_f64());
    }

    /// Runs `command` to its end, at most for `limit`, showing the line it writes last, and returns what it
    /// wrote on its standard output.
    ///
    /// # Errors
    /// Occurs when it cannot be started, fails (the message ends with its last lines) or takes too long.
    pub(crate) fn run(&self, command: &mut Command, limit: Duration) -> Result<String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.with_context(|| format!("cannot start `{program}`"))?;
        let (sender, lines) = channel();
        let readers = [
            child.stdout.take().map(|pipe| read_lines(pipe, true, sender.clone())),
            child.stderr.take().map(|pipe| read_lines(pipe, false, sender)),
        ];
        let end = Instant::now() + limit;
        let (mut output, mut all) = (String::new(), Vec::new());
        loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((is_output, line)) => {
                    self.detail(&line);
                    if is_output {
                        output.extend([line.as_str(), "\n"]);
                    }
                    all.push(line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    child.wait()?;
                    bail!("`{program}` took longer than {} s and was stopped", limit.as_secs());
                }
            }
        }
        readers.into_iter().flatten().for_each(|reader| drop(reader.join()));
        let status = child.wait()?;
        if !status.success() {
            let tail = all[all.len().saturating_sub(TAIL_LINES)..].join("\n    ");
            bail!("`{program}` failed ({status}):\n    {tail}");
        }
        Ok(output)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}

fn read_lines(
    pipe: impl Read + Send + 'static,
    is_output: bool,
    lines: Sender<(bool, String)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if lines.send((is_output, line)).is_err() {
                break;
            }
        }
    })
}
