//! Overload: five times as many people as can be served, then half as many again, and how soon that goes as before.
//!
//! Nobody who was accepted waits long, nobody loses anything, and opening is not shed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Stage;
use crate::books::{Books, Checked};
use crate::jobs::{Book, Grab, grab_request, open_request};
use crate::load::{Arrivals, Job, Latency, Slice, closed, open};
use crate::packets::Senders;
use crate::request::text_field;
use crate::site::Site;

/// The scenario's name.
pub(crate) const NAME: &str = "overload";
/// How many grabs an instance has in hand: what this application serves within some ten milliseconds on a small
/// machine. What comes above is refused before Redis is asked.
pub(crate) const IN_FLIGHT: u32 = 64;
/// How many times the capacity is offered.
pub(crate) const TIMES: f64 = 5.0;
/// Every so many requests one opens.
const OPENS_EVERY: u32 = 4;
const SHARES: u32 = 100;
const PACKETS: u32 = 100;
const CONNECTIONS: usize = 512;
/// After the overload, time is looked at in pieces of this length.
const SLICE: Duration = Duration::from_millis(250);
const RECOVERY: Duration = Duration::from_secs(6);
/// A slice is calm when nothing was refused and latencies are at most twice those of before, or this.
const CALM_MS: f64 = 10.0;
/// It is over when this many slices in a row, a second, are calm.
const CALM_SLICES: usize = 4;

/// What came of the overload.
#[derive(Debug, Clone)]
pub(crate) struct Overloaded {
    /// Requests a second that were offered.
    pub(crate) offered: f64,
    pub(crate) accepted: u64,
    /// 429 and 503.
    pub(crate) refused: u64,
    /// Opens that were refused; there must be none.
    pub(crate) opens_refused: u64,
    /// Arrivals that found all of the load's connections taken and went home.
    pub(crate) unsent: u64,
    /// Answers that were neither, or none.
    pub(crate) broken: u64,
    pub(crate) before_ms: Latency,
    /// Of what was accepted.
    pub(crate) latency_ms: Latency,
    /// How long after the overload's end everything was as before.
    pub(crate) recovered_after: Option<Duration>,
    pub(crate) checked: Checked,
}

/// The highest rate of grabs, from a short closed loop.
pub(crate) async fn capacity(stage: &Stage, site: &Site, senders: &Senders) -> Result<f64> {
    let book = Book::new(&stage.people, senders.send(PACKETS, SHARES, || ()).await?, SHARES);
    Ok(closed(site.address, stage.effort.connections, stage.effort.side * 2, Grab::job(&book)).await?.rate())
}

/// Overloads the application, whose highest rate is `capacity`.
pub(crate) async fn run(stage: &Stage, site: &Site, senders: &Senders, capacity: f64) -> Result<Overloaded> {
    let books = Books::of(site);
    let packets = senders.send(PACKETS, SHARES, || ()).await?;
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    let book = Book::new(&stage.people, packets, SHARES);
    // Everything is grabbed beforehand; in the overload everybody asks again, which answers the same.
    let grabbed = closed(site.address, stage.effort.connections, Duration::from_secs(60), Grab::job(&book)).await?;
    ensure!(grabbed.good == u64::from(PACKETS * SHARES), "refused: {:?}", grabbed.others);
    let mob = Rc::new(Mob::new(&book));

    let arrivals = Arrivals {
        rate: capacity / 2.0,
        lasting: stage.effort.paced / 2,
        seed: 3,
        connections: CONNECTIONS,
        do_wait: true,
        slice: None,
    };
    let before = open(site.address, arrivals, Rc::clone(&mob) as Rc<dyn Job>).await?;
    let offered = capacity * TIMES;
    let lasting = stage.effort.overload;
    let mass = Arrivals { rate: offered, lasting, do_wait: false, ..arrivals };
    let overloaded = open(site.address, mass, Rc::clone(&mob) as Rc<dyn Job>).await?;
    let opens_refused = mob.opens_refused.get();
    let after = Arrivals { lasting: RECOVERY, slice: Some(SLICE), ..arrivals };
    let after = open(site.address, after, Rc::clone(&mob) as Rc<dyn Job>).await?;

    let refused = |status: &u16| matches!(status, 429 | 503);
    let count = |wanted: bool| {
        overloaded.others.iter().filter(|(status, _)| refused(status) == wanted).map(|(_, count)| count).sum::<u64>()
    };
    let before_ms = before.latency();
    let checked = books.check(before_fen, mob.opened_fen()).await?;
    Ok(Overloaded {
        offered,
        accepted: overloaded.good,
        refused: count(true),
        opens_refused,
        unsent: overloaded.unsent,
        broken: count(false),
        before_ms,
        latency_ms: overloaded.latency(),
        recovered_after: recovered_after(&after.slices, (before_ms.p99 * 2.0).max(CALM_MS)),
        checked,
    })
}

