//! A shard's journal: the stream that the scripts write and the settlement reads.

use hongbao_core::Error;

use super::codec::integer;
use super::{Entry, Shard};
use crate::redis::{Argument, Failure, Reply, binary, number, text};

/// The consumer group that settles the journal.
const GROUP: &str = "settlement";

impl Shard {
    /// When the oldest entry that is not settled was written, or else the server's time: Unix milliseconds.
    pub async fn settled_through_ms(&self) -> Result<i64, Error> {
        // The clock first: an entry written in between only makes the answer more careful.
        let time = self.call("TIME", vec![]).await?;
        let now_ms = integer(&time, 0)?.saturating_mul(1000).saturating_add(integer(&time, 1)? / 1000);
        let oldest = ["-", "+", "COUNT", "1"].map(binary);
        let reply = self.call("XRANGE", [vec![binary(&self.events)], oldest.to_vec()].concat()).await?;
        let written = reply.first().and_then(text).and_then(|id| id.split_once('-')?.0.parse().ok());
        Ok(written.unwrap_or(now_ms))
    }

    /// How many entries wait to be settled.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer; so do all methods.
    pub async fn waiting(&self) -> Result<i64, Error> {
        integer(&self.call("XLEN", vec![binary(&self.events)]).await?, 0)
    }

    /// Rings this shard's doorbell for another one: the settlement listens at one shard only. The bell says whose it is.
    pub async fn ring_for(&self, number: u16) -> Result<(), Error> {
        let words = [self.bell.clone(), number.to_string()].map(binary);
        Ok(self.call("PUBLISH", words.to_vec()).await.map(drop)?)
    }

    /// Silences the doorbell until the next event: whoever answers it does this before reading.
    pub async fn answer_bell(&self) -> Result<(), Error> {
        Ok(self.call("DEL", vec![binary(&self.bell)]).await.map(drop)?)
    }

    /// Up to `count` entries that nobody has read yet; they stay `consumer`'s until acknowledged.
    pub async fn read(&self, consumer: &str, count: i64) -> Result<Vec<Entry>, Error> {
        let words = ["GROUP", GROUP, consumer, "COUNT"].map(binary).to_vec();
        let rest = vec![Argument::Int64(count), binary("STREAMS"), binary(&self.events), binary(">")];
        let arguments = [words, rest].concat();
        let reply = match self.call("XREADGROUP", arguments.clone()).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => {
                self.make_group().await?;
                self.call("XREADGROUP", arguments).await?
            }
            answer => answer?,
        };
        // The stream's name, then id, field, value of each entry. Nothing to read is nil.
        Ok(entries(reply.get(1..).unwrap_or_default()))
    }

    /// Whether there are entries that somebody has read and not acknowledged.
    pub async fn has_unacknowledged(&self) -> Result<bool, Error> {
        let words = [&self.events, GROUP, "-", "+", "1"].map(binary);
        match self.call("XPENDING", words.to_vec()).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => Ok(false),
            answer => Ok(!answer?.is_empty()),
        }
    }

    /// Up to `count` entries that were read at least `idle_ms` ago and never acknowledged.
    pub async fn take_over(&self, consumer: &str, idle_ms: i64, count: i64) -> Result<Vec<Entry>, Error> {
        let words = [self.events.as_str(), GROUP, consumer].map(binary).to_vec();
        let rest = vec![Argument::Int64(idle_ms), binary("0"), binary("COUNT"), Argument::Int64(count)];
        match self.call("XAUTOCLAIM", [words, rest].concat()).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => Ok(Vec::new()),
            // The next cursor, then id, field, value of each entry, then ids of entries deleted meanwhile.
            answer => self.with_deliveries(consumer, entries(answer?.get(1..).unwrap_or_default())).await,
        }
    }

    /// Says of each entry how often it has been handed to a reader.
    async fn with_deliveries(&self, consumer: &str, mut entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(entries) };
        let range = [&self.events, GROUP, &first.id, &last.id].map(binary).to_vec();
        let count = Argument::Int64(i64::try_from(entries.len()).unwrap_or(i64::MAX));
        let pending = self.call("XPENDING", [range, vec![count, binary(consumer)]].concat()).await?;
        // Id, consumer, idle ms and deliveries of each.
        for told in pending.chunks_exact(4) {
            let id = text(&told[0]).unwrap_or_default();
            if let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) {
                entry.deliveries = number(&told[3]).unwrap_or_default();
            }
        }
        Ok(entries)
    }

    /// Frees the memory of settled entries and marks them as settled.
    pub async fn acknowledge(&self, entries: &[Entry]) -> Result<(), Error> {
        let ids = || entries.iter().map(|entry| binary(&entry.id));
        // In this order: the next take-over drops what is deleted and still pending, while what is acknowledged and
        // not deleted would stay for ever.
        self.call("XDEL", [vec![binary(&self.events)], ids().collect()].concat()).await?;
        let acknowledge = [vec![binary(&self.events), binary(GROUP)], ids().collect()].concat();
        self.call("XACK", acknowledge).await?;
        Ok(())
    }

    pub(super) async fn make_group(&self) -> Result<(), Error> {
        let words = ["CREATE", &self.events, GROUP, "0", "MKSTREAM"].map(binary);
        match self.call("XGROUP", words.to_vec()).await {
            Err(Failure::Refused(text)) if text.contains("BUSYGROUP") => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }
}

/// Entries of one field each, as the flattened reply has them: id, field, value.
fn entries(reply: &[Reply]) -> Vec<Entry> {
    let entry = |triple: &[Reply]| {
        let [id, field, value] = triple else { return None };
        text(field).filter(|name| *name == "e")?;
        Some(Entry { id: text(id)?.to_owned(), text: text(value)?.to_owned(), deliveries: 1 })
    };
    reply.chunks(3).map_while(entry).collect()
}
