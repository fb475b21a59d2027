//! The ledger read against itself: what reconciliation judges (core, `books`).

use hongbao_core::Error;
use hongbao_core::books::{AccountBooks, PacketBooks};
use serde::Serialize;

use super::{Ledger, json};
use crate::sql::{Reader, Row};

/// Something that drifts: a packet or an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The packet's or the account's id.
    pub subject: String,
    /// The packet's id; empty for an account.
    pub packet: String,
    /// What stands against what.
    pub evidence: String,
}

impl Ledger {
    /// The sum of all balances, and the number of accounts.
    pub async fn all_balances(&self) -> Result<(i64, i64), Error> {
        let row = self.first(self.sql.all_balances, vec![]).await?;
        let mut row = row.ok_or_else(|| Error::Internal("a sum of nothing".into()))?;
        Ok((row.int()?, row.int()?))
    }

    /// Up to `limit` packets' ids after `after`, in their order.
    pub async fn packet_page(&self, after: &str, limit: i64) -> Result<Vec<String>, Error> {
        let rows = self.rows(self.sql.packet_page, vec![after.into(), limit.into()]).await?;
        rows.into_iter().map(|row| Reader::new(row).text()).collect()
    }

    /// Up to `limit` accounts' ids after `after`, in their order, without the world.
    pub async fn account_page(&self, after: &str, limit: i64) -> Result<Vec<String>, Error> {
        let rows = self.rows(self.sql.account_page, vec![after.into(), limit.into()]).await?;
        rows.into_iter().map(|row| Reader::new(row).text()).collect()
    }

    /// What every table says about these packets, read at one moment.
    pub async fn packet_books(&self, ids: &[String]) -> Result<Vec<(String, PacketBooks)>, Error> {
        let rows = self.rows(self.sql.packet_books, vec![json(ids)?]).await?;
        rows.into_iter().map(packet_books).collect()
    }

    /// What stands about these accounts, read at one moment.
    pub async fn account_books(&self, ids: &[String]) -> Result<Vec<AccountBooks>, Error> {
        let rows = self.rows(self.sql.account_books, vec![json(ids)?]).await?;
        rows.into_iter().map(account_books).collect()
    }

    /// Records what drifts, and stops refunds of the packets among it; nothing for what is on record already.
    pub async fn record_drift(&self, drifts: &[Drift], now_ms: i64) -> Result<(), Error> {
        if drifts.is_empty() {
            return Ok(());
        }
        self.rows(self.sql.drift, vec![json(drifts)?, now_ms.into()]).await.map(drop)
    }
}

fn packet_books(row: Row) -> Result<(String, PacketBooks), Error> {
    let mut row = Reader::new(row);
    let id = row.text()?;
    let books = PacketBooks {
        total_fen: row.int()?,
        count: row.int()?,
        settled: row.int()?,
        closed_opened: row.optional_int()?,
        refunded_fen: row.optional_int()?,
        is_frozen: row.optional_int()?.is_some(),
        escrow_fen: row.optional_int()?,
        in_fen: row.int()?,
        out_fen: row.int()?,
        outs: row.int()?,
        funded_fen: row.optional_int()?,
        refund_fen: row.optional_int()?,
        claims: row.int()?,
        claimed_fen: row.int()?,
        paid: row.int()?,
    };
    Ok((id, books))
}

fn account_books(row: Row) -> Result<AccountBooks, Error> {
    let mut row = Reader::new(row);
    let (id, balance_fen, postings_fen) = (row.text()?, row.int()?, row.int()?);
    Ok(AccountBooks { id, balance_fen, postings_fen, has_packet: row.int()? != 0 })
}