/// When the first calm second began; `None` when there was none.
fn recovered_after(slices: &[Slice], calm_ms: f64) -> Option<Duration> {
    let is_calm = |slice: &Slice| slice.refused == 0 && Latency::of(&slice.latency_us).p99 <= calm_ms;
    let first = slices.windows(CALM_SLICES).position(|second| second.iter().all(is_calm))?;
    Some(SLICE * u32::try_from(first).unwrap_or(u32::MAX))
}

/// People who grab and open what they have, again and again.
struct Mob {
    book: Rc<Book>,
    shares: Vec<(u32, u32, Box<str>)>,
    next: Cell<u32>,
    /// What each share held, once it was opened.
    amounts: RefCell<Vec<Option<i64>>>,
    opens_refused: Cell<u64>,
}

impl Mob {
    fn new(book: &Rc<Book>) -> Self {
        let shares = book.take_vouchers();
        let amounts = RefCell::new(vec![None; shares.len()]);
        Self { book: Rc::clone(book), shares, next: Cell::new(0), amounts, opens_refused: Cell::new(0) }
    }

    fn opened_fen(&self) -> i64 {
        self.amounts.borrow().iter().flatten().sum()
    }

    /// Which share the request is about, and whether it opens it.
    fn of_request(&self, number: u32) -> (usize, bool) {
        let is_open = number.is_multiple_of(OPENS_EVERY);
        (number as usize / OPENS_EVERY as usize % self.shares.len(), is_open)
    }
}

impl Job for Mob {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let (share, is_open) = self.of_request(number);
        let (packet, person, voucher) = &self.shares[share];
        let (name, token) = (self.book.shares.name(*packet), self.book.people.token(*person));
        if is_open {
            open_request(out, name, token, voucher)
        } else {
            grab_request(out, name, token)
        }
        Some(number)
    }

    fn answered(&self, number: u32, status: u16, body: &[u8]) -> bool {
        let (share, is_open) = self.of_request(number);
        match (is_open, status) {
            (true, 200) => {
                let Some(fen) = crate::request::number_field(body, "amount_fen") else { return false };
                // Again, the same: another amount would be found by the books.
                self.amounts.borrow_mut()[share] = Some(fen);
                true
            }
            (true, _) => {
                self.opens_refused.set(self.opens_refused.get() + 1);
                false
            }
            (false, _) => status == 200 && text_field(body, "voucher").is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Slice, recovered_after};

    #[test]
    fn recovery_is_when_the_first_calm_second_begins() {
        let slice = |latency_us: u64, refused| {
            let mut slice = Slice { refused, ..Slice::default() };
            slice.latency_us.saturating_record(latency_us);
            slice
        };
        let mut slices = vec![slice(50_000, 0), slice(1_000, 0), slice(1_000, 3)];
        slices.extend((0..4).map(|_| slice(1_000, 0)));
        assert_eq!(recovered_after(&slices, 10.0), Some(Duration::from_millis(750)));
        assert_eq!(recovered_after(&slices[..6], 10.0), None);
        assert_eq!(recovered_after(&slices[3..], 10.0), Some(Duration::ZERO));
    }
}
