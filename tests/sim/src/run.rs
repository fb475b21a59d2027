//! One run: a safety phase with faults, then a liveness phase in which everything must settle; then the checker.

use std::cell::Cell;
use std::rc::Rc;

use rusqlite::Connection;

use crate::canary::Seam;
use crate::checker::{self, Moment, Tables, Violation};
use crate::database::Store;
use crate::fault::{Disaster, Faults, Mix};
use crate::nemesis;
use crate::people;
use crate::site::{Instance, Site};
use crate::world::{World, slot};

/// How long everything may take to settle once faults are over and the last packet's time is over: milliseconds.
const SETTLES_IN_MS: u64 = 120_000;
/// More steps than any run needs.
const MOST_STEPS: u64 = 2_000_000;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was wrong.
    pub violations: Vec<Violation>,
    /// The run's last steps, when they were asked for.
    pub trace: Vec<String>,
    /// The mix of faults.
    pub mix: Mix,
    /// How many requests people made.
    pub calls: usize,
    /// How many shares were settled.
    pub claims: i64,
    /// How many packets were refunded.
    pub refunds: i64,
    /// How many tasks went on.
    pub steps: u64,
    /// Virtual time until everything had settled, in milliseconds.
    pub elapsed_ms: u64,
    /// The history, a line of JSON each.
    pub history: Vec<String>,
}

/// How a run is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many of the last steps are remembered.
    pub trace_lines: usize,
    /// Which disasters may be drawn.
    pub disasters: &'static [Disaster],
}

impl Default for Options {
    fn default() -> Self {
        Self { trace_lines: 0, disasters: Disaster::ALL }
    }
}

/// Runs one seed over a copy of the prepared database, with a seeded bug where the seam has one.
#[must_use]
pub fn run(seed: u64, prepared: &Connection, seam: &Rc<Seam>, options: Options) -> Outcome {
    let (site, mix) = play(seed, prepared, seam, options);
    let outcome = judge(&site, seed, mix);
    site.close();
    outcome
}

/// As [`run`], and hands over a copy of the books that the run ended with.
///
/// # Panics
/// When there is no memory for the copy.
#[must_use]
pub fn run_and_keep(seed: u64, prepared: &Connection, seam: &Rc<Seam>, options: Options) -> (Outcome, Connection) {
    let (site, mix) = play(seed, prepared, seam, options);
    let outcome = judge(&site, seed, mix);
    let books = Store::copy(&site.store.connection, seam).connection;
    site.close();
    (outcome, books)
}

fn play(seed: u64, prepared: &Connection, seam: &Rc<Seam>, options: Options) -> (Rc<Site>, Mix) {
    let world = World::new(seed, options.trace_lines);
    let mix = Mix::draw(&world, options.disasters);
    let faults = Faults::new(world.clone(), mix.clone());
    let shards = if world.random.below(3) == 0 { 2 } else { 1 };
    let site = Site::new(&world, faults, shards, prepared, seam);
    let duration_ms = world.random.between(5_000, 45_000);
    let (unfinished, is_over) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
    people::start(&site, &unfinished, duration_ms);
    nemesis::start(&site);
    settle_at_bells(&site);
    sweep_now_and_then(&site);
    watch(&site, duration_ms, &unfinished, &is_over);
    world.run(|| is_over.get() || world.steps() > MOST_STEPS);
    if world.steps() > MOST_STEPS {
        site.complaints.borrow_mut().push(format!("still running after {MOST_STEPS} steps"));
    }
    (site, mix)
}

fn judge(site: &Rc<Site>, seed: u64, mix: Mix) -> Outcome {
    let tables = Tables::read(&site.store.connection).expect("the ledger's tables");
    let history = site.history.borrow();
    let mut violations: Vec<Violation> = site
        .complaints
        .borrow()
        .iter()
        .map(|evidence| Violation { kind: "complaint", evidence: evidence.clone() })
        .collect();
    violations.extend(checker::check(&history, &tables, Moment::Settled));
    Outcome {
        seed,
        violations,
        trace: site.world.trace(),
        mix,
        calls: history.len(),
        claims: site.store.number("SELECT COUNT(*) FROM claims").unwrap_or_default(),
        refunds: site.store.number("SELECT COUNT(*) FROM packets WHERE refunded_fen > 0").unwrap_or_default(),
        steps: site.world.steps(),
        elapsed_ms: site.world.elapsed_ms(),
        history: history.iter().filter_map(|line| serde_json::to_string(line).ok()).collect(),
    }
}

