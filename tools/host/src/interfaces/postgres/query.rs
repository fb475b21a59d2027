//! Statements on a connection.
//!
//! **Invariant:** no statement is prepared under a name. A pooler that hands out server connections by transaction may
//! have another process' statement under that name, and would run that one.

use std::pin::pin;

use futures::TryStreamExt;
use tokio_postgres::types::{ToSql, Type};

use super::values::{Parameter, data_type, row};
use super::{Column, Connection, Error, ParameterValue, QueryError, Row, query_failed};

/// The most that one result may hold, in bytes, as in Spin.
const RESULT_LIMIT_BYTES: usize = 128 << 20;

/// What a query found until it ended, well or not.
pub(super) struct Found {
    /// Spin reads them from the first row, so that without rows there are none.
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    pub(super) end: Result<(), Error>,
}

impl Connection {
    /// Runs a statement and counts the rows it touched.
    pub(super) async fn execute(self, statement: &str, parameters: Vec<ParameterValue>) -> Result<u64, Error> {
        let parameters = Parameter::all(parameters).map_err(Error::ValueConversionFailed)?;
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            parameters.iter().map(|parameter| (parameter as _, parameter.kind())).collect();
        self.0.execute_typed(statement, &typed).await.map_err(|error| query_failed(&error))
    }

    /// Runs a statement that gives rows. The error is one of the statement itself; one that the server
    /// meets on the way is in [`Found::end`].
    pub(super) async fn query(self, statement: &str, parameters: Vec<ParameterValue>) -> Result<Found, Error> {
        let parameters = Parameter::all(parameters).map_err(Error::BadParameter)?;
        let typed = parameters.into_iter().map(|parameter| {
            let kind = parameter.kind();
            (parameter, kind)
        });
        let stream = self.0.query_typed_raw(statement, typed).await.map_err(|error| query_failed(&error))?;
        let mut found = Found { columns: Vec::new(), rows: Vec::new(), end: Ok(()) };
        found.end = collect(stream, &mut found.columns, &mut found.rows).await;
        Ok(found)
    }
}

async fn collect(
    stream: tokio_postgres::RowStream,
    columns: &mut Vec<Column>,
    rows: &mut Vec<Row>,
) -> Result<(), Error> {
    let mut stream = pin!(stream);
    let mut size_bytes = 0;
    while let Some(found) = stream.try_next().await.map_err(|error| query_failed(&error))? {
        if columns.is_empty() {
            let column = |column: &tokio_postgres::Column| Column {
                name: column.name().to_owned(),
                data_type: data_type(column.type_()),
            };
            columns.extend(found.columns().iter().map(column));
        }
        size_bytes += found.raw_size_bytes() + found.len() * size_of::<super::values::DbValue>();
        if size_bytes > RESULT_LIMIT_BYTES {
            return Err(failed(format!("query result exceeds limit of {RESULT_LIMIT_BYTES} bytes")));
        }
        rows.push(row(&found).map_err(failed)?);
    }
    Ok(())
}

fn failed(reason: String) -> Error {
    Error::QueryFailed(QueryError::Text(reason))
}
