//! The load: people wrap, send, grab and open at a bounded rate, whatever happens around them.
//!
//! Two kinds of work, so that a trouble of one half of the system does not hide how the other half fares:
//! *stories* (a packet is sent, guests come) need the ledger, *takings* from a stock of large packets that was sent
//! before need only the race.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::crowd::{Crowd, draft, me, wrap};
use crate::history::Phase;

/// How many people there are.
pub(crate) const PEOPLE: usize = 24;
const STORY_EVERY: Duration = Duration::from_millis(250);
const TAKING_EVERY: Duration = Duration::from_millis(80);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most stories or takings at a time: who waits for an answer starts nothing new.
const AT_ONCE: usize = 48;
const A_DAY_S: u64 = 24 * 3600;

/// People at work until they are told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

/// What decides the load besides the seed.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// How long the stock of large packets has to last.
    pub(crate) lasts: Duration,
    /// Whether shares of packets that soon end are opened: not where an answered open may be lost with Redis, since
    /// its voucher could then come too late.
    pub(crate) opens_short_ones: bool,
}

impl Load {
    /// Sends the stock, then starts the work.
    pub(crate) async fn start(crowd: &Arc<Crowd>, shape: Shape, seed: u64) -> Result<Self> {
        let stock = stock(crowd, shape.lasts).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        tasks.spawn(stories(Arc::clone(crowd), Arc::clone(&stop), shape, fastrand::Rng::with_seed(seed)));
        tasks.spawn(takings(Arc::clone(crowd), Arc::clone(&stop), stock));
        tasks.spawn(looks(Arc::clone(crowd), Arc::clone(&stop)));
        Ok(Self { stop, tasks })
    }

    /// Starts nothing new and waits until everybody has an answer that stands.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

/// Packets with a share for everybody, from everybody in turn.
async fn stock(crowd: &Crowd, lasts: Duration) -> Result<Vec<String>> {
    let takings = lasts.as_millis() / TAKING_EVERY.as_millis();
    let packets = usize::try_from(takings)? / PEOPLE + 2;
    let sends = (0..packets).map(|number| {
        let sender = &crowd.people[number % crowd.people.len()];
        crowd.send(Phase::Arrival, sender, draft(PEOPLE as u64 * 100, PEOPLE, A_DAY_S))
    });
    let sent: Vec<_> = stream::iter(sends).buffered(4).filter_map(async |sent| sent).collect().await;
    ensure!(sent.len() == packets, "the stock could not be sent");
    Ok(sent)
}

/// A packet each quarter of a second, one in four of which soon ends; some guests too many, some who never open.
async fn stories(crowd: Arc<Crowd>, stop: Arc<AtomicBool>, shape: Shape, mut random: fastrand::Rng) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut told = JoinSet::new();
    let mut ticks = ticks(STORY_EVERY);
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let (crowd, random) = (Arc::clone(&crowd), random.fork());
        told.spawn(async move {
            let _place = place;
            story(&crowd, shape, random).await;
        });
    }
    told.join_all().await;
}

async fn story(crowd: &Crowd, shape: Shape, mut random: fastrand::Rng) {
    let is_short = random.u8(0..4) == 0;
    let lives_s = if is_short { random.u64(2..=3) } else { A_DAY_S };
    let count = random.usize(2..=5);
    let total_fen = random.u64(count as u64..=count as u64 * 200);
    let first = random.usize(0..crowd.people.len());
    let people: Vec<_> = crowd.people.iter().cycle().skip(first).take(count + 2).collect();
    let Some(packet) = crowd.send(Phase::Load, people[0], draft(total_fen, count, lives_s)).await else { return };
    let visits = people[1..].iter().map(|person| {
        let (comes_after, looks_for, opens) = (random.u64(0..600), random.u64(0..400), random.u8(0..8) != 0);
        let (packet, opens) = (&packet, opens && (shape.opens_short_ones || !is_short));
        async move {
            sleep(Duration::from_millis(comes_after)).await;
            let Some(voucher) = crowd.grab(person, packet).await else { return };
            sleep(Duration::from_millis(looks_for)).await;
            if opens {
                crowd.open(Phase::Load, person, packet, &voucher).await;
            }
        }
    });
    futures::future::join_all(visits).await;
}

/// Everybody takes a share of each packet of the stock, one after the other.
async fn takings(crowd: Arc<Crowd>, stop: Arc<AtomicBool>, stock: Vec<String>) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut told = JoinSet::new();
    let mut ticks = ticks(TAKING_EVERY);
    let people = crowd.people.len();
    for (packet, number) in stock.into_iter().flat_map(|packet| (0..people).map(move |number| (packet.clone(), number)))
    {
        let place = loop {
            ticks.tick().await;
            if stop.load(Ordering::Relaxed) {
                told.join_all().await;
                return;
            }
            if let Ok(place) = Arc::clone(&room).try_acquire_owned() {
                break place;
            }
        };
        let crowd = Arc::clone(&crowd);
        told.spawn(async move {
            let _place = place;
            let person = &crowd.people[number];
            if let Some(voucher) = crowd.grab(person, &packet).await {
                crowd.open(Phase::Load, person, &packet, &voucher).await;
            }
        });
    }
    told.join_all().await;
}

/// Somebody looks into the wallet, or thinks of sending something, without insisting.
async fn looks(crowd: Arc<Crowd>, stop: Arc<AtomicBool>) {
    let mut told = JoinSet::new();
    let mut ticks = ticks(LOOK_EVERY);
    for number in 0_usize.. {
        ticks.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let crowd = Arc::clone(&crowd);
        told.spawn(async move {
            let person = &crowd.people[number % crowd.people.len()];
            let question = if number % 2 == 0 { me(Phase::Load) } else { wrap(Phase::Load, draft(100, 1, A_DAY_S)) };
            crowd.history.write(&crowd.once(person, &question).await.0);
        });
    }
    told.join_all().await;
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
