//! The shards of Redis, as operators see and steer them.

use hongbao_core::Error;
use hongbao_core::wire::operator::ShardAnswer;

use crate::App;
use crate::ledger::By;
use crate::settle;

impl App {
    /// All shards: those that this instance knows, and those that the ledger has packets for.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn all_shards(&self) -> Result<Vec<ShardAnswer>, Error> {
        let ledger = self.ledger().await?;
        let (controls, packets) = (self.controls_of_ledger().await?, ledger.shard_packets().await?);
        let mut numbers: Vec<u16> = self.shards().iter().map(|shard| shard.number).collect();
        numbers.extend(packets.keys());
        numbers.sort_unstable();
        numbers.dedup();
        let mut answers = Vec::new();
        for shard in numbers {
            let backlog = match self.shard_numbered(shard) {
                Some(known) => known.backlog().await.ok(),
                None => None,
            };
            answers.push(ShardAnswer {
                shard,
                is_up: backlog.is_some(),
                weight: controls.weight(shard),
                packets: packets.get(&shard).copied().unwrap_or_default(),
                backlog: backlog.map(|backlog| backlog.entries),
                oldest_unsettled_ms: backlog.map(|backlog| backlog.oldest_ms),
            });
        }
        Ok(answers)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when neither this instance nor the ledger knows it.
    pub async fn one_shard(&self, number: u16) -> Result<ShardAnswer, Error> {
        let all = self.all_shards().await?;
        all.into_iter().find(|answer| answer.shard == number).ok_or(Error::NotFound)
    }

    /// Gives a shard up: its packets live under SQL authority from now on, and vouchers of theirs are receipts. If the
    /// shard still answers, it is stopped first and what its journal holds is settled. It takes new packets again when
    /// it is rebuilt, unless it is drained.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no shard; [`Error::Unavailable`] while a sweep rebuilds it: try again.
    pub async fn move_shard(&self, by: By<'_>, number: u16) -> Result<ShardAnswer, Error> {
        self.one_shard(number).await?;
        let ledger = self.ledger().await?;
        let mut record = ledger.shard(number).await?;
        if let Some(shard) = self.shard_numbered(number)
            && let Ok(identity) = shard.identity().await
        {
            if identity.epoch != Some(0) {
                shard.fence(identity.epoch).await?;
            }
            if record.run_id != identity.run_id {
                ledger.meet(number, &identity.run_id).await?;
                record = ledger.shard(number).await?;
            }
            shard.trust(record.epoch, &identity.run_id);
            let settled = settle::drain_all(shard, ledger, "move", || self.now_ms()).await;
            shard.doubt();
            settled?;
        }
        ledger.move_shard(by, number, record.epoch).await?;
        // What its journal has not told by now is lost: refunds do not wait for it.
        ledger.forgo_lost(&ledger.shard(number).await?, self.now_ms()).await?;
        self.one_shard(number).await
    }
}
