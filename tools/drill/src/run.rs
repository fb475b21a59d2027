//! One drill from its stack's start to its last line.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hongbao_stack::{Database, Runtime, Stack, StackOptions};
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::books::Books;
use crate::catalogue::{Drill, Needs};
use crate::checker::{Told, Verdict};
use crate::crowd::Crowd;
use crate::history::History;
use crate::load::{Load, PEOPLE, Shape};
use crate::measure::{Seen, Span, measure};
use crate::rest;
use crate::site::Site;

/// How long all is well before the strike, and how long the load goes on after it.
const LEAD: Duration = Duration::from_secs(2);
const TAIL: Duration = Duration::from_secs(4);
/// How long the stock lasts beyond what is planned.
const SPARE: Duration = Duration::from_secs(20);
/// How soon after the healing all must be well.
const RECOVERY_LIMIT_MS: u64 = 10_000;

/// How drills are run.
pub(crate) struct Settings {
    pub(crate) database: Database,
    pub(crate) runtime: Runtime,
    pub(crate) seed: u64,
}

/// How one drill ended.
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) seen: Seen,
    pub(crate) verdict: Verdict,
    pub(crate) told: Told,
    pub(crate) rest: Duration,
}

/// Runs a drill in the folder `dir`.
pub(crate) async fn run(drill: &Drill, settings: &Settings, dir: &Path) -> Result<Outcome> {
    let mut options = StackOptions::new(dir, settings.runtime.clone())?;
    options.database = if drill.needs == Needs::Postgres { Database::Postgres } else { settings.database };
    options.report = |line| println!("         {}", line.lines().next().unwrap_or_default());
    (drill.shape)(&mut options);
    let mut stack = block_in_place(|| Stack::start(options))?;
    let outcome = play(drill, settings, &mut stack, dir).await;
    let stopped = block_in_place(|| stack.stop());
    let outcome = outcome?;
    stopped.context("the stack does not stop")?;
    Ok(outcome)
}

async fn play(drill: &Drill, settings: &Settings, stack: &mut Stack, dir: &Path) -> Result<Outcome> {
    let history = Arc::new(History::create(&dir.join("history.jsonl"))?);
    let crowd = Arc::new(Crowd::gather(stack.base_url(), PEOPLE, Arc::clone(&history)).await?);
    let planned = LEAD + TAIL + SPARE + Duration::from_secs(drill.lasts_s);
    let shape = Shape { lasts: planned, opens_short_ones: !drill.loses };
    let load = Load::start(&crowd, shape, settings.seed).await?;
    let from_ms = history.now_ms();
    sleep(LEAD).await;
    let mut site = Site::new(stack, &history, fastrand::Rng::with_seed(settings.seed));
    block_in_place(|| (drill.strike)(&mut site))?;
    let healings_ms = site.into_healings_ms();
    sleep(TAIL).await;
    ensure!(stack.server.is_running(), "the host ended by itself: see logs/application.log");
    let to_ms = history.now_ms();
    load.stop().await;
    rest::present_again(&crowd).await?;
    let lines = history.read()?;
    let told = Told::read(&lines);
    let (mut verdict, rest) = rest::settle(stack, &crowd, &told).await?;
    let books = Books::of(stack).await?;
    verdict.findings.extend(books.check(&told, &books.on_record().await?, drill.loses).await?);
    let seen = measure(&history, &lines, Span { from_ms, to_ms }, &healings_ms);
    verdict.findings.extend(seen.findings.iter().cloned());
    verdict.findings.extend(broken_promises(drill, &seen));
    Ok(Outcome { name: drill.name, seen, verdict, told, rest })
}

/// What must not happen even while something is broken.
fn broken_promises(drill: &Drill, seen: &Seen) -> Vec<String> {
    let mut findings = Vec::new();
    let silent = seen.errors.get("no answer").copied().unwrap_or_default();
    if silent > 0 && !drill.silences {
        findings.push(format!("{silent} calls had no answer at all"));
    }
    if seen.slowest_ms > drill.bound_ms {
        findings.push(format!("an answer took {} ms, more than {}", seen.slowest_ms, drill.bound_ms));
    }
    if seen.recovery_ms.is_none_or(|ms| ms > RECOVERY_LIMIT_MS) {
        findings.push(format!("not everything was well within {RECOVERY_LIMIT_MS} ms of the healing"));
    }
    findings
}
