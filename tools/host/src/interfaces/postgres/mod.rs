//! `spin:postgres@4.2.0`: connections borrowed from a pool per component and address.
//!
//! As in Spin a connection goes back to the pool without a ROLLBACK, a query that fails while it runs says so in its
//! future, and `sslmode` decides about TLS. Unlike Spin, a statement is sent with the types of its parameters instead
//! of being prepared first, which saves a round trip, and works behind any pooler.

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::bindings::spin::postgres::postgres::{
    Column, DbError, Error, Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore,
    HostConnectionWithStore, ParameterValue, QueryError, Row, RowSet,
};
use super::{component, push, with_resource};
use crate::faults::INJECTED;
use crate::guest::{ComponentContext, Guest};

mod pool;
mod query;
mod values;

pub(crate) use pool::Pools;
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use pool::{Builder, Connection};

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Caller<T> = Accessor<T, HasSelf<Guest>>;
type Streamed = (Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>);

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Answer<Resource<Connection>> {
        match open(&self.component, &address).await? {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<RowSet> {
        let connection = self.table.get(&connection)?.clone();
        let work = async {
            let found = connection.query(&statement, parameters).await?;
            found.end.map(|()| RowSet { columns: found.columns, rows: found.rows })
        };
        self.component.call("postgres.query", injected, work).await
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let connection = self.table.get(&connection)?.clone();
        let work = connection.execute(&statement, parameters);
        self.component.call("postgres.execute", injected, work).await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(accessor: &Caller<T>, address: String) -> Answer<Resource<Connection>> {
        match open(&component(accessor), &address).await? {
            Ok(connection) => push(accessor, connection).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn query_async(
        accessor: &Caller<T>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<Streamed> {
        let (component, connection) = with_resource(accessor, &connection)?;
        let work = connection.query(&statement, parameters);
        let found = match component.call("postgres.query-async", injected, work).await? {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, found.rows)?;
            let end = FutureReader::new(&mut access, async { Ok::<_, wasmtime::Error>(found.end) })?;
            Ok(Ok((found.columns, rows, end)))
        })
    }

    async fn execute_async(
        accessor: &Caller<T>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Answer<u64> {
        let (component, connection) = with_resource(accessor, &connection)?;
        let work = connection.execute(&statement, parameters);
        component.call("postgres.execute-async", injected, work).await
    }
}

impl HostConnectionBuilder for Guest {
    async fn new(&mut self, address: String) -> wasmtime::Result<Resource<Builder>> {
        Ok(self.table.push(Builder { address })?)
    }

    async fn set_ca_root(&mut self, _builder: Resource<Builder>, _certificate: String) -> Answer<()> {
        Ok(Err(Error::Other("set-ca-root is not supported by this host: name the file in SSL_CERT_FILE".to_owned())))
    }

    async fn build(&mut self, builder: Resource<Builder>) -> Answer<Resource<Connection>> {
        let address = self.table.get(&builder)?.address.clone();
        HostConnection::open(self, address).await
    }

    async fn drop(&mut self, builder: Resource<Builder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionBuilderWithStore<T> for HasSelf<Guest> {
    async fn build_async(accessor: &Caller<T>, builder: Resource<Builder>) -> Answer<Resource<Connection>> {
        let (_, builder) = with_resource(accessor, &builder)?;
        <Self as HostConnectionWithStore<T>>::open_async(accessor, builder.address).await
    }
}

async fn open(component: &ComponentContext, address: &str) -> Answer<Connection> {
    let work = component.postgres.get(&component.allowed_hosts, address);
    component.call("postgres.open", injected, work).await
}

/// The server's error in the interface's words, as Spin fills them in.
fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    let Some(found) = error.as_db_error() else { return Error::QueryFailed(QueryError::Text(as_text)) };
    let named = [
        ("column", found.column()),
        ("constraint", found.constraint()),
        ("routine", found.routine()),
        ("hint", found.hint()),
        ("table", found.table()),
        ("datatype", found.datatype()),
        ("schema", found.schema()),
        ("where_", found.where_()),
    ];
    let extra = |(name, value): (&str, Option<&str>)| Some((name.to_owned(), value?.to_owned()));
    Error::QueryFailed(QueryError::DbError(DbError {
        as_text,
        severity: found.severity().to_owned(),
        code: found.code().code().to_owned(),
        message: found.message().to_owned(),
        detail: found.detail().map(ToOwned::to_owned),
        extras: named.into_iter().filter_map(extra).collect(),
    }))
}

fn injected() -> Error {
    Error::Other(INJECTED.to_owned())
}
