//! JSON from outside: strict, and every error names the field and the bound.

use core::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::Error;

/// Decodes a request body.
///
/// # Errors
/// [`Error::Invalid`] naming the field, for anything but one JSON document of exactly this shape: unknown
/// and doubled fields, wrong types, numbers out of bounds and invalid UTF-8 are refused.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        // serde would take a list for an object, field by field.
        return Err(Error::invalid("body", "must be one JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        invalid(if path == "." { "body".to_owned() } else { path }, error.inner())
    })?;
    reader.end().map_err(|error| invalid("body".to_owned(), &error))?;
    Ok(value)
}

fn invalid(field: String, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // The position follows the reason; the field's name says more.
    let reason = text.split_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    // A missing or doubled field is reported of the object that should hold it once.
    let named = ["missing field `", "duplicate field `"].iter().find_map(|start| reason.strip_prefix(start));
    let field = named.and_then(|name| name.strip_suffix('`')).map_or(field, str::to_owned);
    Error::invalid(field, format!("is refused: {reason}"))
}

/// A whole number from `MIN` to `MAX`, written without point or exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Whole<MIN, MAX> {
    /// The number, or `None` outside the bounds.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> Serialize for Whole<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounds<const MIN: i64, const MAX: i64>;

        impl<const MIN: i64, const MAX: i64> Visitor<'_> for Bounds<MIN, MAX> {
            type Value = Whole<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Whole::new(number).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                let fits = i64::try_from(number).ok().and_then(Whole::new);
                fits.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }

        deserializer.deserialize_i64(Bounds)
    }
}

#[cfg(test)]
mod tests {
    use super::{Whole, decode};

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoding is tested")]
    struct Body {
        n: Whole<1, 9>,
    }

    #[test]
    fn every_refusal_names_the_field_and_the_bound() {
        let cases: [(&[u8], &str, &str); 13] = [
            (br#"{"n":0}"#, "n", "from 1 to 9"),
            (br#"{"n":-1}"#, "n", "from 1 to 9"),
            (br#"{"n":9223372036854775808}"#, "n", "from 1 to 9"),
            (br#"{"n":1e2}"#, "n", "from 1 to 9"),
            (br#"{"n":1.0}"#, "n", "from 1 to 9"),
            (br#"{"n":"1"}"#, "n", "from 1 to 9"),
            (br#"{"n":1,"n":1}"#, "n", "duplicate field"),
            (br#"{"n":1,"m":1}"#, "m", "unknown field"),
            (br#"{}"#, "n", "missing field `n`"),
            (br#"{"n":1} x"#, "body", "trailing"),
            (br#"[1]"#, "body", "one JSON object"),
            (b"\xff", "body", "one JSON object"),
            (b"", "body", "one JSON object"),
        ];
        for (body, field, bound) in cases {
            let told = decode::<Body>(body).expect_err("refused").told();
            assert_eq!((told.status, told.code), (400, "invalid_request"));
            assert_eq!(told.field.as_deref(), Some(field), "{}", String::from_utf8_lossy(body));
            assert!(told.message.contains(bound), "{}: {}", String::from_utf8_lossy(body), told.message);
        }
        assert!(decode::<Body>(br#" {"n":9} "#).is_ok());
    }
}
