//! What no rule could decide, as the ledger has it: rows, and the evidence around them.

use hongbao_core::split::Kind;
use hongbao_core::wire::operator::{ExceptionState, PacketSummary, PaidShare, Resolution};
use hongbao_core::{Error, Fen, PacketId, UserId};

use super::{Ledger, Page, json, page};
use crate::sql::{Reader, Row};

/// One exception, as it is kept.
#[derive(Debug, Clone)]
pub struct Exception {
    /// Its id, `ex_…`.
    pub id: String,
    /// The packet's id as the entry names it; empty where none is named.
    pub packet: String,
    /// Why it is one.
    pub reason: String,
    /// The journal's entry as it stood in the stream, or what reconciliation found.
    pub entry: String,
    /// When it was recorded.
    pub created_at_ms: i64,
    /// What an operator did about it.
    pub resolution: Option<Resolution>,
}

impl Ledger {
    /// The exception `id`.
    pub async fn exception(&self, id: &str) -> Result<Option<Exception>, Error> {
        self.rows(self.sql.exception, vec![id.into()]).await?.into_iter().next().map(exception).transpose()
    }

    /// Exceptions in `state` older than the one with the id `before`, newest first; and the id that the next page
    /// is below. An empty `before` is the first page.
    pub async fn exceptions(
        &self,
        state: ExceptionState,
        before: &str,
        limit: i64,
    ) -> Result<Page<Exception, String>, Error> {
        let statement = match state {
            ExceptionState::Open => self.sql.exceptions_open,
            ExceptionState::Resolved => self.sql.exceptions_resolved,
        };
        let rows = self.rows(statement, vec![before.into(), limit.saturating_add(1).into()]).await?;
        let exceptions = rows.into_iter().map(exception).collect::<Result<_, _>>()?;
        Ok(page(exceptions, limit, |exception: &Exception| exception.id.clone()))
    }

    /// What is on record about a packet: the entries that could not be settled.
    pub async fn excepted(&self, id: PacketId) -> Result<Vec<String>, Error> {
        let rows = self.rows(self.sql.excepted, vec![id.to_string().into()]).await?;
        rows.into_iter().map(|row| Reader::new(row).text()).collect()
    }

    /// How those of these packets that exist stand.
    pub async fn summaries(&self, ids: &[PacketId]) -> Result<Vec<PacketSummary>, Error> {
        let rows = self.rows(self.sql.summaries, vec![json(ids)?]).await?;
        rows.into_iter().map(summary).collect()
    }

    /// The paid shares that stand in the way of these opens: of the same number, or of the same user.
    pub async fn conflicts(&self, opens: &[(PacketId, u32, UserId)]) -> Result<Vec<(PacketId, PaidShare)>, Error> {
        let open = |(packet, seq, user): &(PacketId, u32, UserId)| serde_json::json!({"packet": packet, "seq": seq, "user": user});
        let opens: Vec<_> = opens.iter().map(open).collect();
        let rows = self.rows(self.sql.conflicts, vec![json(&opens)?]).await?;
        rows.into_iter().map(paid_share).collect()
    }
}

fn exception(row: Row) -> Result<Exception, Error> {
    let mut row = Reader::new(row);
    let (id, packet, reason) = (row.text()?, row.text()?, row.text()?);
    let (entry, created_at_ms, resolved_at_ms) = (row.text()?, row.int()?, row.optional_int()?);
    let (act, operator, why) = (row.optional_text()?, row.optional_text()?, row.optional_text()?);
    let (amount_fen, number) = (row.optional_int()?.and_then(Fen::new), row.optional_int()?);
    let resolution = resolved_at_ms.map(|at_ms| Resolution {
        act: act.unwrap_or_default(),
        operator: operator.unwrap_or_default(),
        reason: why.unwrap_or_default(),
        amount_fen,
        at_ms,
        audit_number: number.unwrap_or_default(),
    });
    Ok(Exception { id, packet, reason, entry, created_at_ms, resolution })
}

fn summary(row: Row) -> Result<PacketSummary, Error> {
    let mut row = Reader::new(row);
    Ok(PacketSummary {
        packet_id: row.parsed(PacketId::parse)?,
        sender: row.parsed(UserId::parse)?,
        kind: row.parsed(Kind::parse)?,
        total_fen: row.fen()?,
        count: row.count()?,
        settled: row.count()?,
        created_at_ms: row.int()?,
        expires_at_ms: row.int()?,
        closed_at_ms: row.optional_int()?,
        closed_opened: row.optional_int()?.and_then(|opened| u32::try_from(opened).ok()),
        refunded_fen: row.optional_int()?.and_then(Fen::new),
        frozen_at_ms: row.optional_int()?,
        escrow_fen: row.fen()?,
    })
}

fn paid_share(row: Row) -> Result<(PacketId, PaidShare), Error> {
    let mut row = Reader::new(row);
    let packet = row.parsed(PacketId::parse)?;
    let (seq, user) = (row.count()?, row.parsed(UserId::parse)?);
    Ok((packet, PaidShare { seq, user, amount_fen: row.fen()?, opened_at_ms: row.int()? }))
}
