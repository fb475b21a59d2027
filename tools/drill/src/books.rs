//! A look into the application's own books, read only, on either database.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_stack::Stack;
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::NoTls;

use crate::checker::{OnRecord, Told};

/// What must be zero at any moment, in words that both databases understand.
const MUST_BE_ZERO: [(&str, &str); 5] = [
    ("fen made or lost: the sum of all balances", "SELECT CAST(COALESCE(SUM(balance_fen), 0) AS TEXT) FROM accounts"),
    ("accounts that owe", "SELECT CAST(COUNT(*) AS TEXT) FROM accounts WHERE balance_fen < 0 AND id <> 'world'"),
    (
        "balances that are not the sum of their postings",
        "SELECT CAST(COUNT(*) AS TEXT) FROM accounts a WHERE balance_fen <>
           COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = a.id), 0) -
           COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = a.id), 0)",
    ),
    (
        "paid shares that are not one posting",
        "SELECT CAST((SELECT COUNT(*) FROM claims) - (SELECT COUNT(*) FROM postings p JOIN claims c
           ON p.id = 'open:' || c.packet || ':' || c.seq AND p.amount_fen = c.amount_fen
           AND p.credit = 'wallet:' || c.\"user\") AS TEXT)",
    ),
    (
        "packets that do not hold what they got, less what they paid and gave back",
        "SELECT CAST(COUNT(*) AS TEXT) FROM packets p WHERE total_fen <> COALESCE(refunded_fen, 0)
           + COALESCE((SELECT SUM(amount_fen) FROM claims c WHERE c.packet = p.id), 0)
           + COALESCE((SELECT balance_fen FROM accounts a WHERE a.id = 'packet:' || p.id), 0)",
    ),
];

/// The ledger of a stack.
pub(crate) enum Books {
    Sqlite(Connection),
    Postgres(tokio_postgres::Client),
}

impl Books {
    pub(crate) async fn of(stack: &Stack) -> Result<Self> {
        if let Some(postgres) = &stack.postgres {
            let (client, connection) = tokio_postgres::connect(&postgres.url(), NoTls).await?;
            tokio::spawn(connection); // It ends with its client.
            return Ok(Self::Postgres(client));
        }
        Ok(Self::Sqlite(open(stack, OpenFlags::SQLITE_OPEN_READ_ONLY)?))
    }

    /// A query's only column, of texts.
    async fn column(&self, query: &str) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(books) => {
                let mut query = books.prepare(query)?;
                Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
            }
            Self::Postgres(books) => books.query(query, &[]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect(),
        }
    }

    /// Every packet with every person whose share an operator has to decide about.
    pub(crate) async fn on_record(&self) -> Result<OnRecord> {
        let rows = self.column("SELECT packet || ' ' || evidence FROM exceptions").await?;
        let words = rows.iter().map(|row| row.split_whitespace());
        let of_row = words.flat_map(|mut words| {
            let packet = words.next().unwrap_or_default();
            words.filter(|word| word.starts_with("us_")).map(move |person| (packet.to_owned(), person.to_owned()))
        });
        Ok(of_row.collect())
    }

    /// What is wrong in the books, by themselves and compared with what people were told.
    pub(crate) async fn check(&self, told: &Told, on_record: &OnRecord, may_except: bool) -> Result<Vec<String>> {
        let mut findings = Vec::new();
        for (what, query) in MUST_BE_ZERO {
            let found = self.column(query).await.with_context(|| format!("no answer about {what}"))?;
            if found != ["0"] {
                findings.push(format!("books: {}, {what}", found.join(", ")));
            }
        }
        let claims = "SELECT packet || ' ' || seq || ' ' || \"user\" || ' ' || amount_fen FROM claims";
        let claims: BTreeSet<_> = self.column(claims).await?.into_iter().collect();
        let is_settled = |((packet, _, person), _): &(&(String, i64, String), &i64)| {
            !on_record.contains(&(packet.clone(), person.clone()))
        };
        let told: BTreeSet<_> = told.opens.iter().map(|open| (is_settled(&open), open)).collect();
        let word =
            |((packet, seq, person), fen): (&(String, i64, String), &i64)| format!("{packet} {seq} {person} {fen}");
        let answered: BTreeSet<_> = told.iter().map(|(_, open)| word(*open)).collect();
        let settled: BTreeSet<_> =
            told.iter().filter(|(is_settled, _)| *is_settled).map(|(_, open)| word(*open)).collect();
        findings.extend(settled.difference(&claims).map(|open| format!("books: answered and not paid: {open}")));
        findings.extend(claims.difference(&answered).map(|claim| format!("books: paid and never answered: {claim}")));
        if !may_except {
            let rows = self.column("SELECT id || ' ' || reason || ' ' || evidence FROM exceptions").await?;
            findings.extend(rows.into_iter().map(|row| format!("books: an exception without a reason to be: {row}")));
        }
        Ok(findings)
    }
}

/// Locks the SQLite ledger, so that nobody can write, until the result is dropped.
pub(crate) fn hold(stack: &Stack) -> Result<Connection> {
    let books = open(stack, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    books.execute_batch("BEGIN EXCLUSIVE").context("the ledger cannot be locked")?;
    Ok(books)
}

fn open(stack: &Stack, flags: OpenFlags) -> Result<Connection> {
    let path = stack.dir().join("state/sqlite_db.db");
    let books = Connection::open_with_flags(&path, flags).with_context(|| format!("no ledger: {}", path.display()))?;
    books.busy_timeout(Duration::from_secs(10))?;
    Ok(books)
}
