//! Why a statement did not do its work: one table for both databases.
//!
//! **Invariant:** what the table does not name is [`Cause::Unknown`]: it is tried again, and often, before an entry is
//! blamed for it.

use hongbao_core::Error;

/// What kind of failure it was, and so what is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// This server is not the one to talk to, or does not answer: a new connection may lead to another one. Whether the
    /// statement was done is unknown.
    Lost,
    /// The server or its storage is not able to do it now, whatever the statement says.
    Unable,
    /// Something else holds the statement up: a lock, a deadlock, too little time.
    HeldUp,
    /// What the statement says breaks a rule: it fails however often it is tried.
    Refused,
    /// A reason that the table does not name.
    Unknown,
}

/// Why a statement did not do its work. Unless it was lost it did nothing; doing it again is harmless in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it was.
    pub cause: Cause,
    /// The database's own words.
    pub text: String,
}

/// What a trigger or a procedure of ours raises (PL/pgSQL's RAISE).
const RAISED: &str = "P0001";
/// Somebody else's lock.
const LOCKED: &str = "55P03";

/// SQLSTATEs by their first characters, of several that fit the first one.
const SQLSTATES: &[(&str, Cause)] = &[
    // Connections that break, sessions that are ended, servers that start or stop.
    ("08", Cause::Lost),
    ("57P", Cause::Lost),
    // A standby, or a server that was demoted: it reads only.
    ("25006", Cause::Lost),
    // A session that somebody left in a failed transaction, a statement prepared for another session or schema.
    ("25P0", Cause::Lost),
    ("26", Cause::Lost),
    ("0A000", Cause::Lost),
    // Out of disk, memory or connections; reading or writing fails.
    ("53", Cause::Unable),
    ("58", Cause::Unable),
    ("F0", Cause::Unable),
    // Password, database, schema or rights are not those of this application.
    ("28", Cause::Unable),
    ("3D", Cause::Unable),
    ("3F", Cause::Unable),
    ("42", Cause::Unable),
    // A broken rule of ours, a constraint, a value that fits nowhere; what a trigger, a procedure or a view says of this
    // row (P0: PL/pgSQL's own errors), a limit that this statement exceeds.
    ("09", Cause::Refused),
    ("20", Cause::Refused),
    ("21", Cause::Refused),
    ("22", Cause::Refused),
    ("23", Cause::Refused),
    ("27", Cause::Refused),
    ("2F", Cause::Refused),
    ("38", Cause::Refused),
    ("39", Cause::Refused),
    ("44", Cause::Refused),
    ("54", Cause::Refused),
    ("P0", Cause::Refused),
    // Locks, deadlocks and other victims of concurrency, a statement whose time is over.
    (LOCKED, Cause::HeldUp),
    ("40", Cause::HeldUp),
    ("57014", Cause::HeldUp),
];

/// SQLite's words, which are all that comes through, in the order of looking.
const SQLITE: &[(&str, Cause)] = &[
    // One lock for the whole database: whoever holds it holds up everything.
    ("database is locked", Cause::Unable),
    ("database table is locked", Cause::Unable),
    ("locking protocol", Cause::Unable),
    ("database or disk is full", Cause::Unable),
    ("disk I/O error", Cause::Unable),
    ("attempt to write a readonly database", Cause::Unable),
    ("unable to open database file", Cause::Unable),
    ("out of memory", Cause::Unable),
    ("database disk image is malformed", Cause::Unable),
    ("file is not a database", Cause::Unable),
    ("access permission denied", Cause::Unable),
    ("no such table", Cause::Unable),
    ("no such column", Cause::Unable),
    ("no such function", Cause::Unable),
    ("constraint failed", Cause::Refused),
    ("datatype mismatch", Cause::Refused),
    ("cannot store", Cause::Refused),
    ("integer overflow", Cause::Refused),
    ("string or blob too big", Cause::Refused),
    ("malformed JSON", Cause::Refused),
    ("append-only", Cause::Refused),
];

