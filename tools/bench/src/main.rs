//! `cargo xtask bench`: how fast it is, compared with what people would use instead, on the same machine in one run.

mod books;
mod cpu;
mod jobs;
mod load;
mod machine;
mod model;
mod native;
mod packets;
mod people;
mod progress;
mod race;
mod report;
mod request;
mod results;
mod scenario;
mod site;
mod suite;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

/// Requests are composed and answers parsed in this process as well, and the plain service is it too: the same
/// allocator as the host's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the application, and what it is compared with.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// The plain service that the application is compared with
    #[command(hide = true)]
    Native {
        #[arg(long)]
        redis: String,
    },
}

#[derive(Args)]
struct Run {
    /// Print one JSON object instead of the report
    #[arg(long)]
    json: bool,
    /// A look of two minutes: fewer and shorter rounds
    #[arg(long)]
    quick: bool,
    /// The least that shows that everything works; its numbers mean nothing
    #[arg(long, hide = true, conflicts_with = "quick")]
    smoke: bool,
    /// Only the duel, for work on the hot path: what each side does and costs
    #[arg(long, hide = true)]
    duel: bool,
    /// Only the overload, for so many seconds: its part of the JSON object
    #[arg(long, hide = true, value_name = "SECONDS")]
    overload: Option<u64>,
    /// Where the report and the plots go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Run on this Spin instead of the project's own host
    #[arg(long, value_name = "PATH")]
    spin: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Native { redis }) => runtime(true).and_then(|runtime| runtime.block_on(native::serve(&redis))),
        None => runtime(false).and_then(|runtime| {
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async {
                tokio::select! {
                    done = run(&cli.run) => done,
                    _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
                }
            })
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The plain service uses all cores; the load stays on one thread, so that it takes no more than it must.
fn runtime(all_cores: bool) -> Result<tokio::runtime::Runtime> {
    let mut builder = match all_cores {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build().context("no runtime")
}

async fn run(run: &Run) -> Result<()> {
    if run.duel {
        print!("{}", report::rounds(&suite::duel_alone(run).await?));
        return Ok(());
    }
    if let Some(seconds) = run.overload {
        println!("{:#}", results::overload(&suite::overload_alone(run, Duration::from_secs(seconds)).await?));
        return Ok(());
    }
    let results = suite::run(run).await?;
    std::fs::create_dir_all(&run.out).with_context(|| format!("cannot write to {}", run.out.display()))?;
    let (json, text) = (serde_json::to_string_pretty(&results.json())?, report::text(&results));
    std::fs::write(run.out.join("report.json"), format!("{json}\n"))?;
    std::fs::write(run.out.join("report.txt"), &text)?;
    report::draw(&run.out, &results)?;
    if run.json {
        println!("{json}");
    } else {
        print!("{text}");
        println!("report.json, report.txt and plots are in {}", run.out.display());
    }
    Ok(())
}

/// Now, Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
