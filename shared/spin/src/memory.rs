//! What an instance remembers of packets: what can never change again, bounded in size.
//!
//! **Invariant:** memory only ever refuses. That a packet is sold out or over is remembered together with everybody
//! who has a share of it: they, whose share waits, are always asked for at the shard. No more shares are handed out by
//! then, so who is not among them has none.
//!
//! **Invariant:** such a refusal holds under the shard's epoch in which it was seen, and for ten seconds: a shard that
//! lost its contents and was rebuilt may have shares again.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use hongbao_core::packet::Facts;
use hongbao_core::{Error, Fen, PacketId, UserId};

use crate::ledger::Packet;
use crate::shard::Live;

/// The most packets that an instance remembers, and the most shares they may have together.
const PACKETS_MAX: usize = 4_096;
const SHARES_MAX: u64 = 250_000;
/// How long a packet is remembered as over, in milliseconds.
const OVER_MS: i64 = 10_000;
/// The largest packet whose end is remembered whole.
const ENDED_MAX_SHARES: u32 = 1_000;

/// The packets that an instance remembers; the oldest make room.
#[derive(Default)]
pub struct Memory {
    packets: RefCell<BTreeMap<PacketId, Rc<Remembered>>>,
    shares: Cell<u64>,
}

/// What cannot change any more about a packet.
pub struct Remembered {
    /// Its facts.
    pub facts: Facts,
    amounts: OnceCell<Vec<Fen>>,
    over: RefCell<Option<Over>>,
    refusals: Cell<u32>,
    ended: OnceCell<(Packet, Live)>,
}

/// Why nobody gets a share any more, and who has one.
struct Over {
    why: Error,
    epoch: u32,
    seen_at_ms: i64,
    /// Hashes of their ids, sorted: eight bytes a share. Two people with one hash are only asked for at the shard.
    holders: Vec<u64>,
}

impl Memory {
    /// What is remembered of a packet.
    #[must_use]
    pub fn get(&self, id: PacketId) -> Option<Rc<Remembered>> {
        self.packets.borrow().get(&id).cloned()
    }

    /// Keeps a packet's facts.
    pub fn keep(&self, facts: Facts) -> Rc<Remembered> {
        let mut packets = self.packets.borrow_mut();
        let shares = |packet: &Remembered| u64::from(packet.facts.count);
        self.shares.set(self.shares.get().saturating_add(facts.count.into()));
        while packets.len() >= PACKETS_MAX || self.shares.get() > SHARES_MAX {
            let Some((_, oldest)) = packets.pop_first() else { break };
            self.shares.set(self.shares.get().saturating_sub(shares(&oldest)));
        }
        let (id, packet) = (facts.id, Rc::new(Remembered::new(facts)));
        if let Some(before) = packets.insert(id, packet.clone()) {
            self.shares.set(self.shares.get().saturating_sub(shares(&before)));
        }
        packet
    }
}

impl Remembered {
    fn new(facts: Facts) -> Self {
        let (amounts, ended) = (OnceCell::new(), OnceCell::new());
        Self { facts, amounts, over: RefCell::new(None), refusals: Cell::new(0), ended }
    }

    /// What is in the share `seq`; `None` outside the packet. All shares are worked out once, since each depends
    /// on those before it.
    pub fn amount(&self, seq: u32) -> Option<Fen> {
        let amounts = self.amounts.get_or_init(|| self.facts.amounts());
        amounts.get(usize::try_from(seq).ok()?).copied()
    }

    /// Why `user`, who has no share, gets none any more, as far as it is remembered under `epoch`.
    #[must_use]
    pub fn refusal(&self, user: &UserId, epoch: Option<u32>, now_ms: i64) -> Option<Error> {
        let over = self.over.borrow();
        let over = over.as_ref().filter(|over| epoch == Some(over.epoch))?;
        let is_fresh = (over.seen_at_ms..over.seen_at_ms.saturating_add(OVER_MS)).contains(&now_ms);
        (is_fresh && over.holders.binary_search(&hash(user)).is_err()).then(|| over.why.clone())
    }

    /// Whether it is worth fetching who has a share, now that a shard has refused once more: at once for a packet of
    /// up to a thousand shares, after some refusals for a larger one.
    #[must_use]
    pub fn is_worth_asking(&self) -> bool {
        self.refusals.set(self.refusals.get().saturating_add(1));
        self.refusals.get().saturating_mul(ENDED_MAX_SHARES) >= self.facts.count
    }

