//! What an instance remembers of packets: what can never change again, bounded in size.
//!
//! **Invariant:** memory only ever refuses. That a packet is sold out or over is remembered together with everybody
//! who has a share of it: they, whose share waits, are always asked for at the shard. No more shares are handed out by
//! then, so who is not among them has none.
//!
//! **Invariant:** a shard's refusal holds under the shard's epoch in which it was seen, and for ten seconds: a shard that
//! lost its contents and was rebuilt may have shares again. Who has a share is final by then, so that one more refusal
//! of the shard under the same epoch renews it without reading the packet again. The ledger's refusal holds for good.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use hongbao_core::packet::Facts;
use hongbao_core::{Error, Fen, PacketId, UserId};

use crate::ledger::{Packet, SharesPage};
use crate::shard::Live;

/// The most packets that an instance remembers, and the most shares they may have together.
const PACKETS_MAX: usize = 4_096;
const SHARES_MAX: u64 = 250_000;
/// How long a packet is remembered as over, or as not open yet, in milliseconds.
const OVER_MS: i64 = 10_000;
/// How long nobody reads a packet's holders again after somebody has, in milliseconds.
const ASKED_MS: i64 = 1_000;
/// How many shares are worth reading for one refusal.
const SHARES_A_REFUSAL: u32 = 1_000;
/// How long a page of a packet's shares is good for while the packet can change, in milliseconds.
const PAGE_MS: i64 = 1_000;
/// The most pages of one packet that are kept.
const PAGES_MAX: usize = 10;

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
    early: Cell<Option<Early>>,
    over: RefCell<Option<Over>>,
    refusals: Cell<u32>,
    asked_at_ms: Cell<Option<i64>>,
    ended: OnceCell<Ended>,
    pages: RefCell<Pages>,
}

/// Pages of shares by the number after which they begin, each with the time at which it was read.
type Pages = BTreeMap<Option<u32>, (i64, Rc<SharesPage>)>;

/// When a shard said how long it is until the packet opens, and what it said.
#[derive(Clone, Copy)]
struct Early {
    seen_at_ms: i64,
    wait_ms: i64,
}

/// A packet about which nothing can change any more.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The packet.
    pub packet: Packet,
    /// The number of shares grabbed.
    pub grabbed: u32,
}

/// Why nobody gets a share any more, and who has one.
struct Over {
    why: Error,
    /// The shard's epoch under which it was seen; none when the ledger said so, for good.
    epoch: Option<u32>,
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

    /// Keeps a packet's facts, which never change: whoever read them at the same time has the same memory.
    pub fn keep(&self, facts: Facts) -> Rc<Remembered> {
        let mut packets = self.packets.borrow_mut();
        if let Some(known) = packets.get(&facts.id) {
            return known.clone();
        }
        let shares = |packet: &Remembered| u64::from(packet.facts.count);
        self.shares.set(self.shares.get().saturating_add(facts.count.into()));
        while packets.len() >= PACKETS_MAX || self.shares.get() > SHARES_MAX {
            let Some((_, oldest)) = packets.pop_first() else { break };
            self.shares.set(self.shares.get().saturating_sub(shares(&oldest)));
        }
        let packet = Rc::new(Remembered::new(facts));
        packets.insert(packet.facts.id, packet.clone());
        packet
    }
}

impl Remembered {
    fn new(facts: Facts) -> Self {
        Self {
            facts,
            amounts: OnceCell::new(),
            early: Cell::new(None),
            over: RefCell::new(None),
            refusals: Cell::new(0),
            asked_at_ms: Cell::new(None),
            ended: OnceCell::new(),
            pages: RefCell::default(),
        }
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
        let over = over.as_ref()?;
        let is_fresh = || (over.seen_at_ms..over.seen_at_ms.saturating_add(OVER_MS)).contains(&now_ms);
        let holds = over.epoch.is_none() || (over.epoch == epoch && is_fresh());
        (holds && over.holders.binary_search(&hash(user)).is_err()).then(|| over.why.clone())
    }

