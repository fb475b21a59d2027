//! The eve: for every packet sent, 2.6 shares are grabbed and opened, all of it mixed, with the settlement at work.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;

use super::Stage;
use crate::books::{Books, Checked};
use crate::jobs::{grab_request, open_request};
use crate::load::{Arrivals, Job, Latency, Sample, closed, histogram, open};
use crate::packets::{FEN_A_SHARE, Senders};
use crate::people::{GROUP, People};
use crate::race::connect;
use crate::request::{number_field, post, text_field};
use crate::site::{Cpu, Site};

/// Thirteen shares in five packets are 2.6 a packet.
const SHARES: [u32; 5] = [3, 2, 3, 2, 3];
const CONNECTIONS: usize = 128;
/// How often the journal is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What came of the eve.
#[derive(Debug, Clone)]
pub(crate) struct Evening {
    /// Packets sent and shares opened a second, as fast as it goes.
    pub(crate) highest: (f64, f64),
    /// The same at half of that, as people come.
    pub(crate) sent: f64,
    pub(crate) opened: f64,
    pub(crate) latency_ms: Latency,
    /// The age of the oldest unsettled entry, in milliseconds, over the time at half rate.
    pub(crate) lag_ms: Latency,
    /// Processor time for each packet with its shares.
    pub(crate) cpu: Cpu,
    pub(crate) checked: Checked,
}

/// Plays it as fast as it goes, then at half of that.
pub(crate) async fn run(stage: &Stage, site: &Site, senders: &Senders) -> Result<Evening> {
    let books = Books::of(site);
    books.settled().await?;
    let before_fen = books.wallets_fen().await?;
    let eve = Rc::new(Eve::new(stage, senders));
    let half = stage.effort.paced / 2;
    let fast = closed(site.address, stage.effort.connections, half, Rc::clone(&eve) as Rc<dyn Job>).await?;
    ensure!(fast.bad() == 0, "refused: {:?}", fast.others);
    let seconds = fast.lasted.as_secs_f64();
    let (sent, opened) = (eve.sent.get(), eve.opened.get());
    let highest = (f64::from(sent) / seconds, opened as f64 / seconds);
    books.settled().await?;

    let redis = site.stack.redis.first().context("there is no shard")?.url();
    let lag = Rc::new(RefCell::new(histogram()));
    let looking = tokio::task::spawn_local(watch(redis, Rc::clone(&lag)));
    let cpu = site.cpu();
    let rate = fast.rate() / 2.0;
    let arrivals =
        Arrivals { rate, lasting: stage.effort.paced, seed: 5, connections: CONNECTIONS, do_wait: true, slice: None };
    let paced: Sample = open(site.address, arrivals, Rc::clone(&eve) as Rc<dyn Job>).await?;
    ensure!(paced.bad() == 0, "refused: {:?}", paced.others);
    looking.abort();
    let lag_ms = Latency::of(&lag.borrow());
    books.settled().await?;
    let packets = eve.sent.get() - sent;
    let cpu = site.cpu().since(cpu).each(packets.into());
    let seconds = paced.lasted.as_secs_f64();
    let checked = books.check(before_fen, eve.opened_fen.get() - eve.sent_fen.get()).await?;
    Ok(Evening {
        highest,
        sent: f64::from(packets) / seconds,
        opened: (eve.opened.get() - opened) as f64 / seconds,
        latency_ms: paced.latency(),
        lag_ms,
        cpu,
        checked,
    })
}

/// Notes how old the oldest entry of the journal is, over and over.
async fn watch(redis: String, lag_us: Rc<RefCell<Histogram<u64>>>) -> Result<()> {
    let mut redis = connect(redis).await?;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let mut look = redis::pipe();
        look.cmd("TIME").cmd("XRANGE").arg("hb:{0}:events").arg("-").arg("+").arg("COUNT").arg(1);
        type Entries = Vec<(String, Vec<String>)>;
        let ((seconds, microseconds), oldest): ((u64, u64), Entries) = look.query_async(&mut redis).await?;
        let written_ms = oldest.first().and_then(|(id, _)| id.split_once('-')?.0.parse::<u64>().ok());
        let age_us = written_ms.map(|ms| (seconds * 1_000_000 + microseconds).saturating_sub(ms * 1_000));
        lag_us.borrow_mut().saturating_record(age_us.unwrap_or_default());
    }
}

