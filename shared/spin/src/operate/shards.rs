//! The shards of Redis, as operators see and steer them.

use core::time::Duration;
use std::collections::BTreeMap;

use futures_util::future::join_all;
use hongbao_core::Error;
use hongbao_core::wire::operator::{ShardAnswer, ShardStats, ShardsAnswer};

use crate::App;
use crate::gate::LEDGER;
use crate::ledger::{By, LEASE_MS, Ledger, Refill, ShardRecord};
use crate::operate::stats::{missing, shard_stats};
use crate::settle;
use crate::shard::Shard;

/// How often a shard that is to be given up is looked at while a sweep begins its next epoch, and how far apart.
const LOOKS: usize = 12;
const LOOK: Duration = Duration::from_millis(250);

impl App {
    /// All shards: those that this instance knows, and those that the ledger has packets for, as far as it answers.
    pub async fn all_shards(&self) -> ShardsAnswer {
        let packets = match self.packets_by_shard().await {
            Ok(packets) => Some(packets),
            Err(error) => {
                eprintln!("shards as the ledger does not know them: {error:?}");
                None
            }
        };
        let controls = self.controls_to_show().await.ok().map(|(controls, _)| controls);
        let mut numbers: Vec<u16> = self.shards().iter().map(|shard| shard.number).collect();
        numbers.extend(packets.iter().flat_map(BTreeMap::keys));
        numbers.sort_unstable();
        numbers.dedup();
        let refills = match packets {
            Some(_) => self.refills(&numbers).await,
            None => BTreeMap::new(),
        };
        let stats = async |number: u16| Some(shard_stats(self.shard_numbered(number)?).await);
        let all_stats = join_all(numbers.iter().map(|number| stats(*number))).await;
        let answer = |(shard, stats): (u16, Option<ShardStats>)| ShardAnswer {
            shard,
            is_up: stats.as_ref().is_some_and(|stats| stats.is_up),
            is_configured: self.shard_numbered(shard).is_some(),
            weight: controls.as_ref().map(|controls| controls.weight(shard)),
            packets: packets.as_ref().map(|packets| packets.get(&shard).copied().unwrap_or_default()),
            rebuilt: refills.get(&shard).map(|refill| refill.done),
            to_rebuild: refills.get(&shard).map(|refill| refill.all),
            backlog: stats.as_ref().and_then(|stats| stats.backlog),
            oldest_unsettled_ms: stats.as_ref().and_then(|stats| stats.oldest_unsettled_ms),
            race_packets: stats.as_ref().and_then(|stats| stats.race_packets),
            race_bytes: stats.as_ref().and_then(|stats| stats.race_bytes),
            race_bytes_max: stats.as_ref().and_then(|stats| stats.race_bytes_max),
        };
        let shards: Vec<_> = numbers.into_iter().zip(all_stats).map(answer).collect();
        let missing = missing(packets.is_some(), shards.iter().map(|shard| (shard.shard, shard.is_up)));
        ShardsAnswer { shards, missing }
    }

    /// Of the shards whose packets are still coming back, how far that is.
    pub(super) async fn refills(&self, shards: &[u16]) -> BTreeMap<u16, Refill> {
        let mut refills = BTreeMap::new();
        for shard in shards {
            let record = async { self.ledger().await?.shard(*shard).await };
            if let Ok(Some(refill)) = record.await.map(|record| record.refill) {
                refills.insert(*shard, refill);
            }
        }
        refills
    }

    async fn packets_by_shard(&self) -> Result<BTreeMap<u16, i64>, Error> {
        self.ledger_soon().await?.shard_packets().await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when neither this instance nor the ledger knows it; [`Error::Unavailable`] when this
    /// instance does not, and the ledger does not answer.
    pub async fn one_shard(&self, number: u16) -> Result<ShardAnswer, Error> {
        let all = self.all_shards().await;
        let is_known = all.missing.iter().all(|missing| missing != LEDGER);
        let away = || Error::Unavailable(format!("the ledger does not say whether there is a shard {number}"));
        let unknown = || if is_known { Error::NotFound } else { away() };
        all.shards.into_iter().find(|answer| answer.shard == number).ok_or_else(unknown)
    }

    /// Gives a shard up: its packets live under SQL authority from now on, and vouchers of theirs are receipts. If the
    /// shard still answers, it is stopped first and what its journal holds is settled; what cannot be settled goes to
    /// exceptions. It takes new packets again when it is rebuilt, unless it is drained.
    ///
    /// # Errors
    /// [`Error::NotFound`] for no shard; [`Error::Unavailable`] while a sweep rebuilds it: try again; or while nothing
    /// can be settled: a shard that serves goes on.
    pub async fn move_shard(&self, by: By<'_>, number: u16) -> Result<ShardAnswer, Error> {
        self.one_shard(number).await?;
        let ledger = self.ledger().await?;
        let mut record = ledger.shard(number).await?;
        if let Some(shard) = self.shard_numbered(number)
            && let Ok(identity) = shard.identity().await
        {
            // While it still serves: it is not stopped for a ledger that can settle nothing.
            if let Ok(epoch) = self.compare(shard, &identity).await {
                shard.trust(epoch, &identity.run_id);
                settle::drain(shard, ledger, "move", || self.now_ms()).await?;
            }
            record = self.stop_shard(shard, ledger).await?;
            let settled = settle::drain_or_record(shard, ledger, "move", || self.now_ms()).await;
            shard.doubt();
            // Whatever came of it: the next sweep need not wait.
            ledger.renew_lease(&record, 0).await?;
            settled?;
        }
        ledger.move_shard(by, number, record.epoch).await?;
        // What its journal has not told by now is lost: refunds do not wait for it.
        ledger.forgo_lost(&ledger.shard(number).await?, self.now_ms()).await?;
        self.one_shard(number).await
    }

    /// Fences a shard and takes the lease of its next epoch, so that no sweep opens it meanwhile.
    async fn stop_shard(&self, shard: &Shard, ledger: &Ledger) -> Result<ShardRecord, Error> {
        for _ in 0..LOOKS {
            let (record, now_ms) = (ledger.shard(shard.number).await?, self.now_ms());
            // Behind the record, which nobody was at: whoever opens the shard from here on begins another epoch first.
            if !record.is_leased(now_ms) {
                let identity = shard.identity().await?;
                if identity.epoch != Some(0) {
                    shard.fence(identity.epoch).await?;
                }
                if record.run_id != identity.run_id {
                    ledger.meet(shard.number, &identity.run_id).await?;
                }
                let lease_ms = now_ms.saturating_add(LEASE_MS);
                if let Some(epoch) = ledger.next_epoch(&record, now_ms, lease_ms).await? {
                    shard.trust(epoch, &identity.run_id);
                    return Ok(ShardRecord { epoch, run_id: identity.run_id, ..record });
                }
            }
            self.pause(LOOK).await;
        }
        Err(Error::Unavailable(format!("a sweep is at shard {}", shard.number)))
    }
}
