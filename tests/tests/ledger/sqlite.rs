//! SQLite as a `Database`, natively: what Spin's own does with the same file.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use hongbao_spin::sql::sqlite::SCHEMA;
use hongbao_spin::sql::{Database, Failure, Row, Value};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

/// A connection.
pub(crate) struct Native(Connection);

impl Native {
    /// The database in `file`, made where there is none. Waits for locks as long as Spin does.
    pub(crate) fn open(file: &Path) -> Self {
        let connection = Connection::open(file).expect("the database can be opened");
        connection.busy_timeout(Duration::from_secs(5)).expect("a time limit can be set");
        connection.set_prepared_statement_cache_capacity(64);
        Self(connection)
    }

    fn run(&self, statement: &str, parameters: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
        let mut prepared = self.0.prepare_cached(statement)?;
        let columns = prepared.column_count();
        let mut found = prepared.query(params_from_iter(parameters.into_iter().map(Bound)))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push((0..columns).map(|column| row.get_ref(column).map(value)).collect::<Result<_, _>>()?);
        }
        Ok(rows)
    }

    fn migrate(&self) -> rusqlite::Result<()> {
        let done: i64 = self.0.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if usize::try_from(done) == Ok(SCHEMA.len()) {
            return Ok(());
        }
        self.0.pragma_update(None, "journal_mode", "WAL")?;
        self.0.execute_batch(&format!(
            "BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT",
            SCHEMA.join("\n\n"),
            SCHEMA.len()
        ))
    }
}

#[async_trait(?Send)]
impl Database for Native {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        self.run(statement, parameters).map_err(failure)
    }

    async fn migrate(&self) -> Result<(), Failure> {
        self.migrate().map_err(failure)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn failure(error: rusqlite::Error) -> Failure {
    Failure::of_sqlite(error.to_string())
}

struct Bound(Value);

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match &self.0 {
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Null => ValueRef::Null,
        }))
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Null => Value::Null,
        ValueRef::Real(number) => panic!("the ledger never holds {number}"),
    }
}
