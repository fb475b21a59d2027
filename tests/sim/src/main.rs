//! `hongbao-sim`: runs seeds, replays one, or checks a history and its books from outside.

use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use hongbao_sim::canary::Seam;
use hongbao_sim::checker::{self, Moment, Tables};
use hongbao_sim::database::prepare;
use hongbao_sim::fault::Disaster;
use hongbao_sim::hunt::{hunt, table};
use hongbao_sim::run::{Options, Outcome, run};
use hongbao_sim::swarm::swarm;

#[derive(Parser)]
#[command(about = "Deterministic simulation of Hongbao, and its independent checker")]
struct Arguments {
    /// How many seeds to run
    #[arg(long, default_value_t = 5_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Runs this seed alone and prints its trace
    #[arg(long)]
    seed: Option<u64>,
    /// Redis never loses what it holds
    #[arg(long)]
    keeping: bool,
    /// How many of the last steps to print with `--seed`
    #[arg(long, default_value_t = 400)]
    lines: usize,
    /// Shows what the application logs, too
    #[arg(long)]
    log: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Puts in every seeded bug and shows what catches it
    Canaries {
        /// How many seeds each may take
        #[arg(long, default_value_t = 2_000)]
        most: u64,
        /// Only the bug with this name
        #[arg(long)]
        only: Option<String>,
    },
    /// Checks a history against the books it should have led to
    Check {
        /// The history: JSON, a line a call or a fault
        #[arg(long)]
        history: PathBuf,
        /// The ledger, a SQLite file
        #[arg(long)]
        sqlite: PathBuf,
        /// The system is still at work: what is on its way is not missing
        #[arg(long)]
        running: bool,
    },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if !arguments.log {
        // The application's own log lines: one for every fault that it met.
        rustix::stdio::dup2_stderr(std::fs::File::open("/dev/null")?)?;
        std::panic::set_hook(Box::new(|panic| println!("{panic}")));
    }
    let disasters = if arguments.keeping { Disaster::KEEPING } else { Disaster::ALL };
    let is_right = match (arguments.command, arguments.seed) {
        (Some(Command::Check { history, sqlite, running }), _) => check(&history, &sqlite, running)?,
        (Some(Command::Canaries { most, only }), _) => canaries(most, only.as_deref()),
        (None, Some(seed)) => replay(seed, Options { trace_lines: arguments.lines, disasters }),
        (None, None) => many(arguments.from, arguments.seeds, Options { trace_lines: 0, disasters }),
    };
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(history: &PathBuf, sqlite: &PathBuf, running: bool) -> Result<bool> {
    let text = std::fs::read_to_string(history).with_context(|| format!("cannot read {}", history.display()))?;
    let lines = checker::read(&text).map_err(anyhow::Error::msg)?;
    let connection = rusqlite::Connection::open_with_flags(sqlite, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
    let connection = connection.with_context(|| format!("cannot open {}", sqlite.display()))?;
    let tables = Tables::read(&connection).context("this is not the ledger")?;
    let violations = checker::check(&lines, &tables, if running { Moment::Running } else { Moment::Settled });
    violations.iter().for_each(|violation| println!("{violation}"));
    println!("check: {} lines, {} violations", lines.len(), violations.len());
    Ok(violations.is_empty())
}

fn canaries(most_seeds: u64, only: Option<&str>) -> bool {
    let catches = hunt(most_seeds, only);
    println!("{}", table(&catches));
    catches.iter().all(|found| found.caught.is_some())
}

fn replay(seed: u64, options: Options) -> bool {
    let seam = Seam::default();
    let outcome = run(seed, &prepare(&seam), &Rc::new(seam), options);
    tell(&outcome);
    println!(
        "seed {seed}: {} calls, {} steps, {} ms, {:?}",
        outcome.calls, outcome.steps, outcome.elapsed_ms, outcome.mix
    );
    outcome.violations.is_empty()
}

fn many(from: u64, seeds: u64, options: Options) -> bool {
    let started = Instant::now();
    let seam = Seam::default();
    let total = swarm(from, seeds, 40, &seam, options);
    for outcome in &total.failed {
        println!("seed {} failed: `hongbao-sim --seed {}` replays it", outcome.seed, outcome.seed);
        outcome.violations.iter().take(5).for_each(|violation| println!("  {violation}"));
    }
    let (calls, claims, refunds) = (total.calls, total.claims, total.refunds);
    println!(
        "sim: {} seeds, {calls} calls, {claims} shares, {refunds} refunds, longest {} s, {} failed, in {:.1} s",
        total.seeds,
        total.longest_ms / 1000,
        total.failed.len(),
        started.elapsed().as_secs_f64()
    );
    total.failed.is_empty()
}

fn tell(outcome: &Outcome) {
    outcome.trace.iter().for_each(|line| println!("{line}"));
    outcome.violations.iter().for_each(|violation| println!("VIOLATION {violation}"));
}
