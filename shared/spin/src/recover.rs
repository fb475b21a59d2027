//! Recovery: comparing shards with the ledger, and opening under the next epoch one that cannot be trusted.
//!
//! **Invariant:** no script runs on contents that the ledger knows to be newer than: either the server process has
//! been compared since it started, or the first connection compares it, or the shard refuses.
//!
//! **Invariant:** behind the fence stands only what does not depend on how many packets there are. They come back one
//! by one when the shard is open again (`refill.rs`).

use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::{LEASE_MS, Ledger, Settlement, ShardRecord};
use crate::settle;
use crate::shard::{Identity, Shard};

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
    pub(crate) async fn compare(&self, shard: &Shard, identity: &Identity) -> Result<u32, Error> {
        let ledger = self.ledger().await?;
        let mut record = ledger.shard(shard.number).await?;
        if record.run_id != identity.run_id {
            // First of all: from here on nothing is settled that was read from an earlier process, so that what is
            // settled now is all that this one has to know of.
            shard.forget_origin().await?;
            ledger.meet(shard.number, &identity.run_id).await?;
            record = ledger.shard(shard.number).await?;
        }
        if identity.epoch.is_none() && !record.has_packets {
            shard.adopt(record.epoch, &identity.run_id).await?;
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

    /// Opens a shard under its next epoch if it is fenced.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the next sweep starts again.
    pub async fn rebuild_if_fenced(&self, shard: &Shard) -> Result<(), Error> {
        // A sweep trusts no mark: it compares each time, and so notices a ledger that was replaced, too.
        let identity = shard.identity().await?;
        match self.compare(shard, &identity).await {
            Ok(epoch) => {
                shard.trust(epoch, &identity.run_id);
                return Ok(());
            }
            Err(_) => shard.doubt(),
        }
        let ledger = self.ledger().await?;
        let (record, now_ms) = (ledger.shard(shard.number).await?, self.now_ms());
        if record.is_leased(now_ms) {
            return Ok(()); // Another sweep is at it.
        }
        // Behind the record, which nobody was at: whoever opens the shard from here on begins another epoch first.
        let identity = shard.identity().await?;
        if identity.epoch != Some(0) {
            return Ok(());
        }
        let Some(epoch) = ledger.next_epoch(&record, now_ms, now_ms.saturating_add(LEASE_MS)).await? else {
            return Ok(()); // Another one was faster.
        };
        let record = ShardRecord { epoch, run_id: identity.run_id, ..record };
        let begun = self.begin_epoch(shard, &record).await.inspect_err(|_| shard.doubt());
        // Whatever came of it: the next sweep need not wait.
        ledger.renew_lease(&record, 0).await?;
        begun
    }

    async fn begin_epoch(&self, shard: &Shard, record: &ShardRecord) -> Result<(), Error> {
        let ledger = self.ledger().await?;
        // What the journal still holds comes first, whoever was reading it: then the ledger knows all there is.
        shard.trust(record.epoch, &record.run_id);
        settle::drain_all(shard, ledger, "rebuild", || self.now_ms()).await?;
        // No open can come any more for what was closed before the loss: what is still missing is on record, and the
        // refund does not wait for it.
        ledger.forgo_lost(record, self.now_ms()).await?;
        let settled = ledger.shard(shard.number).await?.settled;
        shard.advance_to(settled).await?;
        if !shard.go_live(record.epoch, &record.run_id).await? {
            return Err(Error::Unavailable(format!("shard {} started anew meanwhile", shard.number)));
        }
        Ok(())
    }

    /// Notes in the ledger that a packet is on its shard, as the journal's own entries do.
    pub(crate) async fn confirm_loaded(&self, ledger: &Ledger, id: PacketId) -> Result<(), Error> {
        let entry = Settlement { kind: "load", packet: id.to_string(), ..Settlement::default() };
        Ok(ledger.settle(&[entry], self.now_ms()).await?)
    }
}