    /// Notes that a shard refused because the packet opens `wait_ms` later.
    pub fn note_early(&self, wait_ms: i64, now_ms: i64) {
        self.early.set(Some(Early { seen_at_ms: now_ms, wait_ms }));
    }

    /// How long it still is until the packet opens, in milliseconds: what a shard said a moment ago, less the time that
    /// went by. This instance's clock may be wrong; its pace is not.
    #[must_use]
    pub fn early_ms(&self, now_ms: i64) -> Option<i64> {
        let Early { seen_at_ms, wait_ms } = self.early.get()?;
        let gone_ms = now_ms.checked_sub(seen_at_ms).filter(|gone_ms| (0..OVER_MS).contains(gone_ms))?;
        Some(wait_ms.saturating_sub(gone_ms))
    }

    /// Notes that a shard refused once more for the reason `why`, under `epoch`: whether the holders have to be read.
    /// They are for a packet of up to a thousand shares, after some refusals for a larger one, by one caller a second.
    #[must_use]
    pub fn note_refusal(&self, why: &Error, epoch: u32, now_ms: i64) -> bool {
        let is_known = |over: &&mut Over| over.epoch.is_none() || (over.epoch == Some(epoch) && over.why == *why);
        if let Some(over) = self.over.borrow_mut().as_mut().filter(is_known) {
            over.seen_at_ms = now_ms;
            return false;
        }
        self.refusals.set(self.refusals.get().saturating_add(1));
        let is_worth_it = self.refusals.get().saturating_mul(SHARES_A_REFUSAL) >= self.facts.count;
        let was_asked = |at_ms: i64| (at_ms..at_ms.saturating_add(ASKED_MS)).contains(&now_ms);
        if !is_worth_it || self.asked_at_ms.get().is_some_and(was_asked) {
            return false;
        }
        self.asked_at_ms.set(Some(now_ms));
        true
    }

    /// Remembers that nobody gets a share any more, for the reason `why`, seen under `epoch`; `live` was read after.
    pub fn note_over(&self, why: &Error, epoch: u32, live: &Live, now_ms: i64) {
        // Somebody whose claim could not be read would be refused what they have.
        if u32::try_from(live.claims.len()) != Ok(live.grabbed) {
            return;
        }
        self.keep_over(why, Some(epoch), now_ms, live.claims.keys());
    }

