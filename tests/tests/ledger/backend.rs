//! A database of one's own, of either kind, and ledgers that talk to it natively.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use hongbao_spin::ledger::{Ledger, Statements};
use hongbao_spin::sql::{Database, Row, Value};

use crate::{postgres, sqlite};

/// What keeps the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file, opened as often as one likes.
    Sqlite,
    /// A database of the one private server of this program.
    Postgres,
}

/// A database with the ledger's schema and nothing in it.
pub(crate) struct Backend {
    /// What keeps the books.
    pub(crate) kind: Kind,
    place: Place,
}

enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Backend {
    /// A fresh one; `None` where PostgreSQL is not installed.
    pub(crate) async fn fresh(kind: Kind) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let place = match kind {
            Kind::Sqlite => Place::Sqlite(tempfile::tempdir().expect("a folder can be made")),
            Kind::Postgres => {
                let name = format!("ledger_{}", COUNT.fetch_add(1, Ordering::Relaxed));
                postgres::make_database(&name).await?;
                Place::Postgres(name)
            }
        };
        let backend = Self { kind, place };
        backend.ledger().await.migrate().await.expect("the schema fits");
        Some(backend)
    }

    /// A ledger with a connection of its own and the application's rights.
    pub(crate) async fn ledger(&self) -> Ledger {
        let statements = match self.kind {
            Kind::Sqlite => &Statements::SQLITE,
            Kind::Postgres => &Statements::POSTGRES,
        };
        Ledger::new(self.app().await, statements)
    }

    /// A connection of its own with the application's rights.
    pub(crate) async fn app(&self) -> Box<dyn Database> {
        match &self.place {
            Place::Sqlite(_) => Box::new(sqlite::Native::open(&self.file())),
            Place::Postgres(name) => Box::new(postgres::Native::open_as_app(name).await),
        }
    }

    /// A connection of its own with the owner's rights.
    pub(crate) async fn owner(&self) -> Box<dyn Database> {
        match &self.place {
            Place::Sqlite(_) => Box::new(sqlite::Native::open(&self.file())),
            Place::Postgres(name) => Box::new(postgres::Native::open_as_owner(name).await),
        }
    }

    /// The rows of a query that both databases understand.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Row> {
        let owner = self.owner().await;
        owner.query(query, vec![]).await.unwrap_or_else(|failure| panic!("{query}: {failure:?}"))
    }

    /// The one number that a query answers.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        match self.rows(query).await.as_slice() {
            [row] if matches!(row.as_slice(), [Value::Int(_)]) => match row.first() {
                Some(Value::Int(number)) => *number,
                _ => unreachable!("looked at above"),
            },
            rows => panic!("{query}: {rows:?}"),
        }
    }

    /// Does `work` `count` times at once, each on a thread and with a ledger of its own.
    pub(crate) fn at_once<T: Send>(&self, count: usize, work: impl AsyncFn(usize, Ledger) -> T + Sync) -> Vec<T> {
        let (backend, work) = (self, &work);
        thread::scope(|scope| {
            let one = |number| scope.spawn(move || run(async { work(number, backend.ledger().await).await }));
            let threads: Vec<_> = (0..count).map(one).collect();
            threads.into_iter().map(|thread| thread.join().expect("no case panics")).collect()
        })
    }

    /// Checks what holds for the books at any moment.
    pub(crate) async fn check(&self) {
        let must_be_zero = [
            ("the sum of all balances", "SELECT CAST(SUM(balance_fen) AS bigint) FROM accounts"),
            ("accounts that owe", "SELECT COUNT(*) FROM accounts WHERE balance_fen < 0 AND id <> 'world'"),
            (
                "balances that are not the sum of their postings",
                "SELECT COUNT(*) FROM accounts a WHERE balance_fen <>
                   COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = a.id), 0) -
                   COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = a.id), 0)",
            ),
            (
                "claims that are not one payout",
                "SELECT (SELECT COUNT(*) FROM claims) - (SELECT COUNT(*) FROM postings p JOIN claims c
                   ON p.id = 'open:' || c.packet || ':' || c.seq AND p.amount_fen = c.amount_fen
                   AND p.debit = 'packet:' || c.packet AND p.credit = 'wallet:' || c.\"user\")",
            ),
            (
                "payouts that are not one claim",
                "SELECT (SELECT COUNT(*) FROM postings WHERE id LIKE 'open:%') - (SELECT COUNT(*) FROM claims)",
            ),
            (
                "packets whose count of settled shares is not their claims",
                "SELECT COUNT(*) FROM packets p WHERE settled <> (SELECT COUNT(*) FROM claims WHERE packet = p.id)",
            ),
            (
                "packets where total is not claims, refund and escrow",
                "SELECT COUNT(*) FROM packets p JOIN accounts a ON a.id = 'packet:' || p.id
                 WHERE total_fen <> balance_fen + COALESCE(refunded_fen, 0)
                   + COALESCE((SELECT SUM(amount_fen) FROM claims WHERE packet = p.id), 0)",
            ),
            (
                "finished draws without one best luck, or other packets with one",
                "SELECT COUNT(*) FROM packets p
                 WHERE (CASE WHEN settled = count AND kind = 'lucky' AND count >= 2 THEN 1 ELSE 0 END)
                   <> (SELECT COUNT(*) FROM claims WHERE packet = p.id AND CAST(is_best AS integer) = 1)",
            ),
        ];
        for (what, query) in must_be_zero {
            assert_eq!(self.number(query).await, 0, "{what}");
        }
    }

    fn file(&self) -> PathBuf {
        match &self.place {
            Place::Sqlite(folder) => folder.path().join("ledger.db"),
            Place::Postgres(name) => panic!("{name} is not a file"),
        }
    }
}

/// Runs a test's future to its end.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(work)
}
