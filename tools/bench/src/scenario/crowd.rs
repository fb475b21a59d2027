//! Two crowds: the storm, ten thousand people at one packet, and the rain, many packets at once.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use super::Stage;
use crate::books::{Books, Checked};
use crate::jobs::{Book, grab_request, open_request};
use crate::load::{Job, Latency, closed};
use crate::packets::Senders;
use crate::request::text_field;
use crate::site::{Cpu, Site};

const LIMIT: Duration = Duration::from_secs(120);
/// Everybody is there at the same moment, as far as connections go.
const CONNECTIONS: usize = 256;
/// The rain's packets have ten shares, and four more people than that come to each.
const RAIN_SHARES: u32 = 10;
const RAIN_GUESTS: u32 = 14;

/// What came of a crowd.
#[derive(Debug, Clone)]
pub(crate) struct Crowded {
    pub(crate) packets: u32,
    pub(crate) people: u32,
    pub(crate) requests: u64,
    pub(crate) opened: u64,
    pub(crate) sold_out: u64,
    pub(crate) lasted: Duration,
    pub(crate) latency_ms: Latency,
    pub(crate) cpu: Cpu,
    pub(crate) checked: Checked,
}

/// One packet of a tenth as many shares as there are people, and all of them at it.
pub(crate) async fn storm(stage: &Stage, site: &Site, senders: &Senders) -> Result<Crowded> {
    let people = stage.effort.people;
    run(stage, site, senders, 1, people / 10, people).await
}

/// Many packets of ten shares, each with a crowd larger than that.
pub(crate) async fn rain(stage: &Stage, site: &Site, senders: &Senders) -> Result<Crowded> {
    let packets = stage.effort.postings / RAIN_SHARES / 4;
    run(stage, site, senders, packets, RAIN_SHARES, RAIN_GUESTS).await
}

async fn run(stage: &Stage, site: &Site, senders: &Senders, packets: u32, shares: u32, guests: u32) -> Result<Crowded> {
    let books = Books::of(site);
    let ids = senders.send(packets, shares, || ()).await?;
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    // The book's shares are the guests' tries: more of them than shares.
    let crowd = Rc::new(Crowd {
        book: Book::new(&stage.people, ids, guests),
        won: RefCell::default(),
        steps: RefCell::default(),
        sold_out: Cell::new(0),
    });
    let cpu = site.cpu();
    let sample = closed(site.address, CONNECTIONS, LIMIT, Rc::clone(&crowd) as Rc<dyn Job>).await?;
    let cpu = site.cpu().since(cpu);
    let (opened, opened_fen) = crowd.book.opened.get();
    let all = u64::from(packets) * u64::from(shares);
    ensure!(sample.bad() == 0 && opened == all, "of {all} shares {opened} were opened; {:?}", sample.others);
    let checked = books.check(before_fen, opened_fen).await?;
    let latency_us: &Histogram<u64> = &sample.latency_us;
    Ok(Crowded {
        packets,
        people: guests,
        requests: sample.good,
        opened,
        sold_out: crowd.sold_out.get(),
        lasted: sample.lasted,
        latency_ms: Latency::of(latency_us),
        cpu: cpu.each(sample.good),
        checked,
    })
}

/// Guests who grab, and open at once if they got something.
struct Crowd {
    book: Rc<Book>,
    /// Vouchers that wait: packet, person, voucher.
    won: RefCell<VecDeque<(u32, u32, Box<str>)>>,
    /// What each request asked for.
    steps: RefCell<Vec<Step>>,
    sold_out: Cell<u64>,
}

#[derive(Clone, Copy)]
enum Step {
    Grab(u32, u32),
    Open,
}

impl Job for Crowd {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        let book = &self.book;
        let won = self.won.borrow_mut().pop_front();
        let step = match won {
            Some((packet, person, voucher)) => {
                open_request(out, book.shares.name(packet), book.people.token(person), &voucher);
                Step::Open
            }
            None => {
                let (packet, place) = book.shares.take()?;
                let person = book.people.taker(packet, place);
                grab_request(out, book.shares.name(packet), book.people.token(person));
                Step::Grab(packet, person)
            }
        };
        let mut steps = self.steps.borrow_mut();
        steps.push(step);
        u32::try_from(steps.len() - 1).ok()
    }

    fn answered(&self, number: u32, status: u16, body: &[u8]) -> bool {
        let step = self.steps.borrow()[number as usize];
        match (step, status) {
            (Step::Open, _) => self.book.note_opened(status, body),
            (Step::Grab(packet, person), 200) => {
                let Some(voucher) = text_field(body, "voucher") else { return false };
                self.won.borrow_mut().push_back((packet, person, voucher.into()));
                true
            }
            (Step::Grab(..), 409) => {
                self.sold_out.set(self.sold_out.get() + 1);
                text_field(body, "code") == Some("sold_out")
            }
            _ => false,
        }
    }
}
