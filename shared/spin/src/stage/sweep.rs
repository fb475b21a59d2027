//! The timer's work: settles what no doorbell announced, completes half-sent packets, closes what expired, and
//! reconciles the books a part at a time.
//!
//! Every step is repeatable, so running it twice, in parallel or late does no harm. Refunds need no step of their
//! own: the ledger makes one when a close and all its opens are settled.

use futures_util::future::join_all;
use hongbao_core::wire::operator::SweepAnswer as Swept;
use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::{Ledger, List};
use crate::settle;
use crate::shard::{Outcome, Shard};

/// The name under which the sweep reads the journal.
const CONSUMER: &str = "sweep";
/// The packets and accounts reconciled in one sweep; the next one goes on there.
const RECONCILED_A_SWEEP: i64 = 100;
/// How long a sent packet may go unconfirmed before the sweep loads it, in milliseconds.
const UNLOADED_MS: i64 = 3_000;

pub(super) trait Note {
    /// Counts what a step did, or that it is left for the next round.
    fn note<T>(&mut self, step: Result<T, Error>, count: impl FnOnce(&mut Self, T));
}

impl Note for Swept {
    fn note<T>(&mut self, step: Result<T, Error>, count: impl FnOnce(&mut Self, T)) {
        match step {
            Ok(done) => count(self, done),
            Err(error) => {
                eprintln!("left for the next sweep: {error:?}");
                self.left += 1;
            }
        }
    }
}

impl App {
    /// Settles all that waits in the journals, reading as `consumer`; answers how many entries. The shards are settled
    /// side by side, so that one that is away does not keep the others waiting.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what was not settled stays in the journal.
    pub async fn settle(&self, consumer: &str) -> Result<usize, Error> {
        let all = join_all(self.shards().iter().map(|shard| self.settle_shard(shard, consumer))).await;
        all.into_iter().try_fold(0_usize, |settled, entries| Ok(settled.saturating_add(entries?)))
    }

    /// Settles what waits at the shard whose bell said so, or everywhere when the bell does not say.
    ///
    /// # Errors
    /// As for [`settle`](Self::settle).
    pub async fn settle_bell(&self, bell: &[u8], consumer: &str) -> Result<usize, Error> {
        let number = core::str::from_utf8(bell).ok().and_then(|text| text.parse().ok());
        match number.and_then(|number| self.shard_numbered(number)) {
            Some(shard) => self.settle_shard(shard, consumer).await,
            None => self.settle(consumer).await,
        }
    }

    async fn settle_shard(&self, shard: &Shard, consumer: &str) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        self.connect(shard).await?;
        settle::drain(shard, ledger, consumer, || self.now_ms()).await
    }

    /// One round of the timer's work. What cannot be done now is left for the next round.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer; [`Error::Misconfigured`] naming `race_retention_s`.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        let ledger = self.ledger().await?;
        let mut swept = Swept::default();
        swept.note(self.publish_controls().await, |_, _| {});
        swept.note(self.note_keys().await, |_, ()| {});
        for shard in self.shards() {
            swept.note(self.rebuild_if_fenced(shard).await, |_, _| {});
            swept.note(self.refill(shard).await, |swept, packets| swept.rebuilt += packets);
        }
        swept.note(self.settle(CONSUMER).await, |swept, entries| swept.settled += entries);
        let loaded = |swept: &mut Swept, is_loaded: bool| swept.loaded += usize::from(is_loaded);
        let closed = |swept: &mut Swept, is_closed: bool| swept.closed += usize::from(is_closed);
        let unloaded = List::Unloaded { before_ms: self.now_ms().saturating_sub(UNLOADED_MS) };
        self.work_on(unloaded, &mut swept, async |id| self.load(ledger, id).await, loaded).await?;
        let due = List::Due { now_ms: self.now_ms() };
        self.work_on(due, &mut swept, async |id| self.close(ledger, id).await, closed).await?;
        self.work_on(self.opening_soon(), &mut swept, async |id| self.preheat_packet(id).await, loaded).await?;
        swept.note(self.settle(CONSUMER).await, |swept, entries| swept.settled += entries);
        let retention_ms = self.retention_ms().await;
        if let Ok(retention_ms) = retention_ms {
            swept.note(self.retire(retention_ms).await, |swept, packets| swept.retired += packets);
        }
        swept.note(self.reconcile_on(RECONCILED_A_SWEEP).await, |swept, problems| swept.problems = problems);
        // Whoever configured it wrongly is told so; money does not wait for that.
        retention_ms.map(|_| swept)
    }

    /// Completes a send that stopped between the ledger and the race; answers whether there was anything to do.
    async fn load(&self, ledger: &Ledger, id: PacketId) -> Result<bool, Error> {
        if self.on_shard(id, async |shard| shard.holds(id).await).await? {
            // It is there, and the entry that says so is lost or on its way.
            return self.confirm_loaded(ledger, id).await.map(|()| false);
        }
        self.put_back(id).await
    }

    /// Closes a packet whose time is over by the clock that decides about it; answers whether it did.
    async fn close(&self, ledger: &Ledger, id: PacketId) -> Result<bool, Error> {
        let Some(packet) = ledger.packet(id).await? else { return Ok(false) };
        if packet.is_in_sql {
            return ledger.close_in_sql(id, self.now_ms()).await.map(|()| true);
        }
        Ok(self.on_packet(id, async |shard| shard.close(id).await).await? == Outcome::Done(true))
    }
}
