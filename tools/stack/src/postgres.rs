//! A private PostgreSQL on a free port, from the machine's own binaries, with its data in a folder.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Signal, geteuid};

use crate::keys::random_hex;
use crate::{Process, wait};

const READY_LIMIT: Duration = Duration::from_secs(60); // A recovery after a kill takes its time.
const STOP_GRACE: Duration = Duration::from_secs(30);
/// Role and database.
const NAME: &str = "hongbao";

/// A running (or stopped) PostgreSQL of our own. Dropping it kills it; its data stays.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    dir: PathBuf,
    port: u16,
    password: String,
    process: Option<Process>,
}

impl Postgres {
    /// What the machine's PostgreSQL says its version is, if there is one.
    #[must_use]
    pub fn installed() -> Option<String> {
        let programs = Programs::find().ok()?;
        output(Command::new(programs.dir.join("postgres")).arg("--version")).ok()
    }

    /// Starts a server whose data, socket and log are in `dir`, makes its database at the first start, and
    /// waits until it answers. `fsync` is on: what was committed is kept.
    ///
    /// # Errors
    /// Occurs when PostgreSQL is not installed or does not start.
    pub fn start(dir: &Path) -> Result<Self> {
        let programs = Programs::find()?;
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let password = initialise(&programs, &dir)?;
        let postgres = wait::on_free_port(|port| Self::on_port(&programs, &dir, port, &password))?;
        postgres.with_database()
    }

