//! `spin:sqlite@3.1.0`: the default database, a file in the state directory. Every connection is
//! SQLite's own, so a transaction on it is the component's alone. Statements run on blocking threads.
//!
//! As in Spin, only the first statement of a text runs, and the asynchronous form reports a failing
//! statement in its future, never in its own answer: whoever does not await the future does not know.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Statement, ToSql, params_from_iter};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use super::{component, push, with_resource};
use crate::faults::INJECTED;
use crate::guest::{ComponentContext, Guest};

/// How long a statement waits for another connection's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection; a component has a few dozen at most.
const STATEMENT_CACHE: usize = 64;
/// The most that one result may hold, in bytes, as in Spin.
const RESULT_LIMIT_BYTES: usize = 128 << 20;

/// The resource `connection`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct Connection(Arc<Mutex<rusqlite::Connection>>);

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Streamed = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, database: String) -> Answer<Resource<Connection>> {
        match open(&self.component, &database).await? {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<QueryResult> {
        let connection = self.table.get(&connection)?.clone();
        self.component.call("sqlite.execute", injected, connection.query(statement, parameters)).await
    }

    async fn last_insert_rowid(&mut self, connection: Resource<Connection>) -> wasmtime::Result<i64> {
        let connection = self.table.get(&connection)?.clone();
        connection.last_insert_rowid().await
    }

    async fn changes(&mut self, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        let connection = self.table.get(&connection)?.clone();
        connection.changes().await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        let connection = self.table.delete(connection)?;
        // Closing may write to the disk.
        tokio::task::spawn_blocking(move || drop(connection));
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(accessor: &Accessor<T, Self>, database: String) -> Answer<Resource<Connection>> {
        match open(&component(accessor), &database).await? {
            Ok(connection) => push(accessor, connection).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<Streamed> {
        let (component, connection) = with_resource(accessor, &connection)?;
        let work = connection.query(statement, parameters);
        let (result, end) = match component.call("sqlite.execute-async", injected, work).await? {
            Ok(result) => (result, Ok(())),
            Err(error) => (QueryResult { columns: Vec::new(), rows: Vec::new() }, Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, result.rows)?;
            let end = FutureReader::new(&mut access, async { Ok::<_, wasmtime::Error>(end) })?;
            Ok(Ok((result.columns, rows, end)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<i64> {
        let (_, connection) = with_resource(accessor, &connection)?;
        connection.last_insert_rowid().await
    }

    async fn changes_async(accessor: &Accessor<T, Self>, connection: Resource<Connection>) -> wasmtime::Result<u64> {
        let (_, connection) = with_resource(accessor, &connection)?;
        connection.changes().await
    }
}

async fn open(component: &Arc<ComponentContext>, database: &str) -> Answer<Connection> {
    let work = async {
        // The manifest grants no other name, so no other name can be told from a forbidden one.
        let granted = component.sqlite_file.clone().filter(|_| database == "default");
        let file = granted.ok_or(Error::AccessDenied)?;
        blocking(move || connect(&file).map_err(|error| io(&error))).await.and_then(|opened| opened)
    };
    component.call("sqlite.open", injected, work).await
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    // A component may reach its own database, not every file of this machine.
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => Authorization::Deny,
        _ => Authorization::Allow,
    }))?;
    Ok(Connection(Arc::new(Mutex::new(connection))))
}

impl Connection {
    async fn query(self, statement: String, parameters: Vec<Value>) -> Result<QueryResult, Error> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(&statement).map_err(|error| io(&error))?;
            collect(&mut statement, parameters)
        })
        .await
        .and_then(|result| result)
    }

    async fn last_insert_rowid(self) -> wasmtime::Result<i64> {
        let rowid = self.run(|connection| connection.last_insert_rowid()).await;
        rowid.map_err(|error| wasmtime::format_err!("{error:?}"))
    }

    async fn changes(self) -> wasmtime::Result<u64> {
        let changes = self.run(|connection| connection.changes()).await;
        changes.map_err(|error| wasmtime::format_err!("{error:?}"))
    }

    /// Runs `work` with the connection on a blocking thread.
    async fn run<R: Send + 'static>(
        self,
        work: impl FnOnce(&rusqlite::Connection) -> R + Send + 'static,
    ) -> Result<R, Error> {
        blocking(move || work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Io(error.to_string()))
}

fn collect(statement: &mut Statement<'_>, parameters: Vec<Value>) -> Result<QueryResult, Error> {
    let columns: Vec<String> = statement.column_names().into_iter().map(ToOwned::to_owned).collect();
    let mut found = statement.query(params_from_iter(parameters)).map_err(|error| io(&error))?;
    let mut rows = Vec::new();
    let mut size_bytes = 0;
    while let Some(row) = found.next().map_err(|error| io(&error))? {
        let mut values = Vec::with_capacity(columns.len());
        for column in 0..columns.len() {
            let value = convert(row.get_ref(column).map_err(|error| io(&error))?)?;
            size_bytes += memory_size_bytes(&value);
            values.push(value);
        }
        if size_bytes > RESULT_LIMIT_BYTES {
            return Err(Error::Io(format!("query result exceeds limit of {RESULT_LIMIT_BYTES} bytes")));
        }
        rows.push(RowResult { values });
    }
    Ok(QueryResult { columns, rows })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn convert(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| Error::Io(error.to_string()))?;
            Value::Text(text.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

fn memory_size_bytes(value: &Value) -> usize {
    let content = match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => 0,
    };
    size_of::<Value>() + content
}

fn io(error: &rusqlite::Error) -> Error {
    Error::Io(error.to_string())
}

fn injected() -> Error {
    Error::Io(INJECTED.to_owned())
}
