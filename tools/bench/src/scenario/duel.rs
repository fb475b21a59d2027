//! The duel: the application's handlers against a handler that does nothing, against the plain service and against
//! Redis alone, in turn.
//!
//! Every round runs all sides one after the other for a moment each; a ratio is taken within its round, and of the
//! rounds the median counts. So whatever else the machine does meanwhile falls on both sides of a ratio.
//!
//! What is compared is the handling of requests. So the settlement, which the plain service does not have, holds still
//! in the rounds; its backlog is settled after them, and measured. One more side, `open` with the settlement at work,
//! says what the two together come to.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hongbao_core::PacketId;

use super::Stage;
use crate::books::{Books, Checked};
use crate::jobs::{Book, Grab, Nothing, Open, TooLate};
use crate::load::{Job, Sample, closed};
use crate::packets::Senders;
use crate::race::Race;
use crate::site::{Baselines, Cpu, Site};

/// The shares of each packet: a group of a hundred, the most that a person may send by default.
const SHARES: u32 = 100;
/// More than any side grabs in a second, for each of them.
const GRABS_A_SECOND: f64 = 22_000.0;
const NATIVE_GRABS_A_SECOND: f64 = 60_000.0;
/// How many shares the pipelines to Redis alone grab and open in a round.
const RACED: u32 = 20_000;
/// Packets that are sold out.
const SOLD_OUT: u32 = 50;

/// All sides of the rounds.
#[derive(Default)]
pub(crate) struct Duel {
    pub(crate) rounds: Vec<Round>,
    pub(crate) empty: Sample,
    pub(crate) grab: Sample,
    pub(crate) open: Sample,
    pub(crate) sold_out: Sample,
    pub(crate) native_grab: Sample,
    pub(crate) native_open: Sample,
    /// Processor time for each request, by side.
    pub(crate) empty_cpu: f64,
    pub(crate) grab_cpu: Cpu,
    pub(crate) open_cpu: Cpu,
    pub(crate) sold_out_cpu: Cpu,
    pub(crate) native_grab_cpu: (f64, f64),
    pub(crate) native_open_cpu: (f64, f64),
    pub(crate) checked: Checked,
}

/// Requests a second of each side in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    pub(crate) empty: f64,
    pub(crate) grab: f64,
    pub(crate) open: f64,
    pub(crate) open_settling: f64,
    pub(crate) sold_out: f64,
    pub(crate) native_grab: f64,
    pub(crate) native_open: f64,
    pub(crate) redis_grab: f64,
    pub(crate) redis_open: f64,
}

impl Duel {
    /// A ratio within each round, and of the rounds the median.
    pub(crate) fn ratio(&self, over: impl Fn(&Round) -> f64, under: impl Fn(&Round) -> f64) -> f64 {
        self.median(|round| over(round) / under(round).max(f64::EPSILON))
    }

    /// The median over the rounds of a number of each round.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let mut all: Vec<f64> = self.rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        match all.len() {
            0 => 0.0,
            count if count % 2 == 1 => all[count / 2],
            count => f64::midpoint(all[count / 2 - 1], all[count / 2]),
        }
    }
}

/// Runs all rounds.
pub(crate) async fn run(stage: &Stage, site: &Site, baselines: &Baselines, senders: &Senders) -> Result<Duel> {
    let effort = stage.effort;
    let seconds = effort.side.as_secs_f64() * f64::from(effort.rounds);
    let packets = |a_second: f64| (a_second * seconds / f64::from(SHARES)).ceil() as u32 + 1;
    stage.progress.detail("duel: packets are sent");
    let sold_out = sell_out(stage, site, senders).await?;
    let book = Book::new(&stage.people, senders.send(packets(GRABS_A_SECOND), SHARES, || ()).await?, SHARES);
    let mut race = Race::connect(&baselines.redis.url()).await?;
    let loaded = race.load(packets(NATIVE_GRABS_A_SECOND), SHARES).await?;
    let native_book = Book::new(&stage.people, loaded, SHARES);

    let books = Books::of(site);
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    let mut fight = Fight { stage, site, baselines, race, book, native_book, sold_out, duel: Duel::default() };
    fight.warm_up().await?;
    for number in 1..=effort.rounds {
        stage.progress.detail(&format!("duel: round {number} of {}", effort.rounds));
        let round = fight.round(&books).await?;
        fight.duel.rounds.push(round);
    }
    let (opened, opened_fen) = fight.book.opened.get();
    let mut duel = fight.duel;
    ensure!(duel.open.bad() == 0 && duel.grab.bad() == 0, "refused: {:?} {:?}", duel.grab.others, duel.open.others);
    ensure!(opened >= duel.open.good, "fewer opened than answered");
    duel.checked = books.check(before_fen, opened_fen).await?;
    Ok(duel)
}

/// Packets of one share, which the first of each crowd has.
async fn sell_out(stage: &Stage, site: &Site, senders: &Senders) -> Result<Vec<PacketId>> {
    let packets = senders.send(SOLD_OUT, 1, || ()).await?;
    let book = Book::new(&stage.people, packets.clone(), 1);
    let grabbed = closed(site.address, 4, Duration::from_secs(20), Grab::job(&book)).await?;
    ensure!(grabbed.good == u64::from(SOLD_OUT), "the first in the crowd got no share: {:?}", grabbed.others);
    Ok(packets)
}

