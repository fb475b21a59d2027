//! How fast the journal becomes postings, by database: a backlog is piled up while the settlement holds still, then the
//! real component settles it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Stage;
use crate::books::{Books, Checked};
use crate::jobs::{Book, Grab, Open};
use crate::load::closed;
use crate::packets::Senders;
use crate::site::{Cpu, Site};

const SHARES: u32 = 100;
const LIMIT: Duration = Duration::from_secs(120);

/// A backlog settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled {
    pub(crate) postings: u64,
    pub(crate) lasted: Duration,
    /// Processor time for each posting.
    pub(crate) cpu: Cpu,
    pub(crate) checked: Checked,
}

impl Settled {
    pub(crate) fn rate(&self) -> f64 {
        self.postings as f64 / self.lasted.as_secs_f64().max(f64::EPSILON)
    }
}

/// Piles up as many opened shares as the effort says and measures their settlement.
pub(crate) async fn run(stage: &Stage, site: &Site, senders: &Senders) -> Result<Settled> {
    let books = Books::of(site);
    let packets = senders.send(stage.effort.postings / SHARES, SHARES, || ()).await?;
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    let book = Book::new(&stage.people, packets, SHARES);
    site.stack.server.pause_settlement();
    let grabbed = closed(site.address, stage.effort.connections, LIMIT, Grab::job(&book)).await?;
    let opened = closed(site.address, stage.effort.connections, LIMIT, Open::job(&book)).await?;
    ensure!(opened.good == u64::from(stage.effort.postings), "refused: {:?} {:?}", grabbed.others, opened.others);
    let (cpu, started) = (site.cpu(), Instant::now());
    site.stack.server.resume_settlement();
    books.settled_by_bell().await?;
    let lasted = started.elapsed();
    let cpu = site.cpu().since(cpu).each(opened.good);
    let checked = books.check(before_fen, book.opened.get().1).await?;
    Ok(Settled { postings: opened.good, lasted, cpu, checked })
}
