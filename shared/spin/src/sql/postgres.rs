//! PostgreSQL as a [`Database`].
//!
//! **Invariant:** a connection carries one statement at a time and is given back only after that statement's end.
//! One that failed or was abandoned at the deadline is closed, so nobody meets what somebody else left behind.

use core::time::Duration;

use async_trait::async_trait;
use spin_sdk::pg::{Connection, DbValue, Error, ParameterValue, PgError, QueryError};

use self::session::Session;
use super::{Cause, DEADLINE, Database, Failure, Row, Value};
use crate::watch::within;

pub mod migration;
mod session;
pub use migration::{SCHEMA, migration};

/// The newest version that is applied.
pub const VERSION: &str = "SELECT MAX(version) FROM schema_versions";

/// "Relation does not exist": what the server says where nothing was ever applied.
pub const UNDEFINED_TABLE: &str = "42P01";

/// For the schema's changes: a big one takes its time, and happens once. A pooler may refuse this.
const UNLIMITED: (&str, &str) = ("options", "-c%20statement_timeout%3D0");

/// A PostgreSQL by its address.
pub struct Postgres {
    address: String,
}

impl Postgres {
    /// The database at `url` (`postgres://user:password@host:port/database`); nothing is opened yet.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { address: session::address(url) }
    }

    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        let parameters: Vec<_> = parameters.into_iter().map(parameter).collect();
        match self.attempt(statement, parameters.clone()).await {
            // Closed while it was idle, or demoted just now: doing the statement again is harmless.
            Err(failure) if failure.cause == Cause::Lost => self.attempt(statement, parameters).await,
            answer => answer,
        }
    }

    async fn attempt(&self, statement: &str, parameters: Vec<ParameterValue>) -> Result<Vec<Row>, Failure> {
        let session = Session::take(&self.address).await?;
        let answer = rows_of(&session.connection, statement, parameters).await;
        match &answer {
            Err(failure) if failure.cause == Cause::Lost => session.leave().await,
            _ => session.keep(),
        }
        answer
    }
}

#[async_trait(?Send)]
impl Database for Postgres {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        let work = self.run(statement, parameters);
        within(DEADLINE, work).await.unwrap_or_else(|| Err(Failure::lost(format!("no answer within {DEADLINE:?}"))))
    }

    async fn query_within(
        &self,
        bound: Duration,
        statement: &str,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, Failure> {
        let answer = within(bound, self.run(statement, parameters)).await;
        answer.unwrap_or_else(|| Err(Failure::lost(format!("no answer within {bound:?}"))))
    }

    async fn migrate(&self) -> Result<(), Failure> {
        let done = match self.query(VERSION, vec![]).await {
            Ok(rows) => rows.first().and_then(|row| row.first().cloned()),
            Err(failure) if failure.text.starts_with(UNDEFINED_TABLE) => None,
            Err(failure) => return Err(failure),
        };
        let wanted = i64::try_from(SCHEMA.len()).unwrap_or(i64::MAX);
        if matches!(done, Some(Value::Int(version)) if version >= wanted) {
            return Ok(());
        }
        let owner = match open(&session::with(&self.address, UNLIMITED.0, UNLIMITED.1)).await {
            Ok(owner) => owner,
            Err(_) => open(&self.address).await?,
        };
        owner.execute(migration(), vec![]).await.map(drop).map_err(failure)
    }
}

async fn open(address: &str) -> Result<Connection, Failure> {
    Connection::open(address).await.map_err(failure)
}

/// The rows of one statement, when it has ended.
async fn rows_of(
    connection: &Connection,
    statement: &str,
    parameters: Vec<ParameterValue>,
) -> Result<Vec<Row>, Failure> {
    let answer = async {
        let mut answer = connection.query(statement, parameters).await?;
        let mut rows = Vec::new();
        while let Some(row) = answer.rows().next().await {
            rows.push(row);
        }
        // The answer is there before the statement has finished: only this waits for its end and its errors.
        answer.result().await.map(|()| rows)
    };
    let rows = answer.await.map_err(failure)?;
    rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect()
}

fn parameter(value: Value) -> ParameterValue {
    match value {
        Value::Int(number) => ParameterValue::Int64(number),
        Value::Text(text) => ParameterValue::Str(text),
        Value::Bytes(bytes) => ParameterValue::Binary(bytes),
        Value::Null => ParameterValue::DbNull,
    }
}

fn value(value: DbValue) -> Result<Value, Failure> {
    match value {
        DbValue::Int64(number) => Ok(Value::Int(number)),
        DbValue::Boolean(is_so) => Ok(Value::Int(is_so.into())),
        DbValue::Str(text) => Ok(Value::Text(text)),
        DbValue::Binary(bytes) => Ok(Value::Bytes(bytes)),
        DbValue::DbNull => Ok(Value::Null),
        other => Err(Failure::of_answer(format!("{other:?}, which the ledger never holds"))),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::PgError(PgError::QueryFailed(QueryError::DbError(error))) => {
            Failure::of_postgres(&error.code, &error.message)
        }
        Error::PgError(PgError::BadParameter(text) | PgError::ValueConversionFailed(text)) => Failure::of_answer(text),
        Error::PgError(
            PgError::ConnectionFailed(text) | PgError::Other(text) | PgError::QueryFailed(QueryError::Text(text)),
        )
        | Error::Decode(text) => Failure::lost(text),
    }
}