impl Failure {
    /// No answer: `text` says how it came to that.
    #[must_use]
    pub fn lost(text: impl Into<String>) -> Self {
        Self { cause: Cause::Lost, text: text.into() }
    }

    /// A failure of PostgreSQL, by its SQLSTATE. A broken rule of ours is its message, which names the rule; anything
    /// else shows its code in front, and no word of the server's can be taken for a rule.
    #[must_use]
    pub fn of_postgres(sqlstate: &str, message: &str) -> Self {
        let known = SQLSTATES.iter().find(|(start, _)| sqlstate.starts_with(start));
        let text = if sqlstate == RAISED || sqlstate.starts_with("23") {
            message.to_owned()
        } else {
            format!("{sqlstate}: {}", message.replace("conflict", "collision"))
        };
        Self { cause: known.map_or(Cause::Unknown, |(_, cause)| *cause), text }
    }

    /// Whether PostgreSQL gave up waiting for somebody else's lock.
    #[must_use]
    pub fn is_lock(&self) -> bool {
        self.text.starts_with(LOCKED)
    }

    /// A failure of SQLite, by its words. What a trigger of ours raises is a rule's name: a word with underscores.
    #[must_use]
    pub fn of_sqlite(text: impl Into<String>) -> Self {
        let text = text.into();
        let known = SQLITE.iter().find(|(words, _)| text.contains(words));
        let is_rule = !text.contains(' ');
        let cause = known.map_or(if is_rule { Cause::Refused } else { Cause::Unknown }, |(_, cause)| *cause);
        Self { cause, text }
    }

    /// Something in the answer that the ledger never holds.
    #[must_use]
    pub fn of_answer(text: impl Into<String>) -> Self {
        Self { cause: Cause::Refused, text: text.into() }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(format!("sql: {}", failure.text))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Failure};

    #[test]
    fn only_an_error_of_the_statements_own_is_its_fault() {
        for (sqlstate, cause) in [
            ("08006", Cause::Lost),
            ("57P01", Cause::Lost),
            ("57P03", Cause::Lost),
            ("25006", Cause::Lost),
            ("53100", Cause::Unable),
            ("53200", Cause::Unable),
            ("58030", Cause::Unable),
            ("42501", Cause::Unable),
            ("55P03", Cause::HeldUp),
            ("57014", Cause::HeldUp),
            ("40P01", Cause::HeldUp),
            ("40001", Cause::HeldUp),
            ("XX001", Cause::Unknown),
            ("ZZ001", Cause::Unknown),
            ("55006", Cause::Unknown),
            ("23514", Cause::Refused),
            ("22003", Cause::Refused),
            ("P0001", Cause::Refused),
            ("P0002", Cause::Refused),
            ("20000", Cause::Refused),
            ("21000", Cause::Refused),
            ("38000", Cause::Refused),
            ("39004", Cause::Refused),
            ("44000", Cause::Refused),
            ("54001", Cause::Refused),
        ] {
            assert_eq!(Failure::of_postgres(sqlstate, "words").cause, cause, "{sqlstate}");
        }
        for (text, cause) in [
            ("database is locked", Cause::Unable),
            ("database or disk is full", Cause::Unable),
            ("disk I/O error", Cause::Unable),
            ("attempt to write a readonly database", Cause::Unable),
            ("unable to open database file: /x/sqlite_db.db", Cause::Unable),
            ("CHECK constraint failed: balance_not_negative", Cause::Refused),
            ("UNIQUE constraint failed: claims.packet, claims.seq", Cause::Refused),
            ("epoch_is_over", Cause::Refused),
            ("words that nobody knows", Cause::Unknown),
        ] {
            assert_eq!(Failure::of_sqlite(text).cause, cause, "{text}");
        }
    }

    #[test]
    fn the_servers_own_words_are_not_taken_for_a_rule() {
        assert_eq!(Failure::of_postgres("23514", "… \"balance_not_negative\"").text, "… \"balance_not_negative\"");
        assert_eq!(Failure::of_postgres("40001", "a conflict with recovery").text, "40001: a collision with recovery");
    }
}
