//! What grows with what: latency with the size of a packet, and with the number of packets that are live.

use anyhow::{Context, Result, ensure};
use redis::cmd;

use super::{Stage, memory};
use crate::books::Books;
use crate::jobs::{Book, Grab, Open};
use crate::load::{Arrivals, Latency, open};
use crate::packets::Senders;
use crate::race;
use crate::site::Site;

const CONNECTIONS: usize = 64;

/// Latencies at one size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grown {
    /// Shares of a packet, or live packets.
    pub(crate) size: u64,
    pub(crate) grab_ms: Latency,
    pub(crate) open_ms: Latency,
    /// What the whole of Redis holds, in bytes.
    pub(crate) redis_bytes: u64,
}

/// The same number of shares in packets of each size, at the same rate.
pub(crate) async fn packets(stage: &Stage, site: &Site, senders: &Senders, rate: f64) -> Result<Vec<Grown>> {
    let mut all = Vec::new();
    for &size in stage.effort.sizes {
        stage.progress.detail(&format!("packets of {size} shares"));
        all.push(at(stage, site, senders, rate, size, u64::from(size)).await?);
    }
    Ok(all)
}

/// The same load among more and more packets that are live as well.
pub(crate) async fn live(stage: &Stage, site: &Site, senders: &Senders, rate: f64) -> Result<Vec<Grown>> {
    let url = site.stack.redis.first().context("there is no shard")?.url();
    let mut redis = race::connect(&url).await?;
    // Rewriting its file would be a second load.
    cmd("CONFIG").arg(&["SET", "auto-aof-rewrite-percentage", "0"]).exec_async(&mut redis).await?;
    let epoch: u32 = cmd("GET").arg(race::keys::EPOCH).query_async(&mut redis).await?;
    let (mut all, mut there) = (Vec::new(), 0);
    for &size in stage.effort.live {
        stage.progress.detail(&format!("{size} live packets"));
        race::ballast(&url, size - there, epoch).await?;
        there = size;
        all.push(at(stage, site, senders, rate, 10, size).await?);
    }
    Ok(all)
}

async fn at(stage: &Stage, site: &Site, senders: &Senders, rate: f64, shares: u32, size: u64) -> Result<Grown> {
    let lasting = stage.effort.paced / 2;
    // A whole number of packets, and of people for each.
    let shares = shares.min(stage.people.count());
    let count = (rate * lasting.as_secs_f64() * 1.2 / f64::from(shares)).ceil() as u32;
    let books = Books::of(site);
    let packets = senders.send(count.max(1), shares, || ()).await?;
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    let book = Book::new(&stage.people, packets, shares);
    let arrivals = Arrivals { rate, lasting, seed: size, connections: CONNECTIONS, do_wait: true, slice: None };
    let grabbed = open(site.address, arrivals, Grab::job(&book)).await?;
    let opened = open(site.address, arrivals, Open::job(&book)).await?;
    ensure!(grabbed.bad() == 0 && opened.bad() == 0, "refused: {:?} {:?}", grabbed.others, opened.others);
    books.check(before_fen, book.opened.get().1).await?;
    let url = site.stack.redis.first().context("there is no shard")?.url();
    let mut redis = race::connect(url).await?;
    let redis_bytes = memory::used(&mut redis).await?;
    Ok(Grown { size, grab_ms: grabbed.latency(), open_ms: opened.latency(), redis_bytes })
}
