//! Spin's SQLite as a [`Database`].

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use spin_sdk::sqlite::{Connection, Error, Value as SpinValue};

use super::{Cause, DEADLINE, Database, Failure, Row, Value};
use crate::watch::within;

/// The schema's versions, in order; a version is applied once and never changed afterwards.
pub const SCHEMA: [&str; 11] = [
    include_str!("../../sql/sqlite/schema/0001_ledger.sql"),
    include_str!("../../sql/sqlite/schema/0002_operator.sql"),
    include_str!("../../sql/sqlite/schema/0003_shards.sql"),
    include_str!("../../sql/sqlite/schema/0004_storm.sql"),
    include_str!("../../sql/sqlite/schema/0005_addressed.sql"),
    include_str!("../../sql/sqlite/schema/0006_luck.sql"),
    include_str!("../../sql/sqlite/schema/0007_access.sql"),
    include_str!("../../sql/sqlite/schema/0008_retention.sql"),
    include_str!("../../sql/sqlite/schema/0009_lists.sql"),
    include_str!("../../sql/sqlite/schema/0010_refill.sql"),
    include_str!("../../sql/sqlite/schema/0011_clocks.sql"),
];

/// A database of Spin's, by its name in the manifest.
pub struct Sqlite {
    name: String,
}

thread_local! {
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

impl Sqlite {
    /// The database `name`; nothing is opened yet.
    #[must_use]
    pub const fn new(name: String) -> Self {
        Self { name }
    }

    /// The connection that all statements of this instance share: each is a transaction of its own.
    async fn shared(&self) -> Result<Rc<Connection>, Failure> {
        if let Some(connection) = CONNECTION.with_borrow(Clone::clone) {
            return Ok(connection);
        }
        let connection = Rc::new(self.open().await?);
        CONNECTION.set(Some(connection.clone()));
        Ok(connection)
    }

    async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.name).await.map_err(failure)
    }

    /// Applies the versions of the schema that are missing, on a connection of its own: here alone a transaction spans
    /// several calls.
    async fn apply(&self) -> Result<(), Failure> {
        let connection = self.open().await?;
        run(&connection, "BEGIN IMMEDIATE", vec![]).await?;
        let done = version(&connection).await?;
        for (number, schema) in SCHEMA.iter().enumerate().skip(done) {
            for statement in schema.split("\n\n").filter(|text| says_something(text)) {
                run(&connection, statement, vec![]).await?;
            }
            run(&connection, &format!("PRAGMA user_version = {}", number + 1), vec![]).await?;
        }
        run(&connection, "COMMIT", vec![]).await?;
        Ok(())
    }
}

#[async_trait(?Send)]
impl Database for Sqlite {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        let work = async { run(&*self.shared().await?, statement, parameters).await };
        within(DEADLINE, work).await.unwrap_or_else(|| Err(Failure::lost(format!("no answer within {DEADLINE:?}"))))
    }

    async fn query_within(
        &self,
        bound: Duration,
        statement: &str,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, Failure> {
        let answer = within(bound, self.query(statement, parameters)).await;
        answer.unwrap_or_else(|| Err(Failure::lost(format!("no answer within {bound:?}"))))
    }

    async fn migrate(&self) -> Result<(), Failure> {
        let shared = self.shared().await?;
        if version(&shared).await? < SCHEMA.len() {
            self.apply().await?;
        }
        // Readers beside the writer. While others use the database it refuses to change over: one of the next
        // instances does it then.
        match run(&shared, "PRAGMA journal_mode = WAL", vec![]).await {
            Err(failure) if !failure.text.contains("locked") => Err(failure),
            _ => Ok(()),
        }
    }
}

/// Whether a part of a schema is more than a comment.
fn says_something(part: &str) -> bool {
    part.lines().any(|line| !line.trim().is_empty() && !line.starts_with("--"))
}

async fn version(connection: &Connection) -> Result<usize, Failure> {
    let rows = run(connection, "PRAGMA user_version", vec![]).await?;
    match rows.first().and_then(|row| row.first()) {
        Some(Value::Int(version)) => {
            usize::try_from(*version).map_err(|_| Failure::of_answer(format!("schema version {version}")))
        }
        other => Err(Failure::of_answer(format!("schema version {other:?}"))),
    }
}

async fn run(connection: &Connection, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
    let parameters = parameters.into_iter().map(|value| match value {
        Value::Int(number) => SpinValue::Integer(number),
        Value::Text(text) => SpinValue::Text(text),
        Value::Bytes(bytes) => SpinValue::Blob(bytes),
        Value::Null => SpinValue::Null,
    });
    let answer = connection.execute(statement, parameters).await.map_err(failure)?;
    // The answer is there before the statement has finished: only `collect` waits for its end and its errors.
    let rows = answer.collect().await.map_err(failure)?;
    rows.into_iter().map(|row| row.values.into_iter().map(value).collect()).collect()
}

fn value(value: SpinValue) -> Result<Value, Failure> {
    match value {
        SpinValue::Integer(number) => Ok(Value::Int(number)),
        SpinValue::Text(text) => Ok(Value::Text(text)),
        SpinValue::Blob(bytes) => Ok(Value::Bytes(bytes)),
        SpinValue::Null => Ok(Value::Null),
        SpinValue::Real(_) => Err(Failure::of_answer("a floating-point number, which the ledger never holds")),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Io(text) => Failure::of_sqlite(text),
        other => Failure { cause: Cause::Unable, text: format!("{other:?}") },
    }
}
