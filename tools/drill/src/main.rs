//! `cargo xtask drill`, 演练: breaks a live local stack under load, on purpose, and checks every fen of it.
//!
//! Each drill starts a stack of real processes, has people wrap, send, grab and open through HTTP all the time,
//! strikes ([`strike`]), and goes on for a while. Every call and answer is a line of a history ([`history`]), from which
//! is worked out what users saw ([`measure`]) and what everybody must have in the end ([`checker`], [`books`]).
//!
//! Deliberately absent: any fault inside a process. Those are the simulation's and the crash matrix' (`tests/`).

mod books;
mod catalogue;
mod checker;
mod crowd;
mod history;
mod load;
mod measure;
mod report;
mod rest;
mod run;
mod site;
mod strike;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use hongbao_stack::{Database, Postgres, Runtime, project_root};

use crate::catalogue::{DRILLS, Drill, Needs};
use crate::run::{Outcome, Settings, run};

/// Breaks a live local stack under load and checks every fen of it.
#[derive(Parser)]
#[command(version, bin_name = "cargo xtask drill")]
struct Cli {
    /// Which drills to run; all when none is named.
    names: Vec<String>,
    /// Where the money is kept.
    #[arg(long, value_enum, default_value_t = Books::Sqlite)]
    database: Books,
    /// What runs the components.
    #[arg(long, value_enum, default_value_t = Served::Host)]
    runtime: Served,
    /// What decides everything that is left to chance.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Say which drills there are.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Books {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Served {
    /// The project's own host
    Host,
    /// The `spin` on the PATH
    Spin,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = tokio::select! {
        ended = run_all(&cli) => ended,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("drill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all ended well.
async fn run_all(cli: &Cli) -> Result<bool> {
    if cli.list {
        DRILLS.iter().for_each(|drill| println!("{:<16} {}", drill.name, drill.about));
        return Ok(true);
    }
    let settings = Settings {
        database: match cli.database {
            Books::Sqlite => Database::Sqlite,
            Books::Postgres => Database::Postgres,
        },
        runtime: match cli.runtime {
            Served::Host => Runtime::built_host()?,
            Served::Spin => Runtime::Spin("spin".into()),
        },
        seed: cli.seed,
    };
    let started = Instant::now();
    let mut ended = Vec::new();
    for drill in chosen(&cli.names)? {
        if let Some(why) = obstacle(drill, cli.runtime) {
            println!("drill {}: skipped, {why}", drill.name);
            continue;
        }
        println!("drill {}: {} (seed {})", drill.name, drill.about, cli.seed);
        let (outcome, last_line) = one(drill, &settings).await;
        println!("{last_line}");
        ended.push((outcome, last_line));
    }
    let well = ended.iter().filter(|(_, last_line)| last_line.ends_with(" ok")).count();
    if ended.len() > 1 {
        report::table(&ended);
        println!("{well} of {} drills ended well, in {} s", ended.len(), started.elapsed().as_secs());
    }
    Ok(well == ended.len())
}

/// One drill and its last line.
async fn one(drill: &Drill, settings: &Settings) -> (Option<Outcome>, String) {
    let ran = async {
        let scratch = project_root()?.join("target/tmp");
        std::fs::create_dir_all(&scratch)?;
        let dir = tempfile::Builder::new().prefix(&format!("drill-{}-", drill.name)).tempdir_in(scratch)?;
        let ran = run(drill, settings, dir.path()).await;
        if !ran.as_ref().is_ok_and(|outcome| outcome.verdict.findings.is_empty()) {
            let kept: PathBuf = dir.keep();
            println!("  the history and all logs are kept in {}", kept.display());
        }
        ran
    };
    match ran.await {
        Ok(outcome) => {
            report::details(&outcome);
            let last_line = report::last_line(&outcome);
            (Some(outcome), last_line)
        }
        Err(error) => (None, format!("drill {}: FAILED {error:#}", drill.name)),
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Drill>> {
    if names.is_empty() {
        return Ok(DRILLS.iter().collect());
    }
    let find = |name: &String| DRILLS.iter().find(|drill| drill.name == name);
    names.iter().map(|name| find(name).with_context(|| format!("there is no drill {name}: see --list"))).collect()
}

/// Why a drill cannot be run here.
fn obstacle(drill: &Drill, runtime: Served) -> Option<&'static str> {
    match drill.needs {
        Needs::Postgres if Postgres::installed().is_none() => Some("PostgreSQL is not installed"),
        Needs::Host if runtime == Served::Spin => Some("Spin's clock cannot be set"),
        _ => None,
    }
}
