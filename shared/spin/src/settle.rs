//! Settlement: the journal becomes postings, a batch at a time, exactly once.
//!
//! **Invariant:** an entry is acknowledged only after the statement that settled it is committed. Settling an
//! entry again changes nothing, so a crash between the two is harmless.
//!
//! **Invariant:** amounts are worked out here from the ledger's own seed; the journal holds none.
//!
//! **Invariant:** a batch is settled while the shard is still the one it was read from, its epoch and its server
//! process, or not at all.
//!
//! **Invariant:** only an error of an entry's own counts as a try of it. While the ledger is not able, nothing is tried;
//! what a lock holds up stays pending, and everything beside it is settled.
//!
//! **Invariant:** nothing but a lock keeps an entry for ever: an error that `sql/failure.rs` does not name counts too, and
//! makes an exception of the entry after many more tries.

use hongbao_core::event::Event;
use hongbao_core::{Error, Fen};

use self::settler::Settler;
use crate::ledger::{Ledger, Settlement};
use crate::shard::Shard;

mod settler;

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
/// As [`TRIES`], where the table of errors does not name the error: ten minutes, since the tries of one entry are
/// [`STUCK_MS`] apart. Behind the fence, where everybody waits for it, they are one sweep apart.
const TRIES_UNKNOWN: i64 = 10 * 60_000 / STUCK_MS;

/// Settles all that waits in `shard`'s journal; answers how many entries that was. What something holds up, or what
/// failed by itself fewer than [`TRIES`] times, stays pending and is taken over by a later drain.
///
/// `now_ms` is asked once a batch.
///
/// # Errors
/// [`Error::Unavailable`] when Redis or SQL is not able, or the shard's epoch is over: what was not settled stays in
/// the journal.
pub async fn drain(shard: &Shard, ledger: &Ledger, consumer: &str, now_ms: impl Fn() -> i64) -> Result<usize, Error> {
    shard.answer_bell().await?;
    let mut settler = Settler::new(shard, ledger, consumer, &now_ms)?;
    if shard.has_unacknowledged().await? {
        // Behind a ledger that is away nothing is read: what waits unread is settled at once when the ledger is back, and
        // what was read only when it is old enough to be taken over.
        settler.try_ledger().await?;
    }
    settler.take_over(STUCK_MS).await?;
    settler.read_on().await?;
    if settler.left > 0 {
        eprintln!("shard {}: {} entries are left pending: {}", shard.number, settler.left, settler.why_left);
    }
    Ok(settler.settled)
}

/// As [`drain`], and takes every entry away from whoever is reading it: behind the fence, when nobody else may.
///
/// # Errors
/// As for [`drain`]; and while anything is left that could not be settled: what follows relies on the ledger knowing
/// all there is.
pub async fn drain_all(
    shard: &Shard,
    ledger: &Ledger,
    consumer: &str,
    now_ms: impl Fn() -> i64,
) -> Result<usize, Error> {
    let mut settler = Settler::new(shard, ledger, consumer, &now_ms)?;
    settler.settle_all().await?;
    settler.has_left_nothing()
}

/// As [`drain_all`], for a shard that is given up: what still cannot be settled goes to exceptions with the reason.
///
/// # Errors
/// As for [`drain_all`]; what was settled or put on record so far is done.
pub async fn drain_or_record(
    shard: &Shard,
    ledger: &Ledger,
    consumer: &str,
    now_ms: impl Fn() -> i64,
) -> Result<usize, Error> {
    let mut settler = Settler::new(shard, ledger, consumer, &now_ms)?;
    settler.settle_all().await?;
    if settler.left > 0 {
        settler.record_the_rest().await?;
    }
    settler.has_left_nothing()
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

/// What the ledger is told of one entry: its own id, its text, the event that it is, and the amounts of its packet.
#[must_use]
pub fn settlement(event_id: String, text: &str, event: Option<Event>, amounts: Option<&[Fen]>) -> Settlement {
    let packet = event.as_ref().map(|event| event.packet().to_string()).unwrap_or_default();
    // No database's text holds the character NUL.
    let written = Settlement { event: event_id, packet, text: text.replace('\0', "\u{fffd}"), ..Settlement::default() };
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
