//! Latencies at half of the highest rate, people coming when they come.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::{Result, ensure};

use super::Stage;
use super::duel::Duel;
use crate::books::{Books, Checked};
use crate::jobs::{Book, Grab, Nothing, Open};
use crate::load::{Arrivals, Job, Latency, Sample, open};
use crate::packets::Senders;
use crate::race::Race;
use crate::site::{Baselines, Site};

/// How many people can wait for an answer at once.
const CONNECTIONS: usize = 128;
const SHARES: u32 = 100;

/// Latencies by what was asked, with the rate.
pub(crate) struct Paced {
    pub(crate) sides: BTreeMap<&'static str, (f64, Latency)>,
    pub(crate) samples: BTreeMap<&'static str, Sample>,
    pub(crate) checked: Checked,
}

/// Asks each side at half of what it could in the duel.
pub(crate) async fn run(
    stage: &Stage,
    site: &Site,
    baselines: &Baselines,
    senders: &Senders,
    duel: &Duel,
) -> Result<Paced> {
    let half = |of: fn(&super::duel::Round) -> f64| duel.median(of) / 2.0;
    let (grab, opened) = (half(|round| round.grab), half(|round| round.open_settling));
    let (native_grab, native_open) = (half(|round| round.native_grab), half(|round| round.native_open));
    let packets = |rate: f64| (rate * stage.effort.paced.as_secs_f64() * 1.1 / f64::from(SHARES)).ceil() as u32 + 1;

    let books = Books::of(site);
    let book = Book::new(&stage.people, senders.send(packets(grab), SHARES, || ()).await?, SHARES);
    let mut race = Race::connect(&baselines.redis.url()).await?;
    let native_book = Book::new(&stage.people, race.load(packets(native_grab), SHARES).await?, SHARES);
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;

    let mut paced = Paced { sides: BTreeMap::new(), samples: BTreeMap::new(), checked: Checked::default() };
    let sides: [(&'static str, SocketAddr, f64, Rc<dyn Job>); 5] = [
        ("empty", baselines.empty_address, half(|round| round.empty), Nothing::job(&stage.people)),
        ("grab", site.address, grab, Grab::job(&book)),
        ("open", site.address, opened, Open::job(&book)),
        ("native_grab", baselines.native_address, native_grab, Grab::job(&native_book)),
        ("native_open", baselines.native_address, native_open, Open::job(&native_book)),
    ];
    for (seed, (name, address, rate, job)) in (1..).zip(sides) {
        stage.progress.detail(&format!("latency: {name} at {rate:.0} a second"));
        let (lasting, connections) = (stage.effort.paced, CONNECTIONS);
        let arrivals = Arrivals { rate, lasting, seed, connections, do_wait: true, slice: None };
        let sample = open(address, arrivals, job).await?;
        ensure!(sample.bad() == 0, "{name}: refused {:?}", sample.others);
        paced.sides.insert(name, (rate, sample.latency()));
        paced.samples.insert(name, sample);
    }
    paced.checked = books.check(before_fen, book.opened.get().1).await?;
    Ok(paced)
}