/// Runs a piece of an instance's work in its process; it ends early when the process dies.
async fn in_process(site: &Rc<Site>, instance: Instance, work: impl AsyncFnOnce(Instance) + 'static) {
    let (giver, done) = slot(&site.world);
    let process = instance.process;
    site.world.spawn(Some(process), async move {
        work(instance).await;
        giver.give(());
    });
    done.await;
}

/// The settlement: as the platform does it, a fresh instance for every bell, one at a time.
fn settle_at_bells(site: &Rc<Site>) {
    let site = site.clone();
    site.world.clone().spawn(None, async move {
        loop {
            if site.bells.borrow_mut().pop_front().is_none() {
                site.world.sleep_us(2_000).await;
                continue;
            }
            let instance = site.instance();
            in_process(&site, instance, async |instance| drop(instance.app.settle("transfer").await)).await;
        }
    });
}

/// The timer: it comes again after every sweep, whatever came of it; sometimes two run at once.
fn sweep_now_and_then(site: &Rc<Site>) {
    let sweepers = site.world.random.between(1, 2);
    let period_ms = site.world.random.between(500, 3_000);
    for _ in 0..sweepers {
        let site = site.clone();
        site.world.clone().spawn(None, async move {
            let mut instance = site.instance();
            loop {
                site.world.sleep_ms(site.pause_ms(period_ms)).await;
                if site.is_dead(instance.process) || site.faults.strike(200) {
                    instance = site.instance();
                }
                in_process(&site, instance.clone(), async |instance| drop(instance.app.sweep().await)).await;
            }
        });
    }
}

/// Ends the faults in time, and the run when all is settled or takes too long.
fn watch(site: &Rc<Site>, duration_ms: u64, unfinished: &Rc<Cell<u64>>, is_over: &Rc<Cell<bool>>) {
    let (site, unfinished, is_over) = (site.clone(), unfinished.clone(), is_over.clone());
    site.world.clone().spawn(None, async move {
        site.world.sleep_ms(duration_ms).await;
        nemesis::repair(&site);
        site.world.note(|| "all faults are over".to_owned());
        let mut settled_by_ms = site.world.now_ms();
        loop {
            site.world.sleep_ms(500).await;
            if unfinished.get() == 0 && site.backlog() == 0 && site.unsettled() == 0 {
                break;
            }
            let last_end_ms = site.store.number("SELECT MAX(expires_at_ms) FROM packets").unwrap_or_default();
            settled_by_ms = settled_by_ms.max(last_end_ms);
            let patience_ms = i64::try_from(SETTLES_IN_MS).unwrap_or_default();
            if site.world.now_ms() > settled_by_ms + patience_ms {
                let (people, entries, packets) = (unfinished.get(), site.backlog(), site.unsettled());
                let stuck = format!("never settled: {people} people, {entries} entries, {packets} packets");
                site.complaints.borrow_mut().push(stuck);
                break;
            }
        }
        is_over.set(true);
    });
}

impl Site {
    /// Packets that are neither finished nor refunded.
    fn unsettled(&self) -> i64 {
        let query = "SELECT COUNT(*) FROM packets WHERE settled < count AND refunded_fen IS NULL";
        self.store.number(query).unwrap_or_default()
    }

    /// The time until the next sweep: once faults are over and nothing happens, none is needed before a packet ends.
    fn pause_ms(&self, period_ms: u64) -> u64 {
        if self.faults.is_on() || self.backlog() > 0 {
            return period_ms;
        }
        let query = "SELECT MIN(expires_at_ms) FROM packets WHERE settled < count AND refunded_fen IS NULL";
        let next_ms = self.store.number(query).unwrap_or_default() - self.world.now_ms();
        u64::try_from(next_ms).unwrap_or_default().clamp(period_ms, 30_000)
    }
}
