//! A look into the application's own books, where a test needs a witness besides the answers.

use std::path::Path;

use hongbao_stack::Stack;
use rusqlite::{Connection, OpenFlags};

/// The ledger of a stack. Nothing here writes to it but [`alter`](Books::alter).
pub struct Books(Connection);

impl Books {
    /// Opens them.
    ///
    /// # Panics
    /// When they are not where the runtime keeps them.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        Self::at(&stack.dir().join("state"))
    }

    /// Opens those in a host's folder of state.
    ///
    /// # Panics
    /// When they are not there.
    #[must_use]
    pub fn at(state_dir: &Path) -> Self {
        Self(open(state_dir, OpenFlags::SQLITE_OPEN_READ_ONLY))
    }

    /// Changes the schema of those in a host's folder of state, as an operator with the file could.
    ///
    /// # Panics
    /// When the statements do not fit.
    pub fn alter_schema(state_dir: &Path, statements: &str) {
        let books = open(state_dir, OpenFlags::SQLITE_OPEN_READ_WRITE);
        books.execute_batch(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Locks them, so that nobody can write, until the result is dropped.
    ///
    /// # Panics
    /// When somebody else writes all the time.
    #[must_use]
    pub fn hold(stack: &Stack) -> Self {
        let books = open(&stack.dir().join("state"), OpenFlags::SQLITE_OPEN_READ_WRITE);
        books.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
        Self(books)
    }

    /// Lets `change` write to the books behind the application's back, in one transaction.
    ///
    /// # Panics
    /// When it cannot.
    pub fn alter(stack: &Stack, change: impl FnOnce(&Connection) -> rusqlite::Result<()>) {
        let books = open(&stack.dir().join("state"), OpenFlags::SQLITE_OPEN_READ_WRITE);
        books.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        change(&books).expect("the books can be changed");
        books.execute_batch("COMMIT").expect("the change is kept");
    }

    /// The one number that a query answers.
    ///
    /// # Panics
    /// When the query does not answer one number.
    #[must_use]
    pub fn number(&self, query: &str) -> i64 {
        self.0.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one text that a query answers.
    ///
    /// # Panics
    /// When the query does not answer one text.
    #[must_use]
    pub fn text(&self, query: &str) -> String {
        self.0.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Checks what holds for the books at any moment: nothing is made or lost, no account owes, every balance
    /// is the sum of its postings, every paid share is one posting, and nothing is left to an operator.
    ///
    /// # Panics
    /// When one of these does not hold.
    pub fn check(&self) {
        let must_be_zero = [
            ("the sum of all balances", "SELECT SUM(balance_fen) FROM accounts"),
            ("accounts that owe", "SELECT COUNT(*) FROM accounts WHERE balance_fen < 0 AND id <> 'world'"),
            (
                "balances that are not the sum of their postings",
                "SELECT COUNT(*) FROM accounts a WHERE balance_fen <>
                   COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = a.id), 0) -
                   COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = a.id), 0)",
            ),
            (
                "paid shares that are not one posting",
                "SELECT (SELECT COUNT(*) FROM claims) - (SELECT COUNT(*) FROM postings p JOIN claims c
                   ON p.id = 'open:' || c.packet || ':' || c.seq AND p.amount_fen = c.amount_fen
                   AND p.credit = 'wallet:' || c.user)",
            ),
            ("open exceptions", "SELECT COUNT(*) FROM exceptions WHERE resolved_at_ms IS NULL"),
        ];
        for (what, query) in must_be_zero {
            assert_eq!(self.number(query), 0, "{what}");
        }
    }
}

fn open(state_dir: &Path, flags: OpenFlags) -> Connection {
    let books = Connection::open_with_flags(state_dir.join("sqlite_db.db"), flags).expect("the books are there");
    books.busy_timeout(std::time::Duration::from_secs(10)).expect("a time limit can be set");
    books
}
