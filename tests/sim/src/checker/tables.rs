//! What SQL holds in the end, read by plain SQL.

use rusqlite::{Connection, Result, Row};

/// The ledger's tables.
#[derive(Debug, Default)]
pub struct Tables {
    pub(super) accounts: Vec<Account>,
    pub(super) postings: Vec<Posting>,
    pub(super) packets: Vec<Packet>,
    pub(super) claims: Vec<Claim>,
    pub(super) exceptions: Vec<Exception>,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) balance_fen: i64,
}

#[derive(Debug)]
pub(super) struct Posting {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) debit: String,
    pub(super) credit: String,
    pub(super) amount_fen: i64,
    pub(super) at_ms: i64,
}

#[derive(Debug)]
pub(super) struct Packet {
    pub(super) id: String,
    pub(super) sender: String,
    pub(super) kind: String,
    pub(super) total_fen: i64,
    pub(super) count: i64,
    pub(super) shard: i64,
    pub(super) starts_at_ms: i64,
    pub(super) expires_at_ms: i64,
    pub(super) refunded_fen: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Claim {
    pub(super) packet: String,
    pub(super) seq: i64,
    pub(super) user: String,
    pub(super) amount_fen: i64,
    pub(super) opened_at_ms: i64,
}

#[derive(Debug)]
pub(super) struct Exception {
    pub(super) id: String,
    pub(super) packet: String,
    pub(super) reason: String,
    pub(super) evidence: String,
}

impl Tables {
    /// Reads them.
    ///
    /// # Errors
    /// Occurs when a table or a column is missing, or holds another type.
    pub fn read(connection: &Connection) -> Result<Self> {
        Ok(Self {
            accounts: rows(connection, "SELECT id, balance_fen FROM accounts ORDER BY id", |row| {
                Ok(Account { id: row.get(0)?, balance_fen: row.get(1)? })
            })?,
            postings: rows(
                connection,
                "SELECT number, id, debit, credit, amount_fen, at_ms FROM postings ORDER BY number",
                |row| {
                    let (number, id, debit, credit) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                    Ok(Posting { number, id, debit, credit, amount_fen: row.get(4)?, at_ms: row.get(5)? })
                },
            )?,
            packets: rows(connection, PACKETS, packet)?,
            claims: rows(connection, "SELECT packet, seq, user, amount_fen, opened_at_ms FROM claims", |row| {
                let (packet, seq, user) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Claim { packet, seq, user, amount_fen: row.get(3)?, opened_at_ms: row.get(4)? })
            })?,
            exceptions: rows(connection, "SELECT id, packet, reason, evidence FROM exceptions ORDER BY id", |row| {
                Ok(Exception { id: row.get(0)?, packet: row.get(1)?, reason: row.get(2)?, evidence: row.get(3)? })
            })?,
        })
    }

    pub(super) fn packet(&self, id: &str) -> Option<&Packet> {
        self.packets.iter().find(|packet| packet.id == id)
    }
}

const PACKETS: &str = "SELECT id, sender, kind, total_fen, count, shard, starts_at_ms, expires_at_ms, refunded_fen \
                       FROM packets ORDER BY id";

fn packet(row: &Row<'_>) -> Result<Packet> {
    Ok(Packet {
        id: row.get(0)?,
        sender: row.get(1)?,
        kind: row.get(2)?,
        total_fen: row.get(3)?,
        count: row.get(4)?,
        shard: row.get(5)?,
        starts_at_ms: row.get(6)?,
        expires_at_ms: row.get(7)?,
        refunded_fen: row.get(8)?,
    })
}

fn rows<T>(connection: &Connection, query: &str, read: fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    connection.prepare(query)?.query_map([], read)?.collect()
}
