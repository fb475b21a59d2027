//! Settlement: the journal becomes postings, a batch at a time, exactly once.
//!
//! **Invariant:** an entry is acknowledged only after the statement that settled it is committed. Settling an
//! entry again changes nothing, so a crash between the two is harmless.
//!
//! **Invariant:** amounts are worked out here from the ledger's own seed; the journal holds none.
//!
//! **Invariant:** a batch is settled while the shard is still the one it was read from, its epoch and its server
//! process, or not at all.

use std::collections::BTreeMap;

use hongbao_core::event::Event;
use hongbao_core::{Error, Fen, PacketId};

use crate::ledger::{Ledger, Settlement, Sighting};
use crate::shard::{Entry, Place, Shard, Trust, place_of};

/// The entries of the first statement, and the most of one: a quiet journal is settled in small batches at once, a
/// full one in ever larger ones.
pub const BATCH: i64 = 500;
const BATCH_MAX: i64 = 4_000;
/// A statement that takes longer is too large, in milliseconds.
const SLOW_MS: i64 = 500;
/// How long an entry may be with one reader before another takes it over, in milliseconds.
pub const STUCK_MS: i64 = 5_000;
/// How often an entry is tried before it goes to exceptions.
pub const TRIES: i64 = 5;

/// Settles all that waits in `shard`'s journal; answers how many entries that was.
///
/// `now_ms` is asked once a batch.
///
/// # Errors
/// [`Error::Unavailable`] when Redis or SQL does not answer, or the shard's epoch is over: what was not settled
/// stays in the journal.
pub async fn drain(shard: &Shard, ledger: &Ledger, consumer: &str, now_ms: impl Fn() -> i64) -> Result<usize, Error> {
    shard.answer_bell().await?;
    let mut settler = Settler::new(shard, ledger)?;
    let mut settled = 0;
    if shard.has_unacknowledged().await? {
        // Behind a ledger that is away nothing is read or taken over: a try counts only where it could succeed, and
        // what waits untouched is settled at once when the ledger is back.
        settler.try_ledger(now_ms()).await?;
        settled = settler.take_over(consumer, STUCK_MS, &now_ms).await?;
    }
    let mut size = BATCH;
    loop {
        let entries = shard.read(consumer, size).await?;
        if entries.is_empty() {
            return Ok(settled);
        }
        let begun_ms = now_ms();
        settled += settler.settle(&entries, begun_ms).await?;
        size = next_size(size, entries.len(), now_ms().saturating_sub(begun_ms));
    }
}

/// The size of the batch after one of `size`, which found so many entries and took so long: twice as large while the
/// journal fills it, half as large when it is slow.
fn next_size(size: i64, entries: usize, took_ms: i64) -> i64 {
    let is_full = i64::try_from(entries).is_ok_and(|entries| entries >= size);
    match (is_full, took_ms > SLOW_MS) {
        (_, true) => (size / 2).max(BATCH),
        (true, false) => size.saturating_mul(2).min(BATCH_MAX),
        (false, false) => size,
    }
}

/// As [`drain`], and takes every entry away from whoever is reading it: behind the fence, when nobody else may.
///
/// # Errors
/// As for [`drain`].
pub async fn drain_all(
    shard: &Shard,
    ledger: &Ledger,
    consumer: &str,
    now_ms: impl Fn() -> i64,
) -> Result<usize, Error> {
    let mut settler = Settler::new(shard, ledger)?;
    let taken = settler.take_over(consumer, 0, &now_ms).await?;
    Ok(taken + drain(shard, ledger, consumer, now_ms).await?)
}

struct Settler<'a> {
    shard: &'a Shard,
    ledger: &'a Ledger,
    /// What the shard was before anything was read: another request may come to trust it as something else.
    read_from: Trust,
    /// The shares of the packets met so far.
    amounts: BTreeMap<PacketId, Vec<Fen>>,
}

impl<'a> Settler<'a> {
    fn new(shard: &'a Shard, ledger: &'a Ledger) -> Result<Self, Error> {
        let trusted = shard.trusted().ok_or_else(|| Error::Unavailable(format!("shard {} is in doubt", shard.number)));
        Ok(Self { shard, ledger, read_from: trusted?, amounts: BTreeMap::new() })
    }

    /// Settles entries that somebody read `idle_ms` ago or earlier and never acknowledged: one by one, so that
    /// one that cannot be settled does not hold up the others.
    async fn take_over(&mut self, consumer: &str, idle_ms: i64, now_ms: impl Fn() -> i64) -> Result<usize, Error> {
        let mut settled = 0;
        loop {
            // One at a time: taking over counts as a try, and one that is not made must not count.
            let stuck = self.shard.take_over(consumer, idle_ms, 1).await?;
            if stuck.is_empty() {
                return Ok(settled);
            }
            settled += self.settle(&stuck, now_ms()).await?;
        }
    }