    /// Remembers that nobody gets a share any more, for the reason `why`, seen under `epoch`; `live` was read after.
    pub fn is_over(&self, why: &Error, epoch: u32, live: &Live, now_ms: i64) {
        // Somebody whose claim could not be read would be refused what they have.
        if u32::try_from(live.claims.len()) != Ok(live.grabbed) {
            return;
        }
        let mut holders: Vec<u64> = live.claims.keys().map(hash).collect();
        holders.sort_unstable();
        *self.over.borrow_mut() = Some(Over { why: why.clone(), epoch, seen_at_ms: now_ms, holders });
    }

    /// The packet and its shares once nothing about them can change.
    #[must_use]
    pub fn ended(&self) -> Option<&(Packet, Live)> {
        self.ended.get()
    }

    /// Remembers the packet and its shares if nothing about them can change any more: every share is paid, or what was
    /// left is back.
    pub fn note_end(&self, packet: &Packet, live: &Live) {
        let is_finished = packet.settled >= packet.facts.count;
        let has_ended = is_finished && live.opened == packet.settled || packet.refunded.is_some();
        if has_ended && packet.facts.count <= ENDED_MAX_SHARES {
            self.ended.get_or_init(|| (packet.clone(), live.clone()));
        }
    }
}

fn hash(user: &UserId) -> u64 {
    let mut hasher = DefaultHasher::new();
    user.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use hongbao_core::packet::{Facts, Recipient};
    use hongbao_core::race::Claim;
    use hongbao_core::split::Kind;
    use hongbao_core::{Error, Fen, PacketId, UserId};

    use super::{Memory, PACKETS_MAX, SHARES_MAX};
    use crate::shard::Live;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("a user")
    }

    fn facts(number: u64, count: u32) -> Facts {
        Facts {
            id: PacketId::new(number, 0, number),
            sender: user("us_sender"),
            kind: Kind::Equal,
            total: Fen::new(count.into()).expect("an amount"),
            count,
            to: Recipient::parse("g_all").expect("a group"),
            password_mac: None,
            seed: [1; 32],
            starts_at_ms: 0,
            expires_at_ms: 1_000_000,
        }
    }

    fn live(users: &[&str]) -> Live {
        let claims = users.iter().zip(0..).map(|(name, seq)| (user(name), Claim { seq, opened_at_ms: None }));
        Live { grabbed: users.len().try_into().expect("few"), opened: 0, is_closed: false, claims: claims.collect() }
    }

    #[test]
    fn who_has_a_share_is_never_refused_from_memory_and_nobody_for_long_or_under_another_epoch() {
        let packet = Memory::default().keep(facts(1, 2));
        assert!(packet.is_worth_asking());
        packet.is_over(&Error::SoldOut, 7, &live(&["us_a", "us_b"]), 5_000);
        assert_eq!(packet.refusal(&user("us_late"), Some(7), 5_000), Some(Error::SoldOut));
        assert_eq!(packet.refusal(&user("us_late"), Some(7), 14_999), Some(Error::SoldOut));
        for (name, epoch, now_ms) in [
            ("us_a", Some(7), 5_000),
            ("us_b", Some(7), 5_000),
            ("us_late", Some(8), 5_000),
            ("us_late", None, 5_000),
            ("us_late", Some(7), 15_000),
            ("us_late", Some(7), 4_999),
        ] {
            assert_eq!(packet.refusal(&user(name), epoch, now_ms), None, "{name} {epoch:?} {now_ms}");
        }
    }

    #[test]
    fn a_claim_that_cannot_be_read_keeps_the_end_from_being_remembered() {
        let packet = Memory::default().keep(facts(1, 2));
        packet.is_over(&Error::SoldOut, 7, &Live { grabbed: 2, ..live(&["us_a"]) }, 5_000);
        assert_eq!(packet.refusal(&user("us_late"), Some(7), 5_000), None);
    }

    #[test]
    fn memory_is_bounded_by_packets_and_by_shares() {
        let memory = Memory::default();
        (0..10_000).for_each(|number| drop(memory.keep(facts(number, 1))));
        assert!(memory.get(PacketId::new(0, 0, 0)).is_none() && memory.get(PacketId::new(9_999, 0, 9_999)).is_some());
        assert!(memory.packets.borrow().len() <= PACKETS_MAX);
        (0..100).for_each(|number| drop(memory.keep(facts(20_000 + number, 10_000))));
        (0..100).for_each(|_| drop(memory.keep(facts(20_099, 10_000))));
        assert!(memory.shares.get() <= SHARES_MAX && memory.packets.borrow().len() <= 25, "{}", memory.shares.get());
    }
}
