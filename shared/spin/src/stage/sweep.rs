//! The timer's work: settles what no doorbell announced, completes half-sent packets, closes what expired.
//!
//! Every step is repeatable, so running it twice, in parallel or late does no harm. Refunds need no step of their
//! own: the ledger makes one when a close and all its opens are settled.

use hongbao_core::{Error, PacketId};
use serde::Serialize;

use crate::App;
use crate::ledger::Ledger;
use crate::settle;
use crate::shard::Outcome;

/// The most packets closed or loaded in one sweep: the timer comes again soon.
const PACKETS_A_SWEEP: i64 = 500;
/// How long a sent packet may go unconfirmed before the sweep loads it, in milliseconds.
const UNLOADED_MS: i64 = 3_000;

/// What a sweep did.
#[derive(Debug, Default, Serialize)]
pub struct Swept {
    /// Entries of the journals settled.
    pub settled: usize,
    /// Half-sent packets loaded.
    pub loaded: usize,
    /// Expired packets closed.
    pub closed: usize,
}

impl App {
    /// Settles all that waits in the journals, reading as `consumer`; answers how many entries.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; what was not settled stays in the journal.
    pub async fn settle(&self, consumer: &str) -> Result<usize, Error> {
        let ledger = self.ledger().await?;
        let mut settled = 0;
        for shard in self.shards() {
            self.connect(shard).await?;
            settled += settle::drain(shard, ledger, consumer, || self.now_ms()).await?;
        }
        Ok(settled)
    }

    /// One round of the timer's work.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the next round goes on where this one stopped.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        /// The name under which the sweep reads the journal.
        const CONSUMER: &str = "sweep";
        let ledger = self.ledger().await?;
        let mut swept = Swept { settled: self.settle(CONSUMER).await?, ..Swept::default() };
        for id in ledger.unloaded(self.now_ms().saturating_sub(UNLOADED_MS), PACKETS_A_SWEEP).await? {
            self.load(ledger, id).await?;
            swept.loaded += 1;
        }
        for id in ledger.due(self.now_ms(), PACKETS_A_SWEEP).await? {
            swept.closed += usize::from(self.close(ledger, id).await?);
        }
        swept.settled += self.settle(CONSUMER).await?;
        Ok(swept)
    }

    /// Completes a send that stopped between the ledger and the race.
    async fn load(&self, ledger: &Ledger, id: PacketId) -> Result<(), Error> {
        match ledger.packet(id).await? {
            Some(packet) => self.shard(id).await?.load(&packet.facts).await,
            None => Ok(()),
        }
    }

    /// Closes a packet whose time is over by its shard's clock; answers whether it did.
    async fn close(&self, ledger: &Ledger, id: PacketId) -> Result<bool, Error> {
        let shard = self.shard(id).await?;
        match shard.close(id).await? {
            Outcome::Done(is_closed) => Ok(is_closed),
            Outcome::Missing => {
                // It never reached the shard: loaded now, it closes with nothing opened.
                self.load(ledger, id).await?;
                Ok(matches!(shard.close(id).await?, Outcome::Done(true)))
            }
        }
    }
}
