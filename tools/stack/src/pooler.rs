//! A private PgBouncer in front of a PostgreSQL, which hands out server connections by transaction.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::postgres::{Postgres, as_owner, give_to_owner};
use crate::{Process, wait};

const READY_LIMIT: Duration = Duration::from_secs(20);

/// A running PgBouncer. Dropping it kills it.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    _process: Process,
}

impl Pooler {
    /// Where the machine has it, if it does.
    #[must_use]
    pub fn installed() -> Option<PathBuf> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps it with the administrator's programs.
        let folders = std::env::split_paths(&paths).chain(["/usr/sbin".into()]);
        folders.map(|folder| folder.join("pgbouncer")).find(|path| path.is_file())
    }

    /// Starts one with its files in `dir`, its settings as they come but for `settings` (lines of its configuration),
    /// for `login` and its password.
    ///
    /// # Errors
    /// Occurs when it is not installed or does not start.
    pub fn start(dir: &Path, behind: &Postgres, (login, password): (&str, &str), settings: &str) -> Result<Self> {
        let program = Self::installed().context("install your system's package `pgbouncer`")?;
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let (users, configuration) = (dir.join("users.txt"), dir.join("pgbouncer.ini"));
        fs::write(&users, format!("\"{login}\" \"{password}\"\n"))?;
        wait::on_free_port(|port| {
            let text = format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n{settings}\n",
                behind.port(),
                users.display(),
            );
            fs::write(&configuration, text)?;
            give_to_owner(&[&dir, &users, &configuration])?;
            let mut command = as_owner(&program)?;
            let process = Process::spawn("PgBouncer", command.arg(&configuration), &dir.join("pgbouncer.log"))?;
            process.wait_ready(READY_LIMIT, || TcpStream::connect(("127.0.0.1", port)).ok())?;
            Ok(Self { port, _process: process })
        })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