    /// Remembers that the packet is over, as the ledger says; `holders` is everybody who was paid a share of it.
    pub fn note_over_for_good<'a>(&self, why: &Error, holders: impl Iterator<Item = &'a UserId>) {
        self.keep_over(why, None, 0, holders);
    }

    fn keep_over<'a>(
        &self,
        why: &Error,
        epoch: Option<u32>,
        seen_at_ms: i64,
        holders: impl Iterator<Item = &'a UserId>,
    ) {
        let mut holders: Vec<u64> = holders.map(hash).collect();
        holders.sort_unstable();
        *self.over.borrow_mut() = Some(Over { why: why.clone(), epoch, seen_at_ms, holders });
    }

    /// Notes that `user` has a share: if the packet is remembered as over without them, it is not.
    pub fn note_holder(&self, user: &UserId) {
        self.over.borrow_mut().take_if(|over| over.epoch.is_some() && over.holders.binary_search(&hash(user)).is_err());
    }

    /// The packet once nothing about it can change.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.get()
    }

    /// Remembers the packet if nothing about it can change any more: every share is paid, or what was left is back.
    pub fn note_end(&self, packet: &Packet, grabbed: u32) {
        if packet.has_ended() && self.ended.get().is_none() {
            self.pages.borrow_mut().clear();
            self.ended.get_or_init(|| Ended { packet: packet.clone(), grabbed });
        }
    }

    /// The page of shares after the number `after`, as it was read a moment ago, or for good once the packet has ended.
    #[must_use]
    pub fn page(&self, after: Option<u32>, now_ms: i64) -> Option<Rc<SharesPage>> {
        let pages = self.pages.borrow();
        let (read_at_ms, page) = pages.get(&after)?;
        let is_fresh = (*read_at_ms..read_at_ms.saturating_add(PAGE_MS)).contains(&now_ms);
        (is_fresh || self.ended.get().is_some()).then(|| page.clone())
    }

    /// Keeps a page that was read when the packet had ended or, `was_running`, not yet.
    pub fn keep_page(&self, after: Option<u32>, page: Rc<SharesPage>, was_running: bool, now_ms: i64) {
        // A page from before the end is good for a moment only, and would be taken for the last word.
        if was_running && self.ended.get().is_some() {
            return;
        }
        let mut pages = self.pages.borrow_mut();
        while pages.len() >= PAGES_MAX && !pages.contains_key(&after) {
            pages.pop_last();
        }
        pages.insert(after, (now_ms, page));
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
        Live { grabbed: users.len().try_into().expect("few"), claims: claims.collect() }
    }

    #[test]
    fn who_has_a_share_is_never_refused_from_memory_and_nobody_for_long_or_under_another_epoch() {
        let packet = Memory::default().keep(facts(1, 2));
        assert!(packet.note_refusal(&Error::SoldOut, 7, 5_000));
        packet.note_over(&Error::SoldOut, 7, &live(&["us_a", "us_b"]), 5_000);
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
    fn what_the_ledger_says_is_over_stays_over_under_any_epoch() {
        let packet = Memory::default().keep(facts(1, 2));
        packet.note_over_for_good(&Error::Expired, [user("us_a")].iter());
        for (epoch, now_ms) in [(Some(7), 5_000), (Some(8), 1 << 50), (None, 0)] {
            assert_eq!(packet.refusal(&user("us_late"), epoch, now_ms), Some(Error::Expired), "{epoch:?} {now_ms}");
            assert_eq!(packet.refusal(&user("us_a"), epoch, now_ms), None, "who has a share is asked for");
        }
        assert!(!packet.note_refusal(&Error::SoldOut, 7, 5_000), "there is nothing to read any more");
    }

    #[test]
    fn one_more_refusal_renews_what_is_remembered_and_one_caller_a_second_reads_the_holders() {
        let packet = Memory::default().keep(facts(1, 2_500));
        let asks = [0, 1, 2, 3, 999, 1_002, 1_003].map(|now_ms| packet.note_refusal(&Error::SoldOut, 7, now_ms));
        assert_eq!(asks, [false, false, true, false, false, true, false], "after three refusals, once a second");
        packet.note_over(&Error::SoldOut, 7, &live(&["us_a"]), 2_000);
        let late = |epoch, now_ms| packet.refusal(&user("us_late"), Some(epoch), now_ms).is_some();
        assert!(late(7, 11_999) && !late(7, 12_000));
        assert!(!packet.note_refusal(&Error::SoldOut, 7, 12_000) && late(7, 21_999));
        assert!(packet.note_refusal(&Error::SoldOut, 8, 22_000), "another epoch has other holders");
        packet.note_holder(&user("us_a"));
        assert!(late(7, 21_999));
        packet.note_holder(&user("us_b"));
        assert!(!late(7, 21_999), "somebody got a share after all");
    }

    #[test]
    fn what_a_shard_said_of_the_start_counts_and_not_the_instances_clock() {
        let packet = Memory::default().keep(Facts { starts_at_ms: 500_000, ..facts(1, 2) });
        assert_eq!(packet.early_ms(0), None);
        packet.note_early(60_000, 1_000_000);
        let waits = [1_000_000, 1_009_999, 1_010_000, 999_999].map(|now_ms| packet.early_ms(now_ms));
        assert_eq!(waits, [Some(60_000), Some(50_001), None, None]);
    }

    #[test]
    fn a_claim_that_cannot_be_read_keeps_the_end_from_being_remembered() {
        let packet = Memory::default().keep(facts(1, 2));
        packet.note_over(&Error::SoldOut, 7, &Live { grabbed: 2, ..live(&["us_a"]) }, 5_000);
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
