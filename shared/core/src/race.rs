//! The race for one packet: the decisions that the Lua scripts make in Redis, as pure functions.
//!
//! **Invariant:** the same history of calls gives the same outcomes here and in `shared/spin/lua`: a test
//! runs both over random histories. The ledger decides with these functions where no Redis is left to ask.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::packet::Facts;
use crate::{Error, UserId};

/// The live state of one packet.
#[derive(Debug, Clone)]
pub struct Race {
    facts: Facts,
    epoch: u32,
    next: u32,
    opened: u32,
    is_closed: bool,
    claims: BTreeMap<UserId, Claim>,
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
    pub const fn new(facts: Facts, epoch: u32) -> Self {
        Self { facts, epoch, next: 0, opened: 0, is_closed: false, claims: BTreeMap::new() }
    }

    /// How many shares were grabbed.
    #[must_use]
    pub const fn grabbed(&self) -> u32 {
        self.next
    }

    /// How many shares were opened.
    #[must_use]
    pub const fn opened(&self) -> u32 {
        self.opened
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
        if self.next >= self.facts.count {
            return Err(Error::SoldOut);
        }
        if self.is_over(now_ms) {
            return Err(Error::Expired);
        }
        // After this point the grab must succeed.
        let seq = self.next;
        self.next = seq.saturating_add(1);
        self.claims.insert(user.clone(), Claim { seq, opened_at_ms: None });
        Ok(seq)
    }

    /// Opens `user`'s share `seq` at `now_ms`; the journal's entry is there the first time only.
    ///
    /// # Errors
    /// [`Error::NotGrabbed`] when `seq` is not bound to the user, [`Error::Expired`] after the packet's end.
    pub fn open(&mut self, user: &UserId, seq: u32, now_ms: i64) -> Result<(i64, Option<Event>), Error> {
        let is_over = self.is_over(now_ms);
        let claim = self.claims.get_mut(user).filter(|claim| claim.seq == seq).ok_or(Error::NotGrabbed)?;
        if let Some(opened_at_ms) = claim.opened_at_ms {
            return Ok((opened_at_ms, None)); // Idempotence first.
        }
        if is_over {
            return Err(Error::Expired);
        }
        // After this point the open must succeed.
        claim.opened_at_ms = Some(now_ms);
        self.opened = self.opened.saturating_add(1);
        let (packet, epoch) = (self.facts.id, self.epoch);
        Ok((now_ms, Some(Event::Open { packet, epoch, seq, user: user.clone(), opened_at_ms: now_ms })))
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