    /// `postgres://hongbao:PASSWORD@127.0.0.1:PORT/hongbao`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{NAME}:{}@127.0.0.1:{}/{NAME}", self.password, self.port)
    }

    /// As [`url`](Self::url), for the application: a login that has nothing but the rights of the role `role`.
    /// `migration` makes that role and whatever else is missing in the schema.
    ///
    /// # Errors
    /// Occurs when the schema does not fit the data.
    pub fn app_url(&self, migration: &str, role: &str) -> Result<String> {
        self.psql(NAME, migration)?;
        let (login, password) = (format!("{NAME}_login"), &self.password);
        if self.psql(NAME, &format!("select 1 from pg_roles where rolname = '{login}'"))?.is_empty() {
            self.psql(NAME, &format!("create role {login} login password '{password}' in role {role}"))?;
        }
        Ok(format!("postgres://{login}:{password}@127.0.0.1:{}/{NAME}", self.port))
    }

    /// `postgres://127.0.0.1:PORT`: the server without secrets.
    #[must_use]
    pub fn host(&self) -> String {
        format!("postgres://127.0.0.1:{}", self.port)
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

    /// Ends it in good order; open transactions are rolled back.
    ///
    /// # Errors
    /// Occurs when it had to be killed.
    pub fn stop(&mut self) -> Result<()> {
        // SIGINT is its "fast shutdown": SIGTERM would wait for every client to go first.
        self.process.take().map_or(Ok(()), |process| process.stop(Signal::INT, STOP_GRACE))
    }

    /// Kills it at once, with every session.
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
    /// Occurs when the port was taken meanwhile or the data cannot be recovered.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        // Spin's pools hold up to 64 connections a component.
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=..", "fsync=on", "max_connections=700"] {
            command.args(["-c", setting]);
        }
        let process = Process::spawn("PostgreSQL", &mut command, &self.dir.join("postgres.log"))?;
        process.wait_ready(READY_LIMIT, || self.is_ready(process.id()).then_some(()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Whether the server accepts connections.
    fn is_ready(&self, id: u32) -> bool {
        // The first line of this file is the server's process number (the file of a killed one stays), the
        // eighth its state.
        let state = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = state.lines().map(str::trim);
        // A standby that accepts connections says `standby`.
        lines.next() == Some(&id.to_string()) && matches!(lines.nth(6), Some("ready" | "standby"))
    }

    /// Starts a second server that follows this one and can be promoted, with its files in `dir`.
    ///
    /// # Errors
    /// Occurs when this one does not run, or the copy does not start.
    pub fn standby(&self, dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        give_to_owner(&[&dir])?;
        let mut copy = self.programs.command("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", NAME, "-R", "-c", "fast", "-D"]);
        output(copy.arg(dir.join("data")).env("PGPASSWORD", &self.password))?;
        wait::on_free_port(|port| Self::on_port(&self.programs, &dir, port, &self.password))
    }

    /// The answer of one statement of the owner's.
    ///
    /// # Errors
    /// Occurs when the server refuses it or does not answer.
    pub fn ask(&self, statement: &str) -> Result<String> {
        self.psql(NAME, statement)
    }

    fn on_port(programs: &Programs, dir: &Path, port: u16, password: &str) -> Result<Self> {
        let (programs, dir, password) = (programs.clone(), dir.to_owned(), password.to_owned());
        let mut postgres = Self { programs, dir, port, password, process: None };
        postgres.run()?;
        Ok(postgres)
    }

    fn with_database(self) -> Result<Self> {
        if self.psql("postgres", &format!("select 1 from pg_database where datname = '{NAME}'"))?.is_empty() {
            self.psql("postgres", &format!("create database {NAME}"))?;
        }
        Ok(self)
    }

    /// The answer of one statement, through PostgreSQL's own client.
    fn psql(&self, database: &str, statement: &str) -> Result<String> {
        let mut command = self.programs.command("psql");
        command.args(["-X", "-A", "-t", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.args(["-U", NAME, "-d", database, "-c", statement]).env("PGPASSWORD", &self.password);
        output(&mut command)
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

/// `program` as the user that PostgreSQL's own programs run as.
pub(crate) fn as_owner(program: &Path) -> Result<Command> {
    let owner = if geteuid().is_root() { Some(Owner::find()?) } else { None };
    Ok(Programs { dir: PathBuf::new(), owner }.command(program))
}

/// Makes these files and folders that user's.
pub(crate) fn give_to_owner(paths: &[&Path]) -> Result<()> {
    if geteuid().is_root() {
        let owner = Owner::find()?;
        for path in paths {
            chown(path, Some(owner.user), Some(owner.group))?;
        }
    }
    Ok(())
}

/// Makes the cluster unless it is there, and returns its password.
fn initialise(programs: &Programs, dir: &Path) -> Result<String> {
    let (data, secret) = (dir.join("data"), dir.join("password"));
    if !data.join("PG_VERSION").exists() || !secret.exists() {
        // An interrupted attempt leaves a folder that initdb refuses.
        if data.exists() {
            bail!("{} is not a whole PostgreSQL cluster; delete that folder to start anew", data.display());
        }
        let fresh = dir.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        fs::create_dir(&fresh)?;
        let _ = fs::remove_file(&secret);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret)?;
        std::io::Write::write_all(&mut file, random_hex()?.as_bytes())?;
        if let Some(owner) = &programs.owner {
            for path in [dir, &fresh, &secret] {
                chown(path, Some(owner.user), Some(owner.group))?;
            }
        }
        let mut command = programs.command("initdb");
        command.args(["-U", NAME, "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "--no-sync"]);
        output(command.arg("--pwfile").arg(&secret).arg("-D").arg(&fresh))?;
        fs::rename(&fresh, &data)?;
    }
    Ok(fs::read_to_string(&secret)?)
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// PostgreSQL's programs, and as whom they run.
#[derive(Debug, Clone)]
struct Programs {
    dir: PathBuf,
    owner: Option<Owner>,
}

/// Whom the server runs as where we are root, which it refuses to be.
#[derive(Debug, Clone)]
struct Owner {
    user: u32,
    group: u32,
}

impl Programs {
    fn find() -> Result<Self> {
        // Debian keeps the server's programs out of the PATH, a folder for each version.
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
        let newest =
            versions.map(|entry| entry.path()).filter(|path| path.join("bin/postgres").exists()).max_by_key(number);
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let dir = newest
            .map(|version| version.join("bin"))
            .or_else(|| std::env::split_paths(&paths).find(|dir| dir.join("postgres").exists()))
            .context("PostgreSQL is not installed: install your system's package `postgresql`")?;
        let owner = if geteuid().is_root() { Some(Owner::find()?) } else { None };
        Ok(Self { dir, owner })
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let program = self.dir.join(program);
        let Some(owner) = &self.owner else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={}", owner.user), format!("--regid={}", owner.group)]);
        // The capability lets it pass through folders of root's on the way to its own.
        command.args(["--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]);
        command.arg(program);
        command
    }
}

impl Owner {
    /// The system's `postgres`, else `nobody`.
    fn find() -> Result<Self> {
        let users = fs::read_to_string("/etc/passwd").context("cannot read the list of users")?;
        let find = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut fields = line.split(':').skip(2).map(str::parse);
            Some(Self { user: fields.next()?.ok()?, group: fields.next()?.ok()? })
        };
        find("postgres").or_else(|| find("nobody")).context("PostgreSQL refuses to run as root: use another user")
    }
}
