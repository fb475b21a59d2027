//! A shard's journal: the stream that the scripts write and the settlement reads.

use hongbao_core::Error;

use super::codec::integer;
use super::{Entry, Shard};
use crate::redis::{Argument, Failure, Reply, Script, binary, number, text};

static TAKE_OVER: Script = Script::new(&[include_str!("../../lua/take_over.lua")]);

/// The consumer group that settles the journal.
pub(super) const GROUP: &str = "settlement";
/// Before all entries: where looking at the pending ones begins.
pub(crate) const START: &str = "0-0";

impl Shard {
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

    /// Up to `count` entries that nobody has read yet; they stay `consumer`'s until acknowledged. None at the journal's
    /// end.
    ///
    /// What no script writes is left to [`take_over`](Self::take_over), and what follows it too.
    pub async fn read(&self, consumer: &str, count: i64) -> Result<Option<Vec<Entry>>, Error> {
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
        let told = reply.get(1..).unwrap_or_default();
        Ok((!told.is_empty()).then(|| entries(told)))
    }

    /// Looks at up to `count` pending entries from `start` on: those that were read at least `idle_ms` ago become
    /// `consumer`'s, those that are deleted are dropped from the list. Answers the former, and where to go on:
    /// [`START`] when that was all.
    pub async fn take_over(
        &self,
        consumer: &str,
        idle_ms: i64,
        start: &str,
        count: i64,
    ) -> Result<(Vec<Entry>, String), Error> {
        let arguments =
            [binary(GROUP), binary(consumer), Argument::Int64(idle_ms), binary(start), Argument::Int64(count)];
        match self.run(&TAKE_OVER, &[&self.events, &self.tries], &arguments).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => Ok((Vec::new(), START.to_owned())),
            answer => {
                let reply = answer?;
                let next = reply.first().and_then(text).unwrap_or(START).to_owned();
                Ok((reply.get(1..).unwrap_or_default().chunks_exact(3).filter_map(taken).collect(), next))
            }
        }
    }

    /// Where the last take-over of this instance stopped.
    #[must_use]
    pub fn taken_to(&self) -> String {
        self.taken_to.borrow().clone()
    }

    /// Notes where the next take-over of this instance goes on.
    pub fn set_taken_to(&self, id: &str) {
        self.taken_to.replace(id.to_owned());
    }

    /// Counts that settling an entry alone failed by an error of its own: how often it has by now. 0 where the server has
    /// no room to count.
    pub async fn count_try(&self, entry: &Entry) -> Result<i64, Error> {
        let words = vec![binary(&self.tries), binary(&entry.id), Argument::Int64(1)];
        match self.call("HINCRBY", words).await {
            Err(Failure::Refused(_)) => Ok(0),
            answer => integer(&answer?, 0),
        }
    }

    /// Notes that entries stood alone and something held them up, which is no try of them; where the server has room.
    pub async fn note_held_up(&self, entries: &[Entry]) -> Result<(), Error> {
        let new = entries.iter().filter(|entry| entry.tries.is_none());
        let pairs: Vec<_> = new.flat_map(|entry| [binary(&entry.id), Argument::Int64(0)]).collect();
        if pairs.is_empty() {
            return Ok(());
        }
        match self.call("HSET", [vec![binary(&self.tries)], pairs].concat()).await {
            Err(Failure::Refused(_)) => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }

    /// Whether there are entries that somebody has read and not acknowledged.
    pub async fn has_unacknowledged(&self) -> Result<bool, Error> {
        let words = [&self.events, GROUP, "-", "+", "1"].map(binary);
        match self.call("XPENDING", words.to_vec()).await {
            Err(Failure::Refused(text)) if text.contains("NOGROUP") => Ok(false),
            answer => Ok(!answer?.is_empty()),
        }
    }

    /// Frees the memory of settled entries and marks them as settled.
    pub async fn acknowledge(&self, entries: &[Entry]) -> Result<(), Error> {
        let ids = || entries.iter().map(|entry| binary(&entry.id));
        // In this order: the next take-over drops what is deleted and still pending, while what is acknowledged and
        // not deleted would stay for ever.
        self.call("XDEL", [vec![binary(&self.events)], ids().collect()].concat()).await?;
        let acknowledge = [vec![binary(&self.events), binary(GROUP)], ids().collect()].concat();
        self.call("XACK", acknowledge).await?;
        if entries.iter().any(|entry| entry.tries.is_some()) {
            self.call("HDEL", [vec![binary(&self.tries)], ids().collect()].concat()).await?;
        }
        Ok(())
    }
}

/// Entries of one field each, as the flattened reply has them: id, field, value. Ends at what no script writes.
fn entries(reply: &[Reply]) -> Vec<Entry> {
    let entry = |triple: &[Reply]| {
        let [id, field, value] = triple else { return None };
        text(field).filter(|name| *name == "e")?;
        Some(Entry { id: text(id)?.to_owned(), text: text(value)?.to_owned(), tries: None })
    };
    reply.chunks(3).map_while(entry).collect()
}

/// An entry as `take_over.lua` tells it: id, text, tries.
fn taken(triple: &[Reply]) -> Option<Entry> {
    let [id, words, tries] = triple else { return None };
    // What is no text is shown as far as it is.
    let words = match words {
        Reply::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => text(other).unwrap_or_default().to_owned(),
    };
    Some(Entry { id: text(id)?.to_owned(), text: words, tries: number(tries) })
}
