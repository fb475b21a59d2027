//! The whole run, scenario after scenario. Each ends with its books checked; the first that do not balance end the run.

use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hongbao_stack::{Database, Postgres, Runtime};

use crate::Run;
use crate::machine::Machine;
use crate::packets::Senders;
use crate::people::People;
use crate::progress::Progress;
use crate::results::Results;
use crate::scenario::duel::Duel;
use crate::scenario::overload::Overloaded;
use crate::scenario::scale::{self, Scaled};
use crate::scenario::settle::{self, Settled};
use crate::scenario::{Effort, Stage, crowd, duel, eve, grow, memory, overload, pace};
use crate::site::{Baselines, Setup, Site};

/// How many steps the progress bar has.
const STEPS: u64 = 12;
/// At most this part of the highest rate, where latencies are compared with each other.
const CALM: f64 = 0.25;
/// Shards and processes that are compared.
const ARRANGEMENTS: [(usize, usize); 4] = [(1, 1), (1, 2), (2, 1), (4, 1)];

fn effort(run: &Run) -> (Effort, &'static str) {
    match (run.quick, run.smoke) {
        (true, _) => (Effort::QUICK, "quick"),
        (_, true) => (Effort::SMOKE, "smoke"),
        _ => (Effort::WHOLE, "whole"),
    }
}

fn runtime(run: &Run) -> Result<Runtime> {
    run.spin.as_ref().map_or_else(Runtime::built_host, |path| Ok(Runtime::Spin(path.clone())))
}

/// Only the duel.
pub(crate) async fn duel_alone(run: &Run) -> Result<Duel> {
    let scratch = tempfile::tempdir().context("no folder for the servers")?;
    let (stage, site) = alone(run, scratch.path(), "duel")?;
    let baselines = Baselines::start(scratch.path(), &site, &runtime(run)?)?;
    let senders = Senders::gather(&site.stack).await?;
    duel::run(&stage, &site, &baselines, &senders).await
}

/// Only the overload, for this long.
pub(crate) async fn overload_alone(run: &Run, lasting: Duration) -> Result<Overloaded> {
    let scratch = tempfile::tempdir().context("no folder for the servers")?;
    let (mut stage, site) = alone(run, scratch.path(), overload::NAME)?;
    stage.effort.overload = lasting;
    let senders = Senders::gather(&site.stack).await?;
    let capacity = overload::capacity(&stage, &site, &senders).await?;
    overload::run(&stage, &site, &senders, capacity).await
}

/// The application for one scenario.
fn alone(run: &Run, dir: &Path, name: &str) -> Result<(Stage, Site)> {
    let (effort, _) = effort(run);
    let mut setup = Setup::new(runtime(run)?);
    setup.in_flight = (name == overload::NAME).then_some(overload::IN_FLIGHT);
    let site = Site::start(&dir.join("sqlite"), &setup)?;
    let people = Rc::new(People::new(site.stack.keys(), effort.people)?);
    let stage = Stage { effort, people, progress: Progress::new(1) };
    stage.progress.step(name);
    Ok((stage, site))
}

/// Measures everything.
pub(crate) async fn run(run: &Run) -> Result<Results> {
    let started = Instant::now();
    let ((effort, name), runtime) = (effort(run), runtime(run)?);
    let machine = Machine::look();
    let scratch = tempfile::tempdir().context("no folder for the servers")?;
    let progress = Progress::new(STEPS);
    progress.step("servers start");
    let setup = Setup::new(runtime.clone());
    let site = Site::start(&scratch.path().join("sqlite"), &setup)?;
    let people = Rc::new(People::new(site.stack.keys(), effort.people)?);
    let stage = Stage { effort, people, progress };
    let baselines = Baselines::start(scratch.path(), &site, &runtime)?;
    let senders = Senders::gather(&site.stack).await?;

    stage.progress.step("duel: against the empty handler, the plain service and Redis alone");
    let duel = duel::run(&stage, &site, &baselines, &senders).await?;
    let capacity = duel.median(|round| round.grab);
    stage.progress.step("latency at half the highest rate");
    let paced = pace::run(&stage, &site, &baselines, &senders, &duel).await?;
    stage.progress.step("memory of a packet");
    let memory = memory::run(&stage, &baselines).await?;
    drop(baselines);
    stage.progress.step("storm: one packet");
    let storm = crowd::storm(&stage, &site, &senders).await?;
    stage.progress.step("rain: many packets");
    let rain = crowd::rain(&stage, &site, &senders).await?;
    stage.progress.step("eve: 1 sent to 2.6 opened");
    let eve = eve::run(&stage, &site, &senders).await?;
    stage.progress.step("settlement, SQLite and PostgreSQL");
    let sqlite = settle::run(&stage, &site, &senders).await?;
    let mut skipped = Vec::new();
    let postgres = match Postgres::installed() {
        Some(_) => Some(settled_on_postgres(&stage, &scratch.path().join("postgres"), &setup).await?),
        None => {
            skipped.push("the settlement on PostgreSQL, which is not installed".to_owned());
            None
        }
    };
    stage.progress.step("size of the packet");
    let sizes = grow::packets(&stage, &site, &senders, capacity * CALM).await?;
    stage.progress.step(overload::NAME);
    let overload = overloaded(&stage, &scratch.path().join(overload::NAME), &setup, capacity).await?;
    stage.progress.step("shards and processes");
    let scaled = scaled(&stage, scratch.path(), &setup).await?;
    stage.progress.step("live packets");
    let live = grow::live(&stage, &site, &senders, capacity * CALM).await?;
    stage.progress.done();
    tokio::task::spawn_blocking(|| site.stack.stop()).await??;
    Ok(Results {
        machine,
        runtime: if run.spin.is_some() { "spin" } else { "host" },
        effort: name,
        lasted: started.elapsed(),
        duel,
        paced,
        storm,
        rain,
        eve,
        sqlite,
        postgres,
        sizes,
        live,
        memory,
        overload,
        scaled,
        skipped,
    })
}

async fn overloaded(stage: &Stage, dir: &Path, setup: &Setup, capacity: f64) -> Result<Overloaded> {
    let site = Site::start(dir, &Setup { in_flight: Some(overload::IN_FLIGHT), ..setup.clone() })?;
    let senders = Senders::gather(&site.stack).await?;
    let stage = Stage { people: stage.people_of(&site)?, effort: stage.effort, progress: stage.progress.clone() };
    overload::run(&stage, &site, &senders, capacity).await
}

async fn settled_on_postgres(stage: &Stage, dir: &Path, setup: &Setup) -> Result<Settled> {
    let site = Site::start(dir, &Setup { database: Database::Postgres, ..setup.clone() })?;
    let senders = Senders::gather(&site.stack).await?;
    let stage = Stage { people: stage.people_of(&site)?, effort: stage.effort, progress: stage.progress.clone() };
    settle::run(&stage, &site, &senders).await
}

async fn scaled(stage: &Stage, dir: &Path, setup: &Setup) -> Result<Vec<Scaled>> {
    let mut all = Vec::new();
    for (shards, processes) in ARRANGEMENTS {
        let name = format!("{shards} shards, {processes} processes");
        stage.progress.detail(&name);
        let setup = Setup { shards, ..setup.clone() };
        let dir = dir.join(format!("scale-{shards}-{processes}"));
        all.push(scale::run(stage, &dir, &setup, processes).await.with_context(|| name)?);
    }
    Ok(all)
}