/// The next thing that somebody wants to do.
#[derive(Clone)]
enum Step {
    Wrap { sender: u32 },
    Send { sender: u32, quote: Box<str> },
    Grab { packet: Rc<str>, person: u32 },
    Open { packet: Rc<str>, person: u32, voucher: Box<str> },
}

struct Eve {
    people: Rc<People>,
    sender_tokens: Vec<String>,
    /// What waits to be done; somebody wraps another packet when nothing does.
    steps: RefCell<VecDeque<Step>>,
    /// What is being done, by the request's number.
    asked: RefCell<Vec<Option<Step>>>,
    wrapped: Cell<u32>,
    sent: Cell<u32>,
    sent_fen: Cell<i64>,
    opened: Cell<u64>,
    opened_fen: Cell<i64>,
}

impl Eve {
    fn new(stage: &Stage, senders: &Senders) -> Self {
        Self {
            people: Rc::clone(&stage.people),
            sender_tokens: senders.tokens(),
            steps: RefCell::default(),
            asked: RefCell::default(),
            wrapped: Cell::new(0),
            sent: Cell::new(0),
            sent_fen: Cell::new(0),
            opened: Cell::new(0),
            opened_fen: Cell::new(0),
        }
    }

    fn shares(number: u32) -> u32 {
        SHARES[number as usize % SHARES.len()]
    }

    /// What follows from an answer; `None` when it is not the hoped one.
    fn follow(&self, step: Step, status: u16, body: &[u8]) -> Option<()> {
        let mut steps = self.steps.borrow_mut();
        match step {
            Step::Wrap { sender } if status == 200 => {
                steps.push_back(Step::Send { sender, quote: text_field(body, "quote")?.into() });
            }
            Step::Send { sender, .. } if status == 201 => {
                let packet: Rc<str> = text_field(body, "packet_id")?.into();
                let shares = Self::shares(sender);
                self.sent.set(self.sent.get() + 1);
                self.sent_fen.set(self.sent_fen.get() + i64::from(shares) * FEN_A_SHARE);
                let takers = (0..shares).map(|place| self.people.taker(sender, place));
                steps.extend(takers.map(|person| Step::Grab { packet: Rc::clone(&packet), person }));
            }
            Step::Grab { packet, person } if status == 200 => {
                steps.push_back(Step::Open { packet, person, voucher: text_field(body, "voucher")?.into() });
            }
            Step::Open { .. } if status == 200 => {
                self.opened.set(self.opened.get() + 1);
                self.opened_fen.set(self.opened_fen.get() + number_field(body, "amount_fen")?);
            }
            _ => return None,
        }
        Some(())
    }
}

impl Job for Eve {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        let waiting = self.steps.borrow_mut().pop_front();
        let step = waiting.unwrap_or_else(|| Step::Wrap { sender: self.wrapped.replace(self.wrapped.get() + 1) });
        let sender_token = |sender: u32| &self.sender_tokens[sender as usize % self.sender_tokens.len()];
        match &step {
            Step::Wrap { sender } => {
                let (shares, token) = (Self::shares(*sender), sender_token(*sender));
                let total_fen = i64::from(shares) * FEN_A_SHARE;
                let body = format_args!(
                    r#"{{"kind":"lucky","total_fen":{total_fen},"count":{shares},"to":{{"group":"{GROUP}"}}}}"#
                )
                .to_string();
                post(out, format_args!("/v1/wrap"), token, format_args!("{body}"));
            }
            Step::Send { sender, quote } => {
                post(out, format_args!("/v1/send"), sender_token(*sender), format_args!(r#"{{"quote":"{quote}"}}"#));
            }
            Step::Grab { packet, person } => grab_request(out, packet, self.people.token(*person)),
            Step::Open { packet, person, voucher } => open_request(out, packet, self.people.token(*person), voucher),
        }
        let mut asked = self.asked.borrow_mut();
        asked.push(Some(step));
        u32::try_from(asked.len() - 1).ok()
    }

    fn answered(&self, number: u32, status: u16, body: &[u8]) -> bool {
        let step = self.asked.borrow_mut()[number as usize].take();
        step.and_then(|step| self.follow(step, status, body)).is_some()
    }
}
