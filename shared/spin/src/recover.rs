//! Recovery: comparing shards with the ledger, and rebuilding what cannot be trusted.
//!
//! **Invariant:** no script runs on contents that the ledger knows to be newer than: either the server process has
//! been compared since it started, or the first connection compares it, or the shard refuses.

use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::{Settlement, ShardRecord};
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
        shard.trust(epoch, &identity.run_id);
        Ok(())
    }

    /// Compares a shard with the ledger: the epoch it is live under.
    async fn compare(&self, shard: &Shard, identity: &Identity) -> Result<u32, Error> {
        let ledger = self.ledger().await?;
        let mut record = ledger.shard(shard.number).await?;
        if record.run_id != identity.run_id {
            // First of all: from here on nothing is settled that was read from an earlier process, so that what is
            // settled now is all that this one has to know of.
            ledger.meet(shard.number, &identity.run_id).await?;
            record = ledger.shard(shard.number).await?;
        }
        if identity.epoch.is_none() && !record.has_packets {
            shard.adopt(record.epoch).await?;
            shard.set_compared(&identity.run_id).await?;
            return Ok(record.epoch);
        }
        if identity.epoch == Some(record.epoch) && shard.has_written(record.settled).await? {
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
                shard.trust(epoch, &identity.run_id);
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
        self.rebuild(shard, &ShardRecord { epoch, run_id: identity.run_id, ..record }).await
    }

    async fn rebuild(&self, shard: &Shard, record: &ShardRecord) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        // What the journal still holds comes first, whoever was reading it: then the ledger knows all there is.
        shard.trust(record.epoch, &record.run_id);
        settle::drain_all(shard, ledger, "rebuild", || self.now_ms()).await?;
        // No open can come any more for what was closed before the loss: what is still missing is on record, and the
        // refund does not wait for it.
        ledger.forgo_lost(record, self.now_ms()).await?;
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
            // The shard has them from now on: no sweep has to load those that were sent while it was fenced.
            let unconfirmed: Vec<_> = packets.iter().filter(|packet| !packet.is_loaded).collect();
            self.confirm_loaded(&unconfirmed.iter().map(|packet| packet.facts.id).collect::<Vec<_>>()).await?;
            ledger.renew_lease(record, self.now_ms().saturating_add(LEASE_MS)).await?;
        }
        if !shard.go_live(record.epoch, &record.run_id).await? {
            return Err(Error::Unavailable(format!("shard {} started anew while it was rebuilt", shard.number)));
        }
        ledger.renew_lease(record, 0).await?;
        Ok(rebuilt)
    }

    /// Notes in the ledger that these packets are on their shard, as the journal's own entries do.
    pub(crate) async fn confirm_loaded(&self, packets: &[PacketId]) -> Result<(), Error> {
        if packets.is_empty() {
            return Ok(());
        }
        let load = |id: &PacketId| Settlement { kind: "load", packet: id.to_string(), ..Settlement::default() };
        let entries: Vec<_> = packets.iter().map(load).collect();
        Ok(self.ledger().await?.settle(&entries, self.now_ms()).await?)
    }
}
