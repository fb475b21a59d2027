//! Everything that is measured, running: the application with its Redis and its ledger, and what it is compared with.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_stack::{
    Database, Process, Redis, RedisOptions, Runtime, Server, ServerOptions, Stack, StackOptions, project_root, sweep,
};

use crate::race::NO_LIMIT;
use crate::{cpu, load, native};

/// How long a program that is already built may take to serve.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// The application under test.
pub(crate) struct Site {
    pub(crate) stack: Stack,
    pub(crate) address: SocketAddr,
}

/// What the application is compared with, on the same machine at the same time.
pub(crate) struct Baselines {
    /// A Redis of their own, configured as the application's.
    pub(crate) redis: Redis,
    native: Process,
    pub(crate) native_address: SocketAddr,
    empty: Server,
    pub(crate) empty_address: SocketAddr,
}

/// How the application is run.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) runtime: Runtime,
    pub(crate) database: Database,
    pub(crate) shards: usize,
    /// How many threads serve, where it is not one a core.
    pub(crate) threads: Option<u16>,
    /// How many grabs an instance has in hand at a time, where it is not the usual number.
    pub(crate) in_flight: Option<u32>,
}

impl Setup {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Self { runtime, database: Database::Sqlite, shards: 1, threads: None, in_flight: None }
    }
}

impl Site {
    /// Starts the application in `dir`, its settlement apart so that it can be measured alone. Nobody sweeps but we.
    pub(crate) fn start(dir: &Path, setup: &Setup) -> Result<Self> {
        let mut options = StackOptions::new(dir, setup.runtime.clone())?;
        options.database = setup.database;
        options.shards = setup.shards;
        options.settlement_apart = true;
        options.sweep_every = None;
        options.report = |line| eprintln!("  {line}");
        // A crowd's worth of packets from a few senders.
        let limits =
            [("limit_count", "10000"), ("limit_count_company", "10000"), ("limit_daily_send_count", "100000000")];
        let limits = limits.into_iter().chain([("limit_daily_send_fen", "1000000000000000")]);
        // The doors count and look as ever, but what is measured is how many get through.
        let mut rates = format!("grab={NO_LIMIT},send={NO_LIMIT},send_user={NO_LIMIT},grab_user={NO_LIMIT}");
        if let Some(in_flight) = setup.in_flight {
            rates += &format!(",in_flight={in_flight}");
        }
        let limits = limits.chain([("rate_limits", rates.as_str())]);
        options.variables = limits.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let (Some(threads), Runtime::Host(_)) = (setup.threads, &setup.runtime) {
            options.arguments = vec!["--threads".to_owned(), threads.to_string()];
        }
        let stack = Stack::start(options)?;
        stack.sweep()?; // Leaves the operators' controls on the shards, as a timer would every second.
        let address = load::address(stack.base_url())?;
        Ok(Self { stack, address })
    }

    /// Calls the sweep once.
    pub(crate) async fn sweep(&self) -> Result<()> {
        let (url, keys) = (self.stack.base_url().to_owned(), self.stack.keys().clone());
        tokio::task::spawn_blocking(move || sweep(&url, &keys)).await?.map(drop)
    }

    /// Processor seconds of each part so far.
    pub(crate) fn cpu(&self) -> Cpu {
        let of = |id: Option<u32>| id.map(cpu::seconds).unwrap_or_default();
        Cpu {
            http: of(self.stack.server.process_id()),
            settlement: of(self.stack.server.settlement_process_id()),
            redis: self.stack.redis.iter().map(|redis| of(redis.process_id())).sum(),
            sql: self.stack.postgres.as_ref().map(|postgres| of(postgres.process_id())).unwrap_or_default(),
        }
    }
}

/// Processor seconds, by process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cpu {
    /// The process that answers requests; with SQLite the database is in it too.
    pub(crate) http: f64,
    /// The settlement's process.
    pub(crate) settlement: f64,
    /// All Redis servers.
    pub(crate) redis: f64,
    /// PostgreSQL.
    pub(crate) sql: f64,
}

impl Cpu {
    pub(crate) fn total(self) -> f64 {
        self.http + self.settlement + self.redis + self.sql
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            http: self.http - before.http,
            settlement: self.settlement - before.settlement,
            redis: self.redis - before.redis,
            sql: self.sql - before.sql,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            http: self.http + other.http,
            settlement: self.settlement + other.settlement,
            redis: self.redis + other.redis,
            sql: self.sql + other.sql,
        }
    }

    /// For each of `count` operations.
    pub(crate) fn each(self, count: u64) -> Self {
        let count = count.max(1) as f64;
        Self {
            http: self.http / count,
            settlement: self.settlement / count,
            redis: self.redis / count,
            sql: self.sql / count,
        }
    }
}

impl Baselines {
    /// Starts what `site` is compared with, in `dir`, with the same keys.
    pub(crate) fn start(dir: &Path, site: &Site, runtime: &Runtime) -> Result<Self> {
        let redis = Redis::start(&dir.join("race"), &RedisOptions::default())?;
        let program = env::current_exe().context("this program has no path")?;
        let mut command = Command::new(program);
        command.args(["native", "--redis", &redis.url()]);
        command.env(native::SIGNING_KEY, site.stack.keys().signing_key());
        command.env(native::JWT_KEYS, site.stack.keys().jwt_keys());
        let native = Process::spawn("the plain service", &mut command, &dir.join("native.log"))?;
        let native_address = native.wait_ready(READY_LIMIT, || {
            let output = native.output();
            load::address(output.strip_prefix("Serving ")?.split_once('\n')?.0).ok()
        })?;
        let empty = Server::start(ServerOptions {
            runtime: runtime.clone(),
            project: project_root()?.join("tools/bench/empty"),
            listen: "127.0.0.1:0".to_owned(),
            state_dir: dir.join("empty"),
            log_dir: dir.join("empty"),
            variables: Vec::new(),
            environment: Vec::new(),
            arguments: Vec::new(),
            settlement_apart: false,
            report: |line| eprintln!("  {line}"),
        })?;
        let empty_address = load::address(empty.base_url())?;
        Ok(Self { redis, native, native_address, empty, empty_address })
    }

    /// Processor seconds of the empty handler's host so far.
    pub(crate) fn empty_cpu(&self) -> f64 {
        self.empty.process_id().map(cpu::seconds).unwrap_or_default()
    }

    /// Processor seconds of the plain service so far, and of its Redis.
    pub(crate) fn native_cpu(&self) -> (f64, f64) {
        (cpu::seconds(self.native.id()), self.redis.process_id().map(cpu::seconds).unwrap_or_default())
    }
}
