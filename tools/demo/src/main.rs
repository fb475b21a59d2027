//! `cargo xtask demo`: an evening of red packets on a fresh stack, and the proof that no fen is lost.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::Parser;
use hongbao_client::Client;
use hongbao_demo::{Evening, LagMeter, Plan, audit, report};
use hongbao_stack::{Runtime, Stack, StackOptions};
use indicatif::{ProgressBar, ProgressStyle};

/// How long after the last packet's end everything may take to come to rest.
const REST_LIMIT: Duration = Duration::from_secs(90);

/// Plays an evening of red packets through HTTP and checks every fen of it.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// How many people there are.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    users: u32,
    /// How many packets they send.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    packets: u32,
    /// What decides everything that is left to chance.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Kill the server at the peak and start it again.
    #[arg(long, conflicts_with = "base_url")]
    crash: bool,
    /// Play on this application, started with `dev_login` and swept by its owner, instead of a fresh one.
    #[arg(long)]
    base_url: Option<String>,
    /// Run on this Spin instead of the project's own host.
    #[arg(long, conflicts_with = "base_url", value_name = "PATH")]
    spin: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = tokio::select! {
        ended = run(&cli) => ended,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the evening ended without a fen astray.
async fn run(cli: &Cli) -> Result<bool> {
    let scratch = tempfile::tempdir().context("no folder for the stack")?;
    let mut stack = match cli.base_url {
        Some(_) => None,
        None => {
            let runtime = cli.spin.clone().map_or_else(Runtime::built_host, |path| Ok(Runtime::Spin(path)))?;
            Some(Stack::start(StackOptions::new(scratch.path(), runtime)?)?)
        }
    };
    let base_url = stack.as_ref().map(|stack| stack.base_url().to_owned()).or_else(|| cli.base_url.clone());
    let base_url = base_url.context("there is no application to play on")?;

    let plan = Plan::new(usize::try_from(cli.users)?, usize::try_from(cli.packets)?, cli.seed);
    println!(
        "{} people send {} packets within {:.0} s, at 1 : 1000 of the eve's peak (40 sends and 103 opens a second)",
        plan.users,
        plan.packets.len(),
        plan.lasts.as_secs_f64()
    );
    let progress = bar(plan.packets.len() + plan.guests());
    progress.set_message("people arrive");
    let evening = Arc::new(Evening::gather(&Client::new(&base_url), plan, &tag(cli)?).await?);
    let Some(person) = evening.people.first().cloned() else { bail!("nobody came") };

    let start = Instant::now();
    let lag = LagMeter::start(person);
    progress.set_message("the evening");
    let (steps, crash) = (progress.clone(), stack.as_mut().filter(|_| cli.crash));
    let played = evening.play(move |steps_done| steps.inc(steps_done));
    let ((), crashed) = tokio::join!(played, crash_at_the_peak(crash, evening.plan.lasts / 2));
    let crashed = crashed?;
    progress.set_message("waiting for the last refunds");
    let verdict = audit(&evening, REST_LIMIT).await;
    let lags_ms = lag.stop();
    progress.finish_and_clear();

    if let Some(down_for) = crashed {
        println!("The server was killed at the peak and served again after {} ms.", down_for.as_millis());
    }
    print!("{}", report::table(&evening, &verdict, &lags_ms, start.elapsed()));
    println!("{}", report::last_line(&evening.book(), &verdict));
    if let Some(stack) = stack {
        tokio::task::block_in_place(|| stack.stop())?;
    }
    Ok(verdict.is_clean())
}

/// Kills the server and starts it again; how long that took.
async fn crash_at_the_peak(stack: Option<&mut Stack>, peak: Duration) -> Result<Option<Duration>> {
    let Some(stack) = stack else { return Ok(None) };
    tokio::time::sleep(peak).await;
    let start = Instant::now();
    // The evening goes on meanwhile: its people are tasks of their own.
    tokio::task::block_in_place(|| stack.server.restart()).context("the server does not start again")?;
    Ok(Some(start.elapsed()))
}

/// What tells this evening's people from those of an earlier one on the same application.
fn tag(cli: &Cli) -> Result<String> {
    Ok(match cli.base_url {
        None => format!("eve{}", cli.seed),
        Some(_) => format!("eve{}x{:x}", cli.seed, SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis()),
    })
}

fn bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("  {bar:40.red} {pos}/{len} {elapsed} {msg}");
    ProgressBar::new(steps as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
