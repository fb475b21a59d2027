//! Reconciliation: the ledger against itself, the race against the ledger, and the audit's chain.
//!
//! The core (`books`) judges; here the books are read, a bounded part a call. What drifts is put on record once, and
//! the refund of a drifting packet stops until an operator has looked.

use std::collections::BTreeSet;

use hongbao_core::audit::Head;
use hongbao_core::books::{Check, Fault};
use hongbao_core::event::Event;
use hongbao_core::race::Claim;
use hongbao_core::wire::operator::ReconcileAnswer;
use hongbao_core::{Error, PacketId, UserId};

use super::findings::Findings;
use super::stats::COUNTED;
use crate::App;
use crate::ledger::List;
use crate::shard::{Backlog, Live};

/// The packets and accounts of one statement.
const PAGE: i64 = 500;
/// The packets of a shard that are compared with the race in one call.
const LIVE: i64 = 50;
/// The shares of a shard's packets that are compared in one call, and those of one packet more.
const LIVE_SHARES: usize = 20_000;
/// The acts read in one statement.
const ACTS: i64 = 500;
/// Where the reconciliation of the sweeps goes on, among the places.
const PLACE: &str = "reconcile";
/// How long an entry of a journal may wait, in milliseconds.
pub const WAIT_MAX_MS: i64 = 60_000;

/// Where a reconciliation goes on: after which packet, or with all packets done, after which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// After this packet.
    Packet(String),
    /// After this account.
    Account(String),
}

impl Default for Place {
    /// The beginning.
    fn default() -> Self {
        Self::Packet(String::new())
    }
}

impl Place {
    /// Reads what [`Display`](core::fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('.')? {
            ("packet", id) if PacketId::parse(id).is_some() => Some(Self::Packet(id.to_owned())),
            ("account", id) => Some(Self::Account(id.to_owned())),
            _ => None,
        }
    }
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Packet(id) => write!(f, "packet.{id}"),
            Self::Account(id) => write!(f, "account.{id}"),
        }
    }
}

impl App {
    /// Looks at up to `limit` packets and accounts from `place` on; at the start also at everything that is not one
    /// by one. Puts on record what drifts.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer. A shard that does not is a check that fails.
    pub async fn reconcile(&self, place: Place, limit: i64) -> Result<ReconcileAnswer, Error> {
        let (is_start, mut findings) = (place == Place::default(), Findings::default());
        if is_start {
            self.check_audit(&mut findings).await?;
            self.check_shards(&mut findings).await?;
        }
        let (net_fen, next) = self.check_pages(place, limit, &mut findings).await?;
        let ledger = self.ledger().await?;
        if is_start {
            let (sum_fen, accounts) = ledger.all_balances().await?;
            findings.looked(Check::Postings, format!("{accounts} accounts"));
            let text = format!("the balances sum to {sum_fen} fen");
            match sum_fen {
                0 => {}
                // Every other account was looked at: what they do not explain is wrong with the world.
                _ if next.is_none() && sum_fen != net_fen => {
                    findings.blame("world", vec![Fault { check: Check::Postings, drift_fen: sum_fen.abs(), text }]);
                }
                _ => findings.problem(Check::Postings, sum_fen.abs(), text),
            }
        }
        ledger.record_drift(&findings.drifts(), self.now_ms()).await?;
        Ok(findings.answer(next.map(|next| next.to_string())))
    }

    /// Reconciles a part of the books, from where the last call stopped; answers how many checks failed.
    ///
    /// # Errors
    /// As for [`reconcile`](Self::reconcile).
    pub async fn reconcile_on(&self, limit: i64) -> Result<usize, Error> {
        // Not in memory: an instance may live for one sweep only.
        let ledger = self.ledger().await?;
        let after = ledger.place(PLACE).await?;
        let answer = self.reconcile(Place::parse(&after).unwrap_or_default(), limit).await?;
        let next = answer.next.clone().unwrap_or_default();
        if next != after {
            ledger.set_place(PLACE, &next).await?;
        }
        Ok(answer.checks.iter().filter(|check| !check.ok).count())
    }

