//! Settlement: the journal becomes postings, a batch at a time, exactly once.
//!
//! **Invariant:** an entry is acknowledged only after the statement that settled it is committed. Settling an
//! entry again changes nothing, so a crash between the two is harmless.
//!
//! **Invariant:** amounts are worked out here from the ledger's own seed; the journal holds none.

use std::collections::BTreeMap;

use hongbao_core::event::Event;
use hongbao_core::{Error, Fen, PacketId};

use crate::ledger::{Ledger, Settlement};
use crate::shard::{Entry, Shard};

/// The most entries of one statement.
pub const BATCH: i64 = 1_000;
/// How long an entry may be with one reader before another takes it over, in milliseconds.
pub const STUCK_MS: i64 = 10_000;

/// Settles all that waits in `shard`'s journal; answers how many entries that was.
///
/// `now_ms` is asked once a batch.
///
/// # Errors
/// [`Error::Unavailable`] when Redis or SQL does not answer: what was not settled stays in the journal.
pub async fn drain(shard: &Shard, ledger: &Ledger, consumer: &str, now_ms: impl Fn() -> i64) -> Result<usize, Error> {
    shard.answer_bell().await?;
    let mut amounts = Amounts::default();
    let mut settled = 0;
    let mut stuck = shard.take_over(consumer, STUCK_MS, BATCH).await?;
    loop {
        let entries = if stuck.is_empty() { shard.read(consumer, BATCH).await? } else { core::mem::take(&mut stuck) };
        if entries.is_empty() {
            return Ok(settled);
        }
        let batch = amounts.settlements(shard.number, &entries, ledger).await?;
        ledger.settle(&batch, now_ms()).await?;
        shard.acknowledge(&entries).await?;
        settled += entries.len();
    }
}

/// The shares of the packets met so far.
#[derive(Default)]
struct Amounts(BTreeMap<PacketId, Vec<Fen>>);

impl Amounts {
    async fn settlements(&mut self, shard: u16, entries: &[Entry], ledger: &Ledger) -> Result<Vec<Settlement>, Error> {
        let events: Vec<_> = entries.iter().map(|entry| Event::parse(&entry.text)).collect();
        let mut unknown: Vec<_> = events.iter().flatten().map(Event::packet).collect();
        unknown.retain(|id| !self.0.contains_key(id));
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let packets = ledger.packets(&unknown).await?;
            self.0.extend(packets.iter().map(|packet| (packet.facts.id, packet.facts.amounts())));
        }
        Ok(entries.iter().zip(events).map(|(entry, event)| self.settlement(shard, entry, event)).collect())
    }

    fn settlement(&self, shard: u16, entry: &Entry, event: Option<Event>) -> Settlement {
        let packet = event.as_ref().map(|event| event.packet().to_string()).unwrap_or_default();
        let written = Settlement {
            event: format!("{shard}:{}", entry.id),
            packet,
            text: entry.text.clone(),
            ..Settlement::default()
        };
        match event {
            None => Settlement { kind: "poison", ..written },
            Some(Event::Load { .. }) => Settlement { kind: "load", ..written },
            Some(Event::Close { opened, closed_at_ms, .. }) => {
                Settlement { kind: "close", opened: Some(opened), at_ms: Some(closed_at_ms), ..written }
            }
            Some(Event::Open { packet, seq, user, opened_at_ms, .. }) => {
                let amounts = self.0.get(&packet);
                let amount = usize::try_from(seq).ok().and_then(|seq| amounts?.get(seq)).map(|fen| fen.get());
                let (user, at_ms) = (Some(user.into()), Some(opened_at_ms));
                Settlement { kind: "open", seq: Some(seq), user, amount_fen: amount, at_ms, ..written }
            }
        }
    }
}
