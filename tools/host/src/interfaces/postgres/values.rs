//! Values on their way to Postgres and back. Types that this application does not use are refused by name.

use std::error::Error as StdError;

use tokio_postgres::Row as PgRow;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

pub(super) use super::super::bindings::spin::postgres::postgres::DbValue;
use super::super::bindings::spin::postgres::postgres::{DbDataType, ParameterValue, Row};

/// The version byte before the text in the binary form of jsonb.
const JSONB_VERSION: u8 = 1;

/// A parameter that can be sent.
#[derive(Debug)]
pub(super) struct Parameter(ParameterValue);

impl Parameter {
    /// Accepts the parameters of one statement.
    ///
    /// # Errors
    ///
    /// Occurs when one has a type that this host does not send; the text names it.
    pub(super) fn all(values: Vec<ParameterValue>) -> Result<Vec<Self>, String> {
        for value in &values {
            let name = match value {
                ParameterValue::Date(_) => "date",
                ParameterValue::Time(_) => "time",
                ParameterValue::Datetime(_) => "datetime",
                ParameterValue::Timestamp(_) => "timestamp",
                ParameterValue::Uuid(_) => "uuid",
                ParameterValue::Decimal(_) => "decimal",
                ParameterValue::RangeInt32(_) => "range-int32",
                ParameterValue::RangeInt64(_) => "range-int64",
                ParameterValue::RangeDecimal(_) => "range-decimal",
                ParameterValue::ArrayDecimal(_) => "array-decimal",
                ParameterValue::Interval(_) => "interval",
                _ => continue,
            };
            return Err(format!("a parameter of the type {name} is not supported by this host"));
        }
        Ok(values.into_iter().map(Self).collect())
    }

    /// The type that the statement is told. A null is of whatever type stands in its place.
    pub(super) fn kind(&self) -> Type {
        match &self.0 {
            ParameterValue::Boolean(_) => Type::BOOL,
            ParameterValue::Int8(_) => Type::CHAR,
            ParameterValue::Int16(_) => Type::INT2,
            ParameterValue::Int32(_) => Type::INT4,
            ParameterValue::Int64(_) => Type::INT8,
            ParameterValue::Floating32(_) => Type::FLOAT4,
            ParameterValue::Floating64(_) => Type::FLOAT8,
            ParameterValue::Str(_) => Type::TEXT,
            ParameterValue::Binary(_) => Type::BYTEA,
            ParameterValue::ArrayInt32(_) => Type::INT4_ARRAY,
            ParameterValue::ArrayInt64(_) => Type::INT8_ARRAY,
            ParameterValue::ArrayStr(_) => Type::TEXT_ARRAY,
            ParameterValue::Jsonb(_) => Type::JSONB,
            _ => Type::UNKNOWN,
        }
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match &self.0 {
            ParameterValue::Boolean(value) => value.to_sql_checked(kind, out),
            ParameterValue::Int8(value) => value.to_sql_checked(kind, out),
            ParameterValue::Int16(value) => value.to_sql_checked(kind, out),
            ParameterValue::Int32(value) => value.to_sql_checked(kind, out),
            ParameterValue::Int64(value) => value.to_sql_checked(kind, out),
            ParameterValue::Floating32(value) => value.to_sql_checked(kind, out),
            ParameterValue::Floating64(value) => value.to_sql_checked(kind, out),
            ParameterValue::Str(value) => value.to_sql_checked(kind, out),
            ParameterValue::Binary(value) => value.to_sql_checked(kind, out),
            ParameterValue::ArrayInt32(values) => values.to_sql_checked(kind, out),
            ParameterValue::ArrayInt64(values) => values.to_sql_checked(kind, out),
            ParameterValue::ArrayStr(values) => values.to_sql_checked(kind, out),
            ParameterValue::Jsonb(text) if *kind == Type::JSONB => {
                out.extend_from_slice(&[JSONB_VERSION]);
                out.extend_from_slice(text);
                Ok(IsNull::No)
            }
            ParameterValue::DbNull => Ok(IsNull::Yes),
            other => Err(format!("{other:?} cannot be sent as {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Each value checks for itself.
        true
    }

    to_sql_checked!();
}

/// The type of a column in the interface's words.
pub(super) fn data_type(kind: &Type) -> DbDataType {
    match *kind {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::JSONB => DbDataType::Jsonb,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        _ => DbDataType::Other(kind.name().to_owned()),
    }
}

/// A row in the interface's words.
///
/// # Errors
///
/// Occurs when a column has a type that this host does not read; the text names both.
pub(super) fn row(found: &PgRow) -> Result<Row, String> {
    (0..found.len()).map(|index| value(found, index)).collect()
}

fn value(row: &PgRow, index: usize) -> Result<DbValue, String> {
    let column = &row.columns()[index];
    match *column.type_() {
        Type::BOOL => read(row, index, DbValue::Boolean),
        Type::BYTEA => read(row, index, DbValue::Binary),
        Type::FLOAT4 => read(row, index, DbValue::Floating32),
        Type::FLOAT8 => read(row, index, DbValue::Floating64),
        Type::INT2 => read(row, index, DbValue::Int16),
        Type::INT4 => read(row, index, DbValue::Int32),
        Type::INT8 => read(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => read(row, index, DbValue::Str),
        Type::JSONB => read(row, index, |Json(text)| DbValue::Jsonb(text)),
        Type::INT4_ARRAY => read(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => read(row, index, DbValue::ArrayInt64),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => read(row, index, DbValue::ArrayStr),
        // What a function that returns nothing returns.
        Type::VOID => Ok(DbValue::Unsupported(Vec::new())),
        ref other => {
            Err(format!("column {:?}: the type {} is not supported by this host", column.name(), other.name()))
        }
    }
}

fn read<'a, T: FromSql<'a>>(row: &'a PgRow, index: usize, wrap: impl Fn(T) -> DbValue) -> Result<DbValue, String> {
    let value: Option<T> = row.try_get(index).map_err(|error| error.to_string())?;
    Ok(value.map_or(DbValue::DbNull, wrap))
}

/// The text inside a jsonb value.
struct Json(Vec<u8>);

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        match raw {
            [JSONB_VERSION, text @ ..] => Ok(Self(text.to_vec())),
            _ => Err("jsonb of an unknown version".into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_an_unused_type_is_refused_by_name() {
        let error = Parameter::all(vec![ParameterValue::Int64(1), ParameterValue::Uuid("u".to_owned())]);
        assert!(error.expect_err("uuid is not supported").contains("uuid"));
    }

    #[test]
    fn a_parameter_goes_only_into_its_own_type() {
        for (value, kind, accepted) in [
            (ParameterValue::Int64(1), Type::INT8, true),
            (ParameterValue::Int64(1), Type::INT4, false),
            (ParameterValue::Int32(1), Type::INT8, false),
            (ParameterValue::Str("a".to_owned()), Type::TEXT, true),
            (ParameterValue::Jsonb(b"{}".to_vec()), Type::JSONB, true),
            (ParameterValue::Jsonb(b"{}".to_vec()), Type::TEXT, false),
            (ParameterValue::ArrayInt64(vec![Some(1), None]), Type::INT8_ARRAY, true),
            (ParameterValue::ArrayStr(vec![]), Type::TEXT_ARRAY, true),
            (ParameterValue::DbNull, Type::TIMESTAMPTZ, true),
        ] {
            let text = format!("{value:?} as {kind}");
            let result = Parameter(value).to_sql_checked(&kind, &mut BytesMut::new());
            assert_eq!(result.is_ok(), accepted, "{text}");
        }
    }
}
