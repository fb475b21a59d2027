//! What operators want to know of a shard, and what they tell its readers.

use hongbao_core::Error;

use super::Shard;
use super::codec::integer;
use crate::redis::{binary, text};

/// How much of a shard's journal waits to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many entries.
    pub entries: i64,
    /// When the oldest was written, or else the server's time: Unix milliseconds. Every share opened before is settled.
    pub settled_through_ms: i64,
    /// How long the oldest has waited, in milliseconds; 0 when none waits.
    pub oldest_ms: i64,
}

impl Shard {
    /// How much of the journal waits.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer; so do all methods.
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let settled_through_ms = self.settled_through_ms().await?;
        let entries = integer(&self.call("XLEN", vec![binary(&self.events)]).await?, 0)?;
        let time = self.call("TIME", vec![]).await?;
        let now_ms = integer(&time, 0)?.saturating_mul(1000).saturating_add(integer(&time, 1)? / 1000);
        let oldest_ms = if entries == 0 { 0 } else { now_ms.saturating_sub(settled_through_ms).max(0) };
        Ok(Backlog { entries, settled_through_ms, oldest_ms })
    }

    /// The copy of the operators' controls that was last left here; none on an empty server.
    pub async fn controls(&self) -> Result<Option<String>, Error> {
        let reply = self.call("GET", vec![binary(self.controls_key())]).await?;
        Ok(reply.first().and_then(text).map(str::to_owned))
    }

    /// Leaves a copy of the operators' controls for readers that must not wait for the ledger.
    pub async fn leave_controls(&self, controls: &str) -> Result<(), Error> {
        Ok(self.call("SET", vec![binary(self.controls_key()), binary(controls)]).await.map(drop)?)
    }

    fn controls_key(&self) -> String {
        format!("hb:{{{}}}:controls", self.number)
    }
}
