//! Recovery: comparing shards with the ledger, and rebuilding what cannot be trusted.
//!
//! **Invariant:** no script runs on contents that the ledger knows to be newer than: either the server process has
//! been compared since it started, or the first connection compares it, or the shard refuses.

use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::{Packet, Settlement, ShardRecord};
use crate::settle;
use crate::shard::{Identity, Shard};

/// How many packets are read from the ledger at a time.
const PAGE: i64 = 500;
/// How long a rebuild may go without a sign of life before another may start, in milliseconds.
const LEASE_MS: i64 = 15_000;

impl App {
    /// Makes sure that a shard can be trusted, unless this instance has done so since it last lost it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the shard is fenced, or neither it nor the ledger can tell.
    pub async fn connect(&self, shard: &Shard) -> Result<(), Error> {
        if shard.trusted().is_some() {
            return Ok(());
        }
        let identity = shard.identity().await?;
        let epoch = match identity.epoch {
            Some(epoch) if epoch > 0 && identity.is_compared => epoch,
            _ => self.compare(shard, &identity).await?,
        };
        shard.trust(epoch);
        Ok(())
    }

    /// Compares a shard with the ledger: the epoch it is live under.
    async fn compare(&self, shard: &Shard, identity: &Identity) -> Result<u32, Error> {
        let ledger = self.ledger().await?;
        let record = ledger.shard(shard.number).await?;
        if identity.epoch.is_none() && !record.has_packets {
            shard.adopt(record.epoch).await?;
            shard.set_compared(&identity.run_id).await?;
            return Ok(record.epoch);
        }
        if identity.epoch == Some(record.epoch) && shard.last_place().await? >= record.settled {
            shard.set_compared(&identity.run_id).await?;
            return Ok(record.epoch);
        }
        if identity.epoch != Some(0) {
            shard.fence(identity.epoch).await?;
        }
        Err(Error::Unavailable(format!("shard {} is fenced: {identity:?} is not {record:?}", shard.number)))
    }

    /// Rebuilds a shard if it is fenced; answers how many packets were put back.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the next sweep starts again.
    pub async fn rebuild_if_fenced(&self, shard: &Shard) -> Result<usize, Error> {
        // A sweep trusts no mark: it compares each time, and so notices a ledger that was replaced, too.
        let identity = shard.identity().await?;
        match self.compare(shard, &identity).await {
            Ok(epoch) => {
                shard.trust(epoch);
                return Ok(0);
            }
            Err(_) => shard.doubt(),
        }
        if shard.identity().await?.epoch != Some(0) {
            return Ok(0);
        }
        let record = self.ledger().await?.shard(shard.number).await?;
        let now_ms = self.now_ms();
        let Some(epoch) = self.ledger().await?.next_epoch(&record, now_ms, now_ms.saturating_add(LEASE_MS)).await?
        else {
            return Ok(0); // Another sweep is at it.
        };
        self.rebuild(shard, &ShardRecord { epoch, ..record }, &identity.run_id).await
    }

    async fn rebuild(&self, shard: &Shard, record: &ShardRecord, run_id: &str) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        // What the journal still holds comes first, whoever was reading it: then the ledger knows all there is.
        shard.trust(record.epoch);
        settle::drain_all(shard, ledger, "rebuild", || self.now_ms()).await?;
        let settled = ledger.shard(shard.number).await?.settled;
        shard.advance_to(settled).await?;
        let (mut rebuilt, mut after) = (0, PacketId::from_bytes([0; 16]));
        loop {
            let ids = ledger.unfinished(shard.number, after, PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            let packets = ledger.packets(&ids).await?;
            for packet in &packets {
                let claims = ledger.claims(packet.facts.id).await?;
                if !shard.rebuild(&packet.facts, &claims, record.epoch).await? {
                    return Err(Error::Unavailable(format!("shard {} went live meanwhile", shard.number)));
                }
                rebuilt += 1;
            }
            let now_ms = self.now_ms();
            // The shard has them from now on: no sweep has to load those that were sent while it was fenced.
            let unconfirmed = packets.iter().filter(|packet| !packet.is_loaded);
            let confirm = |packet: &Packet| Settlement {
                kind: "load",
                packet: packet.facts.id.to_string(),
                ..Settlement::default()
            };
            let confirmed: Vec<_> = unconfirmed.map(confirm).collect();
            if !confirmed.is_empty() {
                ledger.settle(&confirmed, now_ms).await?;
            }
            ledger.renew_lease(record, now_ms.saturating_add(LEASE_MS)).await?;
        }
        shard.go_live(record.epoch, run_id).await?;
        ledger.renew_lease(record, 0).await?;
        Ok(rebuilt)
    }
}