struct Fight<'a> {
    stage: &'a Stage,
    site: &'a Site,
    baselines: &'a Baselines,
    race: Race,
    book: Rc<Book>,
    native_book: Rc<Book>,
    sold_out: Vec<PacketId>,
    duel: Duel,
}

impl Fight<'_> {
    async fn on(&self, address: std::net::SocketAddr, job: Rc<dyn Job>, lasting: Duration) -> Result<Sample> {
        closed(address, self.stage.effort.connections, lasting, job).await
    }

    /// Instances, connections and scripts are there before anything counts.
    async fn warm_up(&mut self) -> Result<()> {
        let short = self.stage.effort.side / 3;
        self.on(self.baselines.empty_address, Nothing::job(&self.stage.people), short).await?;
        self.on(self.site.address, Grab::job(&self.book), short).await?;
        self.on(self.site.address, Open::job(&self.book), short).await?;
        self.on(self.baselines.native_address, Grab::job(&self.native_book), short).await?;
        self.on(self.baselines.native_address, Open::job(&self.native_book), short).await?;
        Ok(())
    }

    async fn round(&mut self, books: &Books<'_>) -> Result<Round> {
        let side = self.stage.effort.side;
        books.settled().await?;
        self.site.stack.server.pause_settlement();
        let mut round = Round::default();
        let first = self.empty().await?;

        let cpu = self.site.cpu();
        let grab = self.on(self.site.address, Grab::job(&self.book), side).await?;
        self.duel.grab_cpu = self.duel.grab_cpu.plus(self.site.cpu().since(cpu));
        let cpu = self.baselines.native_cpu();
        let native_grab = self.on(self.baselines.native_address, Grab::job(&self.native_book), side).await?;
        add(&mut self.duel.native_grab_cpu, self.baselines.native_cpu(), cpu);
        let between = self.empty().await?;

        // Half of the vouchers now, half with the settlement at work.
        let cpu = self.site.cpu();
        let open = self.on(self.site.address, Open::job(&self.book), side.mul_f64(0.6)).await?;
        self.duel.open_cpu = self.duel.open_cpu.plus(self.site.cpu().since(cpu));
        let cpu = self.baselines.native_cpu();
        let native_open = self.on(self.baselines.native_address, Open::job(&self.native_book), side).await?;
        add(&mut self.duel.native_open_cpu, self.baselines.native_cpu(), cpu);
        let cpu = self.site.cpu();
        let sold_out = TooLate::job(&self.stage.people, &self.sold_out);
        let sold_out = self.on(self.site.address, sold_out, side).await?;
        self.duel.sold_out_cpu = self.duel.sold_out_cpu.plus(self.site.cpu().since(cpu));
        let last = self.empty().await?;
        (round.redis_grab, round.redis_open) = self.raced().await?;

        self.site.stack.server.resume_settlement();
        books.settled_by_bell().await?;
        let settling = self.on(self.site.address, Open::job(&self.book), side.mul_f64(0.4)).await?;

        round.empty = (first + between + last) / 3.0;
        (round.grab, round.native_grab) = (grab.rate(), native_grab.rate());
        (round.open, round.native_open) = (open.rate(), native_open.rate());
        (round.sold_out, round.open_settling) = (sold_out.rate(), settling.rate());
        self.duel.grab.add(&grab);
        self.duel.open.add(&open);
        self.duel.native_grab.add(&native_grab);
        self.duel.native_open.add(&native_open);
        self.duel.sold_out.add(&sold_out);
        Ok(round)
    }

    async fn empty(&mut self) -> Result<f64> {
        let cpu = self.baselines.empty_cpu();
        let side = self.stage.effort.side / 2;
        let empty = self.on(self.baselines.empty_address, Nothing::job(&self.stage.people), side).await?;
        self.duel.empty_cpu += self.baselines.empty_cpu() - cpu;
        self.duel.empty.add(&empty);
        Ok(empty.rate())
    }

    /// The same scripts by pipelines, with nothing in between: grabs and opens a second.
    async fn raced(&mut self) -> Result<(f64, f64)> {
        let packets = self.race.load(RACED / SHARES, SHARES).await?;
        let people = &self.stage.people;
        let shares: Vec<(PacketId, u32)> = (0..SHARES)
            .flat_map(|place| packets.iter().zip(0..).map(move |(id, packet)| (*id, people.taker(packet, place))))
            .collect();
        let started = Instant::now();
        let numbers = self.race.grab(&shares, people).await?;
        let grabbed = started.elapsed();
        let shares: Vec<_> = shares.iter().zip(numbers).map(|((id, person), seq)| (*id, *person, seq)).collect();
        let started = Instant::now();
        self.race.open(&shares, people).await?;
        let opened = started.elapsed();
        self.race.forget_journal().await?;
        let rate = |lasted: Duration| shares.len() as f64 / lasted.as_secs_f64();
        Ok((rate(grabbed), rate(opened)))
    }
}

fn add(sum: &mut (f64, f64), after: (f64, f64), before: (f64, f64)) {
    *sum = (sum.0 + after.0 - before.0, sum.1 + after.1 - before.1);
}
