//! A private Redis server on a free port, with its data in a folder.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::{Process, wait};

const READY_LIMIT: Duration = Duration::from_secs(60); // Loading a large append-only file takes its time.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// How often Redis asks the disk to keep its append-only file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fsync {
    /// Before every answer: what was shown is kept.
    #[default]
    Always,
    /// Once a second: up to a second of answers can be lost with the machine.
    EverySecond,
    /// Whenever the operating system likes.
    No,
}

impl Fsync {
    /// The word of Redis' configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySecond => "everysec",
            Self::No => "no",
        }
    }
}

/// How a [`Redis`] is configured.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// The port; a free one is chosen when it is not given.
    pub port: Option<u16>,
    /// When the append-only file reaches the disk.
    pub fsync: Fsync,
    /// The password of the user `default`, where there is to be one.
    pub password: Option<String>,
    /// The certificate for TLS on a port of its own, beside the plain one.
    pub tls: Option<Certificate>,
    /// More directives, such as `("maxmemory", "64mb")`.
    pub directives: Vec<(String, String)>,
}

/// A server's certificate and its key, PEM files.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The port to speak TLS on.
    pub port: u16,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A running (or stopped) Redis server of our own. Dropping it kills it; its data stays.
#[derive(Debug)]
pub struct Redis {
    dir: PathBuf,
    port: u16,
    options: RedisOptions,
    process: Option<Process>,
}

impl Redis {
    /// Starts a server whose data and log are in `dir`, and waits until it answers.
    ///
    /// # Errors
    /// Occurs when `redis-server` is missing, a given port is taken, or the data cannot be loaded.
    pub fn start(dir: &Path, options: &RedisOptions) -> Result<Self> {
        let on_port = |port| {
            let mut redis = Self { dir: dir.to_owned(), port, options: options.clone(), process: None };
            redis.run()?;
            Ok(redis)
        };
        options.port.map_or_else(|| wait::on_free_port(on_port), on_port)
    }

    /// `redis://127.0.0.1:PORT`, with the password where there is one, and `rediss` where it speaks TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let password = self.options.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        match &self.options.tls {
            Some(tls) => format!("rediss://{password}127.0.0.1:{}", tls.port),
            None => format!("redis://{password}127.0.0.1:{}", self.port),
        }
    }

    /// The number of its process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// The port, the same for every restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its data is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether it runs, answering or not.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_running)
    }

    /// Ends it in good order: everything it has answered is on the disk.
    ///
    /// # Errors
    /// Occurs when it had to be killed.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |process| process.stop(Signal::TERM, STOP_GRACE))
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Freezes it: connections stay open and nobody answers.
    pub fn pause(&self) {
        self.process.iter().for_each(Process::pause);
    }

    /// Takes back [`pause`](Self::pause).
    pub fn resume(&self) {
        self.process.iter().for_each(Process::resume);
    }

    /// Starts it again on the same port with the same data, after killing it where it still runs.
    ///
    /// # Errors
    /// Occurs when the port was taken meanwhile or the data cannot be loaded.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.run()
    }

    /// Kills it and deletes its data: the next [`restart`](Self::restart) comes back empty.
    ///
    /// # Errors
    /// Occurs when the data cannot be deleted.
    pub fn forget(&mut self) -> Result<()> {
        self.kill();
        let data = self.dir.join("appendonlydir");
        if data.exists() { fs::remove_dir_all(&data).context("cannot delete Redis' data") } else { Ok(()) }
    }

    fn run(&mut self) -> Result<()> {
        fs::create_dir_all(&self.dir).with_context(|| format!("cannot create {}", self.dir.display()))?;
        let process = Process::spawn("redis-server", &mut self.command(), &self.dir.join("redis.log"))
            .context("Redis is needed: `cargo xtask setup` installs it")?;
        process.wait_ready(READY_LIMIT, || self.answers_as(process.id()).then_some(()))?;
        self.process = Some(process);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("redis-server");
        command.current_dir(&self.dir);
        let port = self.port.to_string();
        let directives = [
            ("port", port.as_str()),
            ("bind", "127.0.0.1"),
            ("dir", "."),
            ("daemonize", "no"),
            ("save", ""),
            ("appendonly", "yes"),
            ("appendfsync", self.options.fsync.as_str()),
            ("maxmemory-policy", "noeviction"),
            // A packet of up to 100 shares stays one compact block.
            ("hash-max-listpack-entries", "512"),
            ("hash-max-listpack-value", "128"),
        ];
        let more = self.options.directives.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in directives.into_iter().chain(more) {
            command.arg(format!("--{name}")).arg(value);
        }
        if let Some(password) = &self.options.password {
            command.arg("--requirepass").arg(password);
        }
        if let Some(tls) = &self.options.tls {
            command.arg("--tls-port").arg(tls.port.to_string()).args(["--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(&tls.certificate).arg("--tls-key-file").arg(&tls.key);
        }
        command
    }

    /// Whether the server on our port is ours (and not whoever else took the port) and has loaded its data.
    fn answers_as(&self, id: u32) -> bool {
        info(self.port, self.options.password.as_deref()).is_ok_and(|info| {
            let has = |fact: &str| info.lines().any(|line| line == fact);
            has(&format!("process_id:{id}")) && has("loading:0")
        })
    }
}

/// The answer of INFO, which Redis gives even while it loads.
fn info(port: u16, password: Option<&str>) -> Result<String> {
    let limit = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), limit)?;
    stream.set_read_timeout(Some(limit))?;
    if let Some(password) = password {
        stream.write_all(format!("AUTH {password}\r\n").as_bytes())?;
    }
    stream.write_all(b"INFO\r\nQUIT\r\n")?; // After QUIT the server closes, which ends the answer.
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
