//! The race for one packet: the decisions that the Lua scripts make in Redis, as pure functions.
//!
//! **Invariant:** the same history of calls gives the same outcomes here and in `shared/spin/lua`: a test
//! runs both over random histories.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Event;
use crate::packet::Facts;
use crate::{Error, UserId};

/// The live state of one packet.
#[derive(Debug, Clone)]
pub struct Race {
    facts: Facts,
    epoch: u32,
    grabbed: u32,
    opened: u32,
    is_closed: bool,
    is_rebuilt: bool,
    claims: BTreeMap<UserId, Claim>,
    contests: BTreeSet<UserId>,
}

/// One user's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The share's number, from 0.
    pub seq: u32,
    /// When it was opened, Unix milliseconds; absent while it is only grabbed.
    pub opened_at_ms: Option<i64>,
}

impl Race {
    /// A packet nobody has grabbed from.
    #[must_use]
    pub fn new(facts: Facts, epoch: u32) -> Self {
        let (claims, contests) = (BTreeMap::new(), BTreeSet::new());
        Self { facts, epoch, grabbed: 0, opened: 0, is_closed: false, is_rebuilt: false, claims, contests }
    }

    /// A packet put back after a loss: the ledger knows the opened shares it has settled, and nobody the others.
    #[must_use]
    pub fn rebuilt(facts: Facts, epoch: u32, settled: BTreeMap<UserId, Claim>) -> Self {
        let opened = u32::try_from(settled.len()).unwrap_or(u32::MAX);
        Self { grabbed: opened, opened, is_rebuilt: true, claims: settled, ..Self::new(facts, epoch) }
    }

    /// The epoch it was loaded or rebuilt under.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// How many shares were grabbed.
    #[must_use]
    pub const fn grabbed(&self) -> u32 {
        self.grabbed
    }

    /// How many shares were opened.
    #[must_use]
    pub const fn opened(&self) -> u32 {
        self.opened
    }

    /// Whether it was closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether it was put back after a loss.
    #[must_use]
    pub const fn is_rebuilt(&self) -> bool {
        self.is_rebuilt
    }

    /// Who has which share.
    #[must_use]
    pub const fn claims(&self) -> &BTreeMap<UserId, Claim> {
        &self.claims
    }

    /// Who presented a receipt for a share that somebody else has.
    #[must_use]
    pub const fn contests(&self) -> &BTreeSet<UserId> {
        &self.contests
    }

    /// Binds the next share to `user` at `now_ms`, or answers the share the user has already.
    ///
    /// # Errors
    /// [`Error::NotStarted`], [`Error::Expired`] or [`Error::SoldOut`].
    pub fn grab(&mut self, user: &UserId, now_ms: i64) -> Result<u32, Error> {
        if let Some(claim) = self.claims.get(user) {
            return Ok(claim.seq); // Idempotence first.
        }
        if now_ms < self.facts.starts_at_ms {
            return Err(Error::NotStarted { retry_after_ms: self.facts.starts_at_ms.saturating_sub(now_ms) });
        }
        let Some(seq) = self.next_seq() else { return Err(Error::SoldOut) };
        if self.is_over(now_ms) {
            return Err(Error::Expired);
        }
        // After this point the grab must succeed.
        self.grabbed = self.grabbed.saturating_add(1);
        self.claims.insert(user.clone(), Claim { seq, opened_at_ms: None });
        Ok(seq)
    }

    /// The next share to hand out. After a loss from the top, since receipts from before it have low numbers.
    fn next_seq(&self) -> Option<u32> {
        if self.grabbed >= self.facts.count {
            return None;
        }
        if !self.is_rebuilt {
            return Some(self.grabbed);
        }
        let taken: BTreeSet<u32> = self.claims.values().map(|claim| claim.seq).collect();
        (0..self.facts.count).rev().find(|seq| !taken.contains(seq))
    }

    /// Opens `user`'s share `seq` at `now_ms`, as a voucher of `epoch` says. The journal's entry is there the first
    /// time only. `may_forget`: the shard is not the process any more under which its epoch began.
    ///
    /// A voucher from before a loss is a receipt: it gets its share if that is still free, even if the user has
    /// grabbed another one since (that one goes back), and else it is journaled as contested. One of this very epoch
    /// that is not known here is wrong, and journaled too, where the shard cannot have forgotten it.
    ///
    /// # Errors
    /// [`Error::NotGrabbed`] when `seq` is not bound to the user, [`Error::Expired`] after the packet's end,
    /// [`Error::Contested`] for a receipt whose share somebody else has, [`Error::Unavailable`] for a voucher of this
    /// very epoch that is not known here and may be forgotten: the shard stops to be trusted.
    pub fn open(
        &mut self,
        user: &UserId,
        seq: u32,
        epoch: u32,
        may_forget: bool,
        now_ms: i64,
    ) -> (Result<i64, Error>, Option<Event>) {
        let claim = self.claims.get(user).copied();
        let is_bound = claim.is_some_and(|claim| claim.seq == seq);
        let opened_at_ms = claim.and_then(|claim| claim.opened_at_ms);
        if let Some(opened_at_ms) = opened_at_ms.filter(|_| is_bound) {
            return (Ok(opened_at_ms), None); // Idempotence first.
        }
        let is_of_now = !is_bound && epoch >= self.epoch;
        if is_of_now && opened_at_ms.is_none() && may_forget {
            return (Err(Error::Unavailable(format!("share {seq} of {user} is forgotten"))), None);
        }
        if is_of_now {
            // Who has opened another share gave this one back with that.
            let is_wrong = opened_at_ms.is_none() && self.contests.insert(user.clone());
            return (Err(Error::NotGrabbed), is_wrong.then(|| self.contest(user, seq, now_ms)));
        }
        if !is_bound && !self.is_rebuilt {
            return (Err(Error::NotGrabbed), None);
        }
        let is_free = opened_at_ms.is_none() && !self.claims.values().any(|claim| claim.seq == seq);
        if !is_bound && (self.is_over(now_ms) || !is_free) {
            let is_first = self.contests.insert(user.clone());
            let refusal = if self.is_over(now_ms) { Error::Expired } else { Error::Contested };
            return (Err(refusal), is_first.then(|| self.contest(user, seq, now_ms)));
        }
        if self.is_over(now_ms) {
            return (Err(Error::Expired), None);
        }
        // After this point the open must succeed.
        if claim.is_none() {
            self.grabbed = self.grabbed.saturating_add(1);
        }
        self.claims.insert(user.clone(), Claim { seq, opened_at_ms: Some(now_ms) });
        self.opened = self.opened.saturating_add(1);
        let (packet, epoch, user) = (self.facts.id, self.epoch, user.clone());
        (Ok(now_ms), Some(Event::Open { packet, epoch, seq, user, opened_at_ms: now_ms }))
    }

    fn contest(&self, user: &UserId, seq: u32, at_ms: i64) -> Event {
        Event::Contest { packet: self.facts.id, epoch: self.epoch, seq, user: user.clone(), at_ms }
    }

    /// Closes the packet at `now_ms` if its time is over; the journal's entry is there the first time only.
    pub fn close(&mut self, now_ms: i64) -> Option<Event> {
        if self.is_closed || now_ms < self.facts.expires_at_ms {
            return None;
        }
        self.is_closed = true;
        let (packet, epoch) = (self.facts.id, self.epoch);
        Some(Event::Close { packet, epoch, opened: self.opened, closed_at_ms: now_ms })
    }

    const fn is_over(&self, now_ms: i64) -> bool {
        self.is_closed || now_ms >= self.facts.expires_at_ms
    }
}
