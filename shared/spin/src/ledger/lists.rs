//! The sweep's work lists: packets that wait for something, a shard at a time, in pages.

use hongbao_core::{Error, PacketId};

use super::{Ledger, SQL_AUTHORITY, json};
use crate::sql::Reader;

/// What packets wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// To be loaded: funded before this time, and the shard has not confirmed it.
    Unloaded {
        /// Unix milliseconds.
        before_ms: i64,
    },
    /// To be closed: their time was over at this one; the longest overdue first.
    Due {
        /// Unix milliseconds.
        now_ms: i64,
    },
    /// To be looked after before they open.
    Opening {
        /// They open after this, Unix milliseconds.
        after_ms: i64,
        /// And by this.
        until_ms: i64,
    },
    /// To be compared with the race: they are being opened.
    Live {
        /// Unix milliseconds.
        now_ms: i64,
    },
}

impl List {
    /// The list's name among the places.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unloaded { .. } => "unloaded",
            Self::Due { .. } => "due",
            Self::Opening { .. } => "opening",
            Self::Live { .. } => "live",
        }
    }
}

impl Ledger {
    /// Up to `limit` packets of a list behind the packet `after` (empty: from the start), of one shard; of SQL authority
    /// without one.
    pub async fn page(&self, list: List, shard: Option<u16>, after: &str, limit: i64) -> Result<Vec<PacketId>, Error> {
        let shard = shard.map_or(SQL_AUTHORITY, i64::from);
        let (statement, times) = match list {
            List::Unloaded { before_ms } => (self.sql.unloaded, vec![before_ms]),
            List::Due { now_ms } => (self.sql.due, vec![now_ms]),
            List::Opening { after_ms, until_ms } => (self.sql.opening, vec![after_ms, until_ms]),
            List::Live { now_ms } => (self.sql.live, vec![now_ms]),
        };
        let mut parameters = vec![shard.into()];
        parameters.extend(times.into_iter().map(Into::into));
        parameters.extend([after.into(), limit.into()]);
        self.ids(statement, parameters).await
    }

    /// Where something that is done in pages goes on; empty at the start.
    pub async fn place(&self, name: &str) -> Result<String, Error> {
        self.first(self.sql.place, vec![name.into()]).await?.map_or(Ok(String::new()), |mut row| row.text())
    }

    /// Notes where something goes on.
    pub async fn set_place(&self, name: &str, value: &str) -> Result<(), Error> {
        self.rows(self.sql.place_set, vec![name.into(), value.into()]).await.map(drop)
    }

    /// Shards that are not among those `configured` and have packets to hold: how many, counted up to `most`.
    pub async fn orphans(&self, configured: &[u16], most: i64) -> Result<Vec<(u16, i64)>, Error> {
        let rows = self.rows(self.sql.orphans, vec![json(configured)?, most.into()]).await?;
        let pair = |row| {
            let mut row = Reader::new(row);
            Ok((u16::try_from(row.int()?).unwrap_or(u16::MAX), row.int()?))
        };
        rows.into_iter().map(pair).collect()
    }
}