    /// Everything that is wrong about one packet or account.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn faults_of(&self, subject: &str) -> Result<Vec<Fault>, Error> {
        let ledger = self.ledger().await?;
        let Some(id) = PacketId::parse(subject) else {
            let books = ledger.account_books(&[subject.to_owned()]).await?;
            return Ok(books.iter().flat_map(|books| books.faults()).collect());
        };
        let books = ledger.packet_books(&[subject.to_owned()]).await?;
        let mut faults: Vec<_> = books.iter().flat_map(|(_, books)| books.faults()).collect();
        let accounts = ledger.account_books(&[format!("packet:{subject}")]).await?;
        faults.extend(accounts.iter().flat_map(|books| books.faults()));
        let is_live = ledger.packet(id).await?.is_some_and(|packet| !packet.is_over() && !packet.is_in_sql);
        if is_live {
            faults.extend(self.faults_of_race(id).await?.0);
        }
        Ok(faults)
    }

    /// Looks at packets, then accounts; answers by how much the accounts differ from their postings together, and
    /// where to go on.
    async fn check_pages(
        &self,
        mut place: Place,
        limit: i64,
        findings: &mut Findings,
    ) -> Result<(i64, Option<Place>), Error> {
        let ledger = self.ledger().await?;
        let (mut packets, mut accounts, mut net_fen) = (0, 0, 0_i64);
        let next = loop {
            let left = limit - packets - accounts;
            if left <= 0 {
                break Some(place);
            }
            place = match place {
                Place::Packet(after) => {
                    let ids = ledger.packet_page(&after, left.min(PAGE)).await?;
                    for (id, books) in ledger.packet_books(&ids).await? {
                        findings.blame(&id, books.faults());
                        packets += 1;
                    }
                    ids.last().map_or_else(|| Place::Account(String::new()), |last| Place::Packet(last.clone()))
                }
                Place::Account(after) => {
                    let ids = ledger.account_page(&after, left.min(PAGE)).await?;
                    for books in ledger.account_books(&ids).await? {
                        findings.blame(&books.id, books.faults());
                        net_fen = net_fen.saturating_add(books.balance_fen.saturating_sub(books.postings_fen));
                        accounts += 1;
                    }
                    match ids.last() {
                        Some(last) => Place::Account(last.clone()),
                        None => break None,
                    }
                }
            };
        };
        findings.looked(Check::Balances, format!("{accounts} accounts"));
        for check in [Check::Packets, Check::Claims, Check::Refunds] {
            findings.looked(check, format!("{packets} packets"));
        }
        Ok((net_fen, next))
    }

    async fn check_audit(&self, findings: &mut Findings) -> Result<(), Error> {
        let (ledger, mut head) = (self.ledger().await?, Head::default());
        loop {
            let links = ledger.audit_after(head.number, ACTS).await?;
            if links.is_empty() {
                findings.looked(Check::Audit, format!("{} acts, the last hash is {}", head.number, head.hash));
                return Ok(());
            }
            for link in &links {
                match head.follow(link) {
                    Ok(next) => head = next,
                    Err(broken) => {
                        findings.problem(Check::Audit, 0, broken);
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Looks at the journals, and compares the race with the ledger for the packets that are being opened.
    async fn check_shards(&self, findings: &mut Findings) -> Result<(), Error> {
        let mut down = Vec::new();
        for shard in self.shards() {
            let number = shard.number;
            let backlog = async {
                self.connect(shard).await?;
                shard.backlog().await
            };
            match backlog.await {
                Ok(Backlog { entries, oldest_ms, .. }) if oldest_ms > WAIT_MAX_MS => {
                    let text = format!("shard {number}: {entries} entries wait, the oldest for {oldest_ms} ms");
                    findings.problem(Check::Journal, 0, text);
                }
                Ok(Backlog { entries, .. }) => {
                    findings.looked(Check::Journal, format!("shard {number}: {entries} wait"))
                }
                Err(error) => {
                    down.push(number);
                    eprintln!("reconcile: shard {number}: {error:?}");
                    findings.problem(Check::Journal, 0, format!("shard {number} does not answer"));
                }
            }
        }
        let numbers: Vec<_> = self.shards().iter().map(|shard| shard.number).collect();
        for (number, packets) in self.packets_of_no_shard().await? {
            let many = if packets < COUNTED { "" } else { " or more" };
            let text = format!(
                "shard {number} is not configured, and {packets}{many} packets wait for it: configure it again, or give it up"
            );
            findings.problem(Check::Journal, 0, text);
        }
        let mut packets = 0;
        for number in numbers.into_iter().filter(|number| !down.contains(number)) {
            packets += self.check_live(number, findings).await?;
        }
        findings.looked(Check::Race, format!("{packets} live packets"));
        Ok(())
    }

    /// Compares the next live packets of a shard, from where the last comparison ended; answers how many.
    async fn check_live(&self, shard: u16, findings: &mut Findings) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        let list = List::Live { now_ms: self.now_ms() };
        let name = format!("{}:{shard}", list.name());
        let after = ledger.place(&name).await?;
        let page = ledger.page(list, Some(shard), &after, LIVE).await?;
        let (mut packets, mut shares) = (0, 0);
        for id in &page {
            if shares >= LIVE_SHARES {
                break;
            }
            packets += 1;
            match self.faults_of_race(*id).await {
                Ok((faults, compared)) => {
                    shares += compared;
                    findings.blame(&id.to_string(), faults);
                }
                Err(error) => {
                    findings.problem(Check::Race, 0, format!("{id} could not be compared: {:?}", error.told().code))
                }
            }
        }
        let is_end = packets == page.len() && i64::try_from(packets).is_ok_and(|found| found < LIVE);
        let last = page.get(..packets).and_then(<[_]>::last).filter(|_| !is_end);
        let next = last.map(PacketId::to_string).unwrap_or_default();
        if next != after {
            ledger.set_place(&name, &next).await?;
        }
        Ok(packets)
    }

    /// Compares one live packet's race with its claims in the ledger; answers the faults, and how many shares the race
    /// had.
    async fn faults_of_race(&self, id: PacketId) -> Result<(Vec<Fault>, usize), Error> {
        let (ledger, shard) = (self.ledger().await?, self.shard(id).await?);
        // The race, then the journal, then the ledger: what the race had opened is settled where nothing waits now.
        let Some(before) = shard.live(id).await? else { return Ok((Vec::new(), 0)) };
        let backlog = shard.backlog().await?;
        let claims = ledger.claims(id).await?;
        // And the race again: whatever is paid must be known to it.
        let Some(after) = shard.live(id).await? else { return Ok((Vec::new(), 0)) };
        let excepted = ledger.excepted(id).await?;
        let amounts = ledger.packet(id).await?.map(|packet| packet.facts.amounts()).unwrap_or_default();
        let race = Race { before, after, backlog, claims, excepted };
        let fault = |(seq, text): (u32, String)| {
            let amount = usize::try_from(seq).ok().and_then(|seq| amounts.get(seq));
            Fault { check: Check::Race, drift_fen: amount.map_or(0, |fen| fen.get()), text }
        };
        Ok((race.faults().into_iter().map(fault).collect(), race.after.claims.len()))
    }
}

/// A packet's race and its claims, read one after the other.
struct Race {
    before: Live,
    after: Live,
    backlog: Backlog,
    claims: Vec<(UserId, Claim)>,
    excepted: Vec<String>,
}

impl Race {
    /// What does not fit: the share's number, and what is wrong with it.
    fn faults(&self) -> Vec<(u32, String)> {
        let mut faults = Vec::new();
        for (user, claim) in &self.claims {
            let decided = self.after.claims.get(user).filter(|decided| decided.seq == claim.seq);
            if decided.is_none_or(|decided| decided.opened_at_ms.is_none()) {
                faults.push((claim.seq, format!("share {} was paid to {user}, who did not open it", claim.seq)));
            }
        }
        let paid: BTreeSet<(&UserId, u32)> = self.claims.iter().map(|(user, claim)| (user, claim.seq)).collect();
        for (user, claim) in &self.before.claims {
            let Some(opened_at_ms) = claim.opened_at_ms else { continue };
            // A margin for clocks: an entry that still waits is at most a minute older than it says.
            let is_due =
                self.backlog.entries == 0 || opened_at_ms < self.backlog.settled_through_ms.saturating_sub(WAIT_MAX_MS);
            let is_paid = paid.contains(&(user, claim.seq));
            if is_due && !is_paid && !self.is_excepted(user, claim.seq) {
                faults.push((claim.seq, format!("share {} was opened by {user} and not paid", claim.seq)));
            }
        }
        faults
    }

    /// Whether it is on record already why the share was not paid.
    fn is_excepted(&self, user: &UserId, seq: u32) -> bool {
        self.excepted.iter().any(|entry| match Event::of_evidence(entry) {
            Some(Event::Open { seq: other, user: who, .. }) => other == seq && who == *user,
            _ => false,
        })
    }
}
