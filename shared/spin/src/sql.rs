//! SQL as the ledger sees it: one call, one statement, one transaction.

use core::time::Duration;

use async_trait::async_trait;
use hongbao_core::Error;

mod failure;
pub mod postgres;
pub mod sqlite;
pub use failure::{Cause, Failure};

/// How long a statement may take, connecting included.
pub const DEADLINE: Duration = Duration::from_millis(3_000);
/// How long a request waits for a copy of what it could do without.
pub const SOON: Duration = Duration::from_millis(200);
/// How long an answer that can do without the ledger waits to see whether it is there.
pub const PATIENCE: Duration = Duration::from_millis(1_000);

/// A value that goes into a statement or comes out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Nothing.
    Null,
}

/// A row of an answer, by position.
pub type Row = Vec<Value>;

/// A database: Spin's own, or a native one in a test.
#[async_trait(?Send)]
pub trait Database {
    /// Runs one statement as one transaction.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure>;

    /// As [`query`](Self::query), but gives up after the bound where time can run out.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn query_within(
        &self,
        _bound: Duration,
        statement: &str,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, Failure> {
        self.query(statement, parameters).await
    }

    /// Brings the schema up to date; does nothing where it is.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn migrate(&self) -> Result<(), Failure>;
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Reads a row's values in order.
pub struct Reader(std::vec::IntoIter<Value>);

impl Reader {
    /// A reader at the first value of `row`.
    #[must_use]
    pub fn new(row: Row) -> Self {
        Self(row.into_iter())
    }

    /// The next value as a whole number.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is something else, as for the other readers.
    pub fn int(&mut self) -> Result<i64, Error> {
        self.optional_int()?.ok_or_else(|| unexpected("a number", &Value::Null))
    }

    /// The next value as a whole number or nothing.
    pub fn optional_int(&mut self) -> Result<Option<i64>, Error> {
        match self.0.next() {
            Some(Value::Int(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            other => Err(unexpected("a number", &other.unwrap_or(Value::Null))),
        }
    }

    /// The next value as text.
    pub fn text(&mut self) -> Result<String, Error> {
        self.optional_text()?.ok_or_else(|| unexpected("a text", &Value::Null))
    }

    /// The next value as text or nothing.
    pub fn optional_text(&mut self) -> Result<Option<String>, Error> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            other => Err(unexpected("a text", &other.unwrap_or(Value::Null))),
        }
    }

    /// The next value as bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        match self.0.next() {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            other => Err(unexpected("bytes", &other.unwrap_or(Value::Null))),
        }
    }

    /// The next value as text, read by `parse`.
    pub fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Error> {
        let text = self.text()?;
        parse(&text)
            .ok_or_else(|| Error::Internal(format!("the ledger holds {text:?}, which is not what it should be")))
    }

    /// The next value as an amount of money.
    pub fn fen(&mut self) -> Result<hongbao_core::Fen, Error> {
        let fen = self.int()?;
        hongbao_core::Fen::new(fen).ok_or_else(|| Error::Internal(format!("the ledger holds {fen} fen")))
    }

    /// The next value as a count.
    pub fn count(&mut self) -> Result<u32, Error> {
        let count = self.int()?;
        u32::try_from(count).map_err(|_| Error::Internal(format!("the ledger holds a count of {count}")))
    }
}

fn unexpected(wanted: &str, got: &Value) -> Error {
    Error::Internal(format!("the ledger holds {got:?} where {wanted} should be"))
}
