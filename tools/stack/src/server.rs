//! The application, served by the project's own host or by Spin.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::Process;
use crate::supervisor::Supervisor;

/// Eight components are compiled first, perhaps on a busy machine with two cores.
const READY_LIMIT: Duration = Duration::from_secs(180);
const STOP_GRACE: Duration = Duration::from_secs(20);
const VARIABLE_PREFIX: &str = "SPIN_VARIABLE_";
/// Spin drops an instance after 128 requests or a second without one, and with it the memory that answers "sold out"
/// without a call to Redis. The project's own host keeps its instances as long.
const SPIN_INSTANCES: [&str; 4] = ["--max-instance-reuse-count", "10000", "--idle-instance-timeout", "60s"];

/// What runs the components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// The project's own host: the path of `hongbao-host`.
    Host(PathBuf),
    /// Spin 4.1 or newer: the path of `spin`.
    Spin(PathBuf),
}

impl Runtime {
    /// The host that `cargo xtask build` made, or the one that the environment's `HONGBAO_HOST_BIN` names.
    ///
    /// # Errors
    /// Occurs when it is not built.
    pub fn built_host() -> Result<Self> {
        if let Some(path) = env::var_os("HONGBAO_HOST_BIN") {
            return Ok(Self::Host(path.into()));
        }
        // Commands are in target/release, tests in target/release/deps.
        let program = env::current_exe()?;
        let found = program.ancestors().skip(1).take(2).map(|dir| dir.join("hongbao-host")).find(|path| path.exists());
        found.map(Self::Host).context("hongbao-host is not built: run `cargo xtask build`")
    }
}

/// How a [`Server`] is started.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// What runs it.
    pub runtime: Runtime,
    /// The folder with `spin.toml`.
    pub project: PathBuf,
    /// The address to serve on; port 0 is any free one.
    pub listen: String,
    /// Where the runtime keeps its SQLite database.
    pub state_dir: PathBuf,
    /// Where the output goes.
    pub log_dir: PathBuf,
    /// Values of the application's variables.
    pub variables: Vec<(String, String)>,
    /// More of its environment, such as the file of authorities that it trusts.
    pub environment: Vec<(String, String)>,
    /// More arguments for the runtime, such as faults for the host to inject.
    pub arguments: Vec<String>,
    /// Whether the settlement runs as a process of its own on the host too; under Spin it always does.
    pub settlement_apart: bool,
    /// Where news of the supervision go, a line each.
    pub report: fn(&str),
}

/// The running (or stopped) application. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    base_url: String,
    http: Option<Process>,
    settlement: Option<Supervisor>,
}

impl Server {
    /// Starts the application and waits until it serves.
    ///
    /// # Errors
    /// Occurs when the runtime is missing, refuses the application, or the address is taken.
    pub fn start(options: ServerOptions) -> Result<Self> {
        let mut server = Self { options, base_url: String::new(), http: None, settlement: None };
        server.run()?;
        // A restart serves where clients already look.
        let address = server.base_url.strip_prefix("http://").context("the runtime named no address")?;
        server.options.listen = address.to_owned();
        Ok(server)
    }

    /// Starts one more process of the same application at an address of its own, with the same servers behind it.
    ///
    /// # Errors
    /// Like [`start`](Self::start).
    pub fn another(&self) -> Result<Self> {
        Self::start(ServerOptions { listen: "127.0.0.1:0".to_owned(), ..self.options.clone() })
    }

