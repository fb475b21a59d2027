//! The same load on more shards and on more processes. On two cores more of either cannot be much faster: what counts is
//! the processor time of a request, which must not grow.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use hongbao_stack::Server;

use super::Stage;
use crate::books::Books;
use crate::cpu;
use crate::jobs::{Book, Grab, Open};
use crate::load::{self, closed_on};
use crate::packets::Senders;
use crate::site::{Cpu, Setup, Site};

const SHARES: u32 = 100;
/// More than are grabbed in a second.
const GRABS_A_SECOND: f64 = 22_000.0;

/// One arrangement.
#[derive(Debug, Clone)]
pub(crate) struct Scaled {
    pub(crate) shards: usize,
    pub(crate) processes: usize,
    /// A second.
    pub(crate) grabs: f64,
    pub(crate) opens: f64,
    /// For each request.
    pub(crate) grab_cpu: Cpu,
    pub(crate) open_cpu: Cpu,
}

/// Runs the arrangement on a fresh stack in `dir`: as many shards, as many processes of one thread each.
pub(crate) async fn run(stage: &Stage, dir: &Path, setup: &Setup, processes: usize) -> Result<Scaled> {
    let setup = Setup { threads: Some(if processes > 1 { 1 } else { 2 }), ..setup.clone() };
    let site = Site::start(dir, &setup)?;
    let others = (1..processes).map(|_| site.stack.server.another()).collect::<Result<Vec<Server>>>()?;
    let mut addresses = vec![site.address];
    for other in &others {
        addresses.push(load::address(other.base_url())?);
    }
    let cpu = || {
        let more: f64 = others.iter().filter_map(Server::process_id).map(cpu::seconds).sum();
        let cpu = site.cpu();
        Cpu { http: cpu.http + more, ..cpu }
    };
    let senders = Senders::gather(&site.stack).await?;
    let lasting = stage.effort.side.max(Duration::from_millis(500));
    let packets = (GRABS_A_SECOND * lasting.as_secs_f64() * 1.2 / f64::from(SHARES)).ceil() as u32;
    let people = stage.people_of(&site)?;
    let book = Book::new(&people, senders.send(packets, SHARES, || ()).await?, SHARES);
    let books = Books::of(&site);
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    site.stack.server.pause_settlement();
    let connections = stage.effort.connections;
    closed_on(&addresses, connections, lasting / 5, Grab::job(&book)).await?; // Instances and connections are there.
    let start = cpu();
    let grabbed = closed_on(&addresses, connections, lasting, Grab::job(&book)).await?;
    let grab_cpu = cpu().since(start).each(grabbed.good);
    closed_on(&addresses, connections, lasting / 5, Open::job(&book)).await?;
    let start = cpu();
    let opened = closed_on(&addresses, connections, lasting, Open::job(&book)).await?;
    let open_cpu = cpu().since(start).each(opened.good);
    site.stack.server.resume_settlement();
    anyhow::ensure!(grabbed.bad() == 0 && opened.bad() == 0, "refused: {:?} {:?}", grabbed.others, opened.others);
    books.check(before_fen, book.opened.get().1).await?;
    let (shards, grabs, opens) = (setup.shards, grabbed.rate(), opened.rate());
    Ok(Scaled { shards, processes, grabs, opens, grab_cpu, open_cpu })
}
