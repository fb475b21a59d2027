//! One child process: in a group of its own, its output in a file, gone with its owner.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, test_kill_process_group, waitid,
};

use crate::{guardian, wait};

/// A running server. Dropping it kills it and everything it started.
///
/// **Invariant:** the child is reaped only here, after its group was signalled, so no signal can ever reach
/// a stranger that was given the same number.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    group: Pid,
    log: PathBuf,
    log_start: u64,
}

impl Process {
    /// Starts `command`, with its output appended to the file `log`. It gets no standard input and a process
    /// group of its own: Ctrl-C in the terminal reaches the owner only, who decides in which order to stop.
    ///
    /// # Errors
    /// Occurs when the log cannot be written or the program cannot be started.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let output = open_log(log)?;
        let log_start = output.metadata()?.len();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process without a number")?;
        let process = Self { name: name.to_owned(), child, group, log: log.to_owned(), log_start };
        guardian::watch(process.id())?;
        Ok(process)
    }

    /// The process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_running(&self) -> bool {
        // Looks without reaping; an error means there is no such child any more.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(self.group), look), Ok(None))
    }

    /// What it has written since this start.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let start = usize::try_from(self.log_start).unwrap_or(0).min(bytes.len());
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    /// Waits until `probe` answers, at most for `limit`.
    ///
    /// # Errors
    /// Occurs when the process ends or the time is over first; the message ends with the log's last lines.
    pub fn wait_ready<T>(&self, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
        let ready = wait::poll(limit, || match probe() {
            Some(answer) => Ok(Some(answer)),
            None if self.is_running() => Ok(None),
            None => bail!("{} ended right after its start\n{}", self.name, self.log_tail()),
        })?;
        ready.with_context(|| format!("{} was not ready after {limit:?}\n{}", self.name, self.log_tail()))
    }

    /// Asks it to end with `signal` and waits at most `grace`, then kills it and what it left behind.
    ///
    /// # Errors
    /// Occurs when it had to be killed.
    pub fn stop(self, signal: Signal, grace: Duration) -> Result<()> {
        let _ = kill_process(self.group, signal);
        self.resume(); // A paused process could not answer.
        match wait::poll(grace, || Ok((!self.is_running()).then_some(())))? {
            Some(()) => Ok(()),
            None => bail!("{} did not stop within {grace:?} and was killed", self.name),
        }
    }

    /// Kills it at once (SIGKILL), with everything it started.
    pub fn kill(self) {
        drop(self);
    }

    /// Freezes it and everything it started (SIGSTOP): its connections stay open and nobody answers.
    pub fn pause(&self) {
        let _ = kill_process_group(self.group, Signal::STOP);
        // After that it starts no more children, and the list is complete.
        for child in descendants(self.group) {
            let _ = kill_process(child, Signal::STOP);
        }
    }

    /// Takes back [`pause`](Self::pause).
    pub fn resume(&self) {
        for child in descendants(self.group) {
            let _ = kill_process(child, Signal::CONT);
        }
        let _ = kill_process_group(self.group, Signal::CONT);
    }

    fn log_tail(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let tail = lines[lines.len().saturating_sub(15)..].join("\n  ");
        format!("its log, {}, ends with:\n  {tail}", self.log.display())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors here mean that somebody is gone already, and there is nobody to tell. Frozen parents reap no
        // children, so no number can go to a stranger in between.
        self.pause();
        for child in descendants(self.group) {
            let _ = kill_process(child, Signal::KILL);
        }
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = guardian::forget(self.id());
        let _ = self.child.wait();
        // Members other than the child are reaped by init; until then they may hold ports and files.
        let _ = wait::poll(Duration::from_secs(2), || Ok(test_kill_process_group(self.group).is_err().then_some(())));
    }
}

/// Everything `parent` started and what that started, also outside its group: PostgreSQL puts every session
/// into a group of its own.
fn descendants(parent: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let numbers: Vec<i32> =
        lists.flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect();
    let children = numbers.into_iter().filter_map(Pid::from_raw);
    children.flat_map(|child| std::iter::once(child).chain(descendants(child))).collect()
}

fn open_log(log: &Path) -> Result<File> {
    if let Some(dir) = log.parent() {
        fs::create_dir_all(dir).with_context(|| format!("cannot create the folder {}", dir.display()))?;
    }
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.with_context(|| format!("cannot write the log {}", log.display()))
}