    async fn settle(&mut self, entries: &[Entry], now_ms: i64) -> Result<usize, Error> {
        let mut batch = vec![self.fence(entries)?];
        batch.extend(self.settlements(entries).await?);
        // What rules saw is no money: it is written down beside the batch, once an entry as well.
        let sightings: Vec<_> = entries.iter().filter_map(|entry| self.sighting(entry)).collect();
        if !sightings.is_empty() {
            self.ledger.record_risks(&sightings).await?;
        }
        self.ledger.settle(&batch, now_ms).await.inspect_err(|_| self.shard.doubt())?;
        self.shard.acknowledge(entries).await?;
        Ok(entries.len())
    }

    /// The batch's first entry: it settles nothing, and stops a batch of a shard that is another one by now.
    fn fence(&self, entries: &[Entry]) -> Result<Settlement, Error> {
        let place = entries.iter().filter_map(|entry| place_of(&entry.id)).max();
        let place = place.ok_or_else(|| Error::Internal(format!("entries without a place: {entries:?}")))?;
        Ok(self.fence_at(place))
    }

    fn fence_at(&self, (at_ms, number): Place) -> Settlement {
        Settlement {
            kind: "fence",
            packet: self.shard.number.to_string(),
            opened: Some(self.read_from.epoch),
            at_ms: Some(at_ms),
            seq: Some(number),
            text: self.read_from.run_id.clone(),
            ..Settlement::default()
        }
    }

    /// Settles nothing, to see whether the ledger would.
    async fn try_ledger(&self, now_ms: i64) -> Result<(), Error> {
        self.ledger.settle(&[self.fence_at((0, 0))], now_ms).await.inspect_err(|_| self.shard.doubt())
    }

    async fn settlements(&mut self, entries: &[Entry]) -> Result<Vec<Settlement>, Error> {
        let events: Vec<_> = entries.iter().map(readable).collect();
        let paying = |event: &&Event| matches!(event, Event::Open { .. });
        let mut unknown: Vec<_> = events.iter().flatten().filter(paying).map(Event::packet).collect();
        unknown.retain(|id| !self.amounts.contains_key(id));
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let packets = self.ledger.packets(&unknown).await?;
            self.amounts.extend(packets.iter().map(|packet| (packet.facts.id, packet.facts.amounts())));
        }
        let told = |(entry, event): (&Entry, Option<Event>)| {
            let amounts = event.as_ref().and_then(|event| self.amounts.get(&event.packet()));
            settlement(self.event_id(entry), &entry.text, event, amounts.map(Vec::as_slice))
        };
        Ok(entries.iter().zip(events).map(told).filter(|told| told.kind != "risk").collect())
    }

    /// What a risk rule saw, where the entry tells of that.
    fn sighting(&self, entry: &Entry) -> Option<Sighting> {
        let Some(Event::Risk { packet, user, at_ms, rule, action, fact, .. }) = readable(entry) else { return None };
        Some(Sighting {
            event: self.event_id(entry),
            rule: rule.id(),
            user: user.into(),
            packet: packet.into(),
            action: action.as_str(),
            detail: fact,
            at_ms,
        })
    }

    fn event_id(&self, entry: &Entry) -> String {
        format!("{}:{}", self.shard.number, entry.id)
    }
}

/// What the ledger is told of one entry: its own id, its text, the event that it is, and the amounts of its packet.
#[must_use]
pub fn settlement(event_id: String, text: &str, event: Option<Event>, amounts: Option<&[Fen]>) -> Settlement {
    let packet = event.as_ref().map(|event| event.packet().to_string()).unwrap_or_default();
    let written = Settlement { event: event_id, packet, text: text.to_owned(), ..Settlement::default() };
    match event {
        None => Settlement { kind: "poison", ..written },
        Some(Event::Load { .. }) => Settlement { kind: "load", ..written },
        Some(Event::Contest { .. }) => Settlement { kind: "contest", ..written },
        Some(Event::Risk { .. }) => Settlement { kind: "risk", ..written },
        Some(Event::Close { opened, closed_at_ms, .. }) => {
            Settlement { kind: "close", opened: Some(opened), at_ms: Some(closed_at_ms), ..written }
        }
        Some(Event::Open { seq, user, opened_at_ms, .. }) => {
            let amount = usize::try_from(seq).ok().and_then(|seq| amounts?.get(seq)).map(|fen| fen.get());
            let (seq, user, at_ms) = (Some(seq.into()), Some(user.into()), Some(opened_at_ms));
            Settlement { kind: "open", seq, user, amount_fen: amount, at_ms, ..written }
        }
    }
}

/// The entry's event; none for text that no script writes, and for what was tried too often.
fn readable(entry: &Entry) -> Option<Event> {
    Event::parse(&entry.text).filter(|_| entry.deliveries <= TRIES)
}

#[cfg(test)]
mod tests {
    use super::{BATCH, BATCH_MAX, next_size};

    #[test]
    fn batches_grow_while_the_journal_fills_them_and_shrink_when_they_are_slow() {
        let grown = (0..5).fold(BATCH, |size, _| next_size(size, usize::try_from(size).expect("small"), 10));
        assert_eq!((grown, next_size(BATCH, 3, 10)), (BATCH_MAX, BATCH));
        assert_eq!((next_size(4_000, 4_000, 501), next_size(BATCH, 500, 501)), (2_000, BATCH));
    }
}
