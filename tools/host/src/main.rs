//! The command line of the host, modelled on `spin up`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use hongbao_host::{Connections, Host, Instances, Options};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The request path makes dozens of small allocations: this one makes them faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often a file that decides the components' clock is looked at.
const FOLLOW_EVERY: Duration = Duration::from_millis(50);

/// Runs a spin.toml where Spin is not installed.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the application until Ctrl-C or SIGTERM.
    Up(Up),
}

#[derive(Args)]
struct Up {
    /// The manifest.
    #[arg(short, long, default_value = "spin.toml")]
    from: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// A variable's value, as name=value; otherwise SPIN_VARIABLE_<NAME>, otherwise its default.
    #[arg(long = "variable", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// Where the SQLite database lives [default: .spin beside the manifest].
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Where compiled components are kept [default: .spin/compiled beside the manifest].
    #[arg(long)]
    cache_dir: Option<PathBuf>,
    /// Run only this component's triggers; may be given several times.
    #[arg(short, long = "component")]
    components: Vec<String>,
    /// How many threads serve HTTP [default: one a core].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// How many requests an instance answers in its life.
    #[arg(long, default_value_t = Instances::MAX_REUSE_COUNT)]
    max_instance_reuse_count: usize,
    /// How many requests an instance answers at once.
    #[arg(long, default_value_t = Instances::MAX_CONCURRENT_REUSE_COUNT)]
    max_instance_concurrent_reuse_count: usize,
    /// How many instances there may be at once; more requests get 503.
    #[arg(long, default_value_t = Instances::MAX_COUNT)]
    max_instances: u32,
    /// How long an idle instance is kept, such as 500ms or 2s.
    #[arg(long, value_parser = duration, default_value = "1s")]
    idle_instance_timeout: Duration,
    /// How long a request may take, such as 30s [default: no limit].
    #[arg(long, value_parser = duration)]
    request_timeout: Option<Duration>,
    /// How many connections there may be at once; more clients wait.
    #[arg(long, default_value_t = Connections::MAX_COUNT, value_parser = at_least_one)]
    max_connections: usize,
    /// How long a client may take to send a request's head.
    #[arg(long, value_parser = duration, default_value = "10s")]
    header_timeout: Duration,
    /// How long a client may take to send a request's body.
    #[arg(long, value_parser = duration, default_value = "10s")]
    body_timeout: Duration,
    /// How long a connection without a request is kept.
    #[arg(long, value_parser = duration, default_value = "60s")]
    idle_timeout: Duration,
    /// How long a client may read nothing of an answer that is ready.
    #[arg(long, value_parser = duration, default_value = "10s")]
    write_timeout: Duration,
    /// How long a shutdown waits for requests in flight.
    #[arg(long, value_parser = duration, default_value = "10s")]
    shutdown_grace: Duration,
    /// For drills: a file with the milliseconds by which the components' clock is ahead, looked at all the time.
    #[arg(long, hide = true)]
    clock_offset_file: Option<PathBuf>,
}

impl Up {
    fn options(self) -> Options {
        let mut options = Options::new(self.from);
        options.listen = self.listen;
        options.variables = self.variables.into_iter().collect();
        options.environment_variables = environment_variables();
        options.threads = self.threads.map_or(options.threads, usize::from);
        options.components = self.components;
        options.shutdown_grace = self.shutdown_grace;
        options.instances = Instances {
            max_reuse_count: self.max_instance_reuse_count,
            max_concurrent_reuse_count: self.max_instance_concurrent_reuse_count,
            idle_timeout: self.idle_instance_timeout,
            request_timeout: self.request_timeout,
            max_count: self.max_instances,
        };
        options.connections = Connections {
            max_count: self.max_connections,
            header_timeout: self.header_timeout,
            body_timeout: self.body_timeout,
            idle_timeout: self.idle_timeout,
            write_timeout: self.write_timeout,
        };
        options.clock_offset_ms = self.clock_offset_file.map(follow);
        options.state_dir = self.state_dir.unwrap_or(options.state_dir);
        options.cache_dir = self.cache_dir.unwrap_or(options.cache_dir);
        options
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let Command::Up(up) = Cli::parse().command;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    raise_file_limit();
    // Before the start, so that a signal during it is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Host::start(up.options()).await?;
    // Tools wait for this line and read the address from it.
    println!("Serving http://{}", running.addr());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // Whoever asked for the end got it, even if some request did not get its answer.
    if let Err(error) = running.shutdown().await {
        tracing::warn!("{error:#}");
    }
    Ok(())
}

/// Asks for as many open files as this process may have: shells hand down 1,024, and connections are files.
fn raise_file_limit() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let all = rustix::process::Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, all) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
}

/// The number in a file, as it changes; 0 while there is none.
fn follow(file: PathBuf) -> Arc<AtomicI64> {
    let read = move || std::fs::read_to_string(&file).ok()?.trim().parse::<i64>().ok();
    let number = Arc::new(AtomicI64::new(read().unwrap_or_default()));
    let followed = Arc::clone(&number);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(FOLLOW_EVERY);
        loop {
            ticks.tick().await;
            followed.store(read().unwrap_or_default(), Ordering::Relaxed);
        }
    });
    number
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be a whole number above 0".to_owned())
}

/// Reads `500ms`, `2s`, `1m`, or a plain number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().map_err(|_| "expected a number, such as 500ms or 2s")?;
    match &text[end..] {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        unit => Err(format!("unknown unit {unit:?}")),
    }
}

fn environment_variables() -> std::collections::BTreeMap<String, String> {
    let named = |(key, value): (String, String)| {
        let name = key.strip_prefix(Options::VARIABLE_PREFIX)?.to_lowercase();
        Some((name, value))
    };
    // An entry that is not UTF-8 cannot be meant for the manifest.
    let readable =
        std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    readable.filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, expected_ms) in [("500ms", 500), ("2s", 2_000), ("3", 3_000), ("1m", 60_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected_ms)), "{text}");
        }
        for text in ["", "s", "1h", "-1s", "1.5s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
