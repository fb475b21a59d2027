//! Preheating (预热): before everybody comes, a shard holds the packet and knows the scripts.
//!
//! A packet is loaded as it is sent, however far ahead it opens. What a shard may have lost since, or never got, is
//! made good shortly before the start.

use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::List;

/// How far ahead of its start a packet is looked after: by the sweep, and when an operator asks for all, in
/// milliseconds.
const AHEAD_MS: i64 = 10_000;
const AHEAD_FOR_OPERATORS_MS: i64 = 600_000;
/// The most packets of a shard looked after at a time.
const PACKETS: i64 = 500;

/// What preheating found.
#[derive(Debug, Default)]
pub struct Preheated {
    /// Packets that their shards hold now.
    pub packets: usize,
    /// How many of them had to be loaded.
    pub loaded: usize,
    /// Shards that know the scripts now.
    pub shards: usize,
}

impl App {
    /// The packets that open soon: the sweep makes sure that they are in their shards.
    pub(super) fn opening_soon(&self) -> List {
        let now_ms = self.now_ms();
        List::Opening { after_ms: now_ms, until_ms: now_ms.saturating_add(AHEAD_MS) }
    }

    /// Makes the scripts known to every shard that answers, and sure that these packets are in theirs: without any,
    /// those that open within ten minutes.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such packet; [`Error::Unavailable`] when the ledger, or the shard of a
    /// packet, does not answer.
    pub async fn preheat(&self, packets: &[PacketId]) -> Result<Preheated, Error> {
        // Before anything is done: no shard has to be asked about a packet that was never sent.
        if !packets.is_empty() {
            let known = self.ledger().await?.packets(packets).await?;
            if !packets.iter().all(|id| known.iter().any(|packet| packet.facts.id == *id)) {
                return Err(Error::NotFound);
            }
        }
        let mut done = Preheated::default();
        for shard in self.shards() {
            match shard.preheat().await {
                Ok(()) => done.shards = done.shards.saturating_add(1),
                Err(error) => eprintln!("shard {} is not preheated: {error:?}", shard.number),
            }
        }
        let now_ms = self.now_ms();
        let mut ids = packets.to_vec();
        if packets.is_empty() {
            let list = List::Opening { after_ms: now_ms, until_ms: now_ms.saturating_add(AHEAD_FOR_OPERATORS_MS) };
            for shard in self.present().await {
                ids.extend(self.ledger().await?.page(list, Some(shard), "", PACKETS).await?);
            }
        }
        for id in ids {
            done.loaded = done.loaded.saturating_add(usize::from(self.preheat_packet(id).await?));
            done.packets = done.packets.saturating_add(1);
        }
        Ok(done)
    }

    /// Makes sure that a packet is in its shard; answers whether it had to be loaded.
    pub(super) async fn preheat_packet(&self, id: PacketId) -> Result<bool, Error> {
        // A shard that does not answer has lost nothing for that.
        if self.on_shard(id, async |shard| shard.holds(id).await).await? {
            return Ok(false);
        }
        self.put_back(id).await
    }
}
