//! Packets that have ended, and up to where they have left their shard.

use hongbao_core::{Error, PacketId};

use super::{Ledger, json};
use crate::sql::{Reader, Value};

/// A place among the ended packets of a shard: when the end was noted, and the id.
pub type EndedPlace = (i64, String);

/// Up to where the ended packets of a shard have left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredMark {
    /// The last packet that has.
    pub place: EndedPlace,
    /// The contents that they have left: the shard's epoch and server process.
    pub contents: String,
}

impl Ledger {
    /// Notes at `now_ms` that packets have ended, at most `most` of them; answers how many.
    ///
    /// A packet has ended when every share of it is settled, or what was left is refunded. The noted time is later
    /// than that of every packet of its shard that has left already.
    pub async fn note_ended(&self, now_ms: i64, most: i64) -> Result<usize, Error> {
        Ok(self.rows(self.sql.note_ended, vec![now_ms.into(), most.into()]).await?.len())
    }

    /// Up to where the packets of `shard` have left it.
    pub async fn retired(&self, shard: u16) -> Result<RetiredMark, Error> {
        let row = self.first(self.sql.retired, vec![i64::from(shard).into()]).await?;
        let mut row = row.ok_or_else(|| Error::Internal(format!("shard {shard} has no record")))?;
        Ok(RetiredMark { place: (row.int()?, row.text()?), contents: row.text()? })
    }

    /// Moves that mark from `before` to `after`; `false` when somebody else has moved it meanwhile.
    pub async fn move_retired(&self, shard: u16, before: &RetiredMark, after: &RetiredMark) -> Result<bool, Error> {
        let mark = |mark: &RetiredMark| -> [Value; 3] {
            [mark.place.0.into(), mark.place.1.clone().into(), mark.contents.clone().into()]
        };
        let parameters = [vec![i64::from(shard).into()], mark(before).into(), mark(after).into()].concat();
        Ok(self.first(self.sql.move_retired, parameters).await?.is_some())
    }

    /// The packets of `shard` whose end was noted after `place` and up to `until_ms`, in that order: their places.
    pub async fn ended(
        &self,
        shard: u16,
        place: &EndedPlace,
        until_ms: i64,
        most: i64,
    ) -> Result<Vec<(PacketId, EndedPlace)>, Error> {
        let parameters =
            vec![i64::from(shard).into(), place.0.into(), place.1.clone().into(), until_ms.into(), most.into()];
        let rows = self.rows(self.sql.ended, parameters).await?;
        let ended = |row| {
            let mut row = Reader::new(row);
            let id = row.parsed(PacketId::parse)?;
            Ok((id, (row.int()?, id.to_string())))
        };
        rows.into_iter().map(ended).collect()
    }

    /// Those of these packets that no shard has to hold any more: whose end was noted by `until_ms`, or that live
    /// under SQL authority. A packet that the ledger does not know is none of them: it is evidence.
    pub async fn not_to_hold(&self, ids: &[PacketId], until_ms: i64) -> Result<Vec<PacketId>, Error> {
        self.ids(self.sql.not_to_hold, vec![json(ids)?, until_ms.into()]).await
    }
}
