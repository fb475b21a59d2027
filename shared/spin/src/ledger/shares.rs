//! The paid shares of a packet, for people to see.

use hongbao_core::wire::ShareAnswer;
use hongbao_core::{Error, PacketId, UserId};

use super::{Ledger, page};
use crate::sql::{Reader, Row};

/// A page of a packet's shares, in order of their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharesPage {
    /// The shares.
    pub shares: Vec<ShareAnswer>,
    /// The number after which the next page begins; absent on the last.
    pub next: Option<u32>,
}

impl SharesPage {
    /// The first `limit` of these shares.
    #[must_use]
    pub fn of(shares: Vec<ShareAnswer>, limit: i64) -> Self {
        let (shares, next) = page(shares, limit, |share| share.seq);
        Self { shares, next }
    }
}

impl Ledger {
    /// Paid shares of a packet with numbers above `after`, in their order. Of a packet that is still opened, a share may
    /// be paid after the page was read that it would have stood on; none is on two pages.
    pub async fn shares(&self, id: PacketId, after: Option<u32>, limit: i64) -> Result<SharesPage, Error> {
        let parameters =
            vec![id.to_string().into(), after.map_or(-1, i64::from).into(), limit.saturating_add(1).into()];
        let shares = self.rows(self.sql.shares, parameters).await?.into_iter().map(share);
        Ok(SharesPage::of(shares.collect::<Result<_, _>>()?, limit))
    }

    /// `user`'s paid share of a packet.
    pub async fn share(&self, id: PacketId, user: &UserId) -> Result<Option<ShareAnswer>, Error> {
        let rows = self.rows(self.sql.share, vec![id.to_string().into(), user.as_str().into()]).await?;
        rows.into_iter().next().map(share).transpose()
    }
}

fn share(row: Row) -> Result<ShareAnswer, Error> {
    let mut row = Reader::new(row);
    Ok(ShareAnswer {
        user: row.parsed(UserId::parse)?,
        seq: row.count()?,
        amount_fen: row.fen()?,
        opened_at_ms: row.int()?,
        best: row.int()? != 0,
    })
}