    /// `http://ADDRESS:PORT`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether the process that answers requests runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.http.as_ref().is_some_and(Process::is_running)
    }

    /// Ends it in good order: requests being answered are finished.
    ///
    /// # Errors
    /// Occurs when it had to be killed.
    pub fn stop(&mut self) -> Result<()> {
        let stopped = self.http.take().map_or(Ok(()), |http| http.stop(Signal::TERM, STOP_GRACE));
        self.settlement.take().into_iter().for_each(Supervisor::stop);
        stopped
    }

    /// Kills it at once, in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.http = None;
        self.settlement = None;
    }

    /// Freezes it: connections stay open and nobody answers.
    pub fn pause(&self) {
        self.http.iter().for_each(Process::pause);
        self.settlement.iter().for_each(Supervisor::pause);
    }

    /// Freezes the settlement alone, where it is a process of its own: the journal grows, people are served on.
    pub fn pause_settlement(&self) {
        self.settlement.iter().for_each(Supervisor::pause);
    }

    /// Takes back [`pause_settlement`](Self::pause_settlement).
    pub fn resume_settlement(&self) {
        self.settlement.iter().for_each(Supervisor::resume);
    }

    /// The number of the process that answers requests, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.http.as_ref().map(Process::id)
    }

    /// The number of the settlement's process, where it has one and it runs.
    #[must_use]
    pub fn settlement_process_id(&self) -> Option<u32> {
        self.settlement.as_ref().and_then(Supervisor::process_id)
    }

    /// Takes back [`pause`](Self::pause).
    pub fn resume(&self) {
        self.http.iter().for_each(Process::resume);
        self.settlement.iter().for_each(Supervisor::resume);
    }

    /// Starts it again at the same address, after killing it where it still runs.
    ///
    /// # Errors
    /// Like [`start`](Self::start).
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        let options = &self.options;
        fs::create_dir_all(&options.state_dir)
            .with_context(|| format!("cannot create the folder {}", options.state_dir.display()))?;
        let mut command = up(options);
        command.args(["--listen", &options.listen]).args(&options.arguments);
        if let Runtime::Spin(_) = options.runtime {
            command.args(SPIN_INSTANCES);
        }
        let mut settlement = None;
        if options.settlement_apart || matches!(options.runtime, Runtime::Spin(_)) {
            // Spin ends altogether when its connection to Redis does. So the settlement, which holds that
            // connection, is a process of its own, and people are served on without it.
            let manifest = Manifest::read(&options.project)?;
            only(&mut command, &manifest.http);
            if !manifest.redis.is_empty() {
                settlement = Some(supervise_settlement(options.clone(), manifest.redis)?);
            }
        }
        let http = Process::spawn("the application", &mut command, &options.log_dir.join("application.log"))?;
        self.base_url = http.wait_ready(READY_LIMIT, || served_address(&http.output()))?;
        self.http = Some(http);
        self.settlement = settlement;
        Ok(())
    }
}

fn supervise_settlement(options: ServerOptions, components: Vec<String>) -> Result<Supervisor> {
    let report = options.report;
    let start = move || {
        let mut command = up(&options);
        if let Runtime::Host(_) = options.runtime {
            command.args(["--listen", "127.0.0.1:0"]); // It serves nothing, but would take the usual port.
        }
        only(&mut command, &components);
        Process::spawn("the settlement", &mut command, &options.log_dir.join("settlement.log"))
    };
    Supervisor::start(start, report)
}

/// The command line that both runtimes understand, up to what is served.
fn up(options: &ServerOptions) -> Command {
    let mut command = match &options.runtime {
        Runtime::Host(program) => Command::new(program),
        Runtime::Spin(program) => {
            let mut command = Command::new(program);
            command.env("SPIN_LOG_DIR", &options.log_dir); // Else the components' lines go into the project.
            command
        }
    };
    command.arg("up").arg("--from").arg(options.project.join("spin.toml"));
    command.arg("--state-dir").arg(&options.state_dir).current_dir(&options.project);
    // The caller's own variables would make a stack depend on who starts it. And by the environment, not by
    // the command line: everybody on the machine can read command lines, and two of the values are secrets.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(VARIABLE_PREFIX)) {
        command.env_remove(name);
    }
    // Where RUST_BACKTRACE asks for the traces of panics, every error would be given one too, also those that are no
    // more than outcomes inside the engine: a tenth of the time of a request.
    command.env("RUST_LIB_BACKTRACE", "0");
    let named = |name: &str| format!("{VARIABLE_PREFIX}{}", name.to_uppercase());
    command.envs(options.variables.iter().map(|(name, value)| (named(name), value)));
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    command
}

fn only(command: &mut Command, components: &[String]) {
    for component in components {
        command.args(["-c", component]);
    }
}

/// The address in the line `Serving http://ADDRESS:PORT`, once it is complete.
fn served_address(output: &str) -> Option<String> {
    let (_, rest) = output.split_once("Serving http://")?;
    let end = rest.find(|letter: char| letter.is_whitespace() || letter == '/')?;
    Some(format!("http://{}", &rest[..end]))
}

/// Which components of `spin.toml` serve requests, and which listen to Redis.
struct Manifest {
    http: Vec<String>,
    redis: Vec<String>,
}

impl Manifest {
    fn read(project: &Path) -> Result<Self> {
        let path = project.join("spin.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let manifest: toml::Table = text.parse().with_context(|| format!("{} is malformed", path.display()))?;
        let components = |kind: &str| {
            let triggers =
                manifest.get("trigger").and_then(|triggers| triggers.get(kind)).and_then(|list| list.as_array());
            let names = triggers.into_iter().flatten().filter_map(|trigger| trigger.get("component")?.as_str());
            let mut names: Vec<String> = names.map(str::to_owned).collect();
            names.sort();
            names.dedup(); // A component may serve several routes.
            names
        };
        let manifest = Self { http: components("http"), redis: components("redis") };
        if manifest.http.is_empty() {
            bail!("{} names no component for `trigger.http`", path.display());
        }
        Ok(manifest)
    }
}
