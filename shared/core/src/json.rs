//! JSON from outside: strict, and every error names the field and the bound.

use core::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

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
        // What breaks off or is no JSON stands in no field; but for a text's escapes, which are told by the field's name.
        let field = if error.inner().is_eof() { String::new() } else { field(error.path()) };
        invalid(if field.is_empty() { "body".to_owned() } else { field }, error.inner())
    })?;
    reader.end().map_err(|error| invalid("body".to_owned(), &error))?;
    refuse_null(body)?;
    Ok(value)
}

/// Refuses `null`, which serde takes for an absent field: what is not there is left out, so that there is one way to
/// say it and a client's forgotten value is no choice.
fn refuse_null(body: &[u8]) -> Result<(), Error> {
    if !body.windows(4).any(|word| word == b"null") {
        return Ok(());
    }
    let value = serde_json::from_slice(body).map_err(|error| invalid("body".to_owned(), &error))?;
    match path_of_null(&value, "") {
        Some(path) => Err(Error::invalid(path, "must not be null: leave it out")),
        None => Ok(()),
    }
}

/// Where there is a `null` in `value`, which is at `path`.
fn path_of_null(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Null => Some(path.to_owned()),
        Value::Object(fields) => fields.iter().find_map(|(name, inner)| {
            path_of_null(inner, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") })
        }),
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(place, inner)| path_of_null(inner, &format!("{path}[{place}]")))
        }
        _ => None,
    }
}

/// The field at `path`, as far as it is known.
fn field(path: &Path) -> String {
    path.iter().fold(String::new(), |field, segment| match segment {
        Segment::Seq { index } => format!("{field}[{index}]"),
        Segment::Map { key } | Segment::Enum { variant: key } if field.is_empty() => key.clone(),
        Segment::Map { key } | Segment::Enum { variant: key } => format!("{field}.{key}"),
        Segment::Unknown => field,
    })
}

fn invalid(field: String, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    // The position follows the reason, if it is known; the field's name says more.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let reason = text.strip_suffix(position.as_str()).unwrap_or(&text);
    // A missing or doubled field is reported of the object that should hold it once.
    let named = ["missing field `", "duplicate field `"].iter().find_map(|start| reason.strip_prefix(start));
    let field = named.and_then(|name| name.strip_suffix('`')).map_or(field, str::to_owned);
    Error::invalid(field, format!("is refused: {reason}"))
}

/// Reads one of the words that `parse` knows.
///
/// # Errors
/// Occurs for anything else, naming the words.
pub(crate) fn one_of<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    words: &'static [&'static str],
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Words<T>(&'static [&'static str], fn(&str) -> Option<T>);

    impl<T> Visitor<'_> for Words<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "\"{}\"", self.0.join("\" or \""))
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
            (self.1)(word).ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
        }
    }

    deserializer.deserialize_str(Words(words, parse))
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
    use crate::packet::Recipient;
    use crate::split::Kind;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoding is tested")]
    struct Body {
        n: Whole<1, 9>,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        to: Option<Recipient>,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoding is tested")]
    struct Inner {
        #[serde(default)]
        text: Option<String>,
    }

    #[test]
    fn every_refusal_names_the_field_and_the_bound() {
        let to = r#"{"group":"g_…"} or {"user":"us_…"}"#;
        let kind = r#""lucky" or "equal""#;
        let cases: [(&[u8], &str, &str); 47] = [
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
            (br#"{"n":1,"list":null}"#, "list", "null"),
            (br#"{"n":1,"list":[{},{"text":null}]}"#, "list[1].text", "must not be null"),
            (br#"{"n":1"#, "body", "is refused: "),
            (br#"{"n""#, "body", "is refused: "),
            (br#"{"n":"#, "body", "is refused: "),
            (br#"{"n":1,"#, "body", "is refused: "),
            (br#"{"#, "body", "is refused: "),
            (br#"{n:1}"#, "body", "is refused: "),
            (br#"{'n':1}"#, "body", "is refused: "),
            (br#"{"n":1,}"#, "body", "is refused: "),
            (br#"{,}"#, "body", "is refused: "),
            (br#"{"list":[{"text":"a"#, "body", "is refused: "),
            (br#"{"to":{"group":"g_1""#, "body", "is refused: "),
            (br#"{"list":[{"text":"\ud800"}]}"#, "list[0].text", "hex escape"),
            (br#"{"n":nul}"#, "n", "expected"),
            (br#"{"to":{}}"#, "to", to),
            (br#"{"to":[]}"#, "to", to),
            (br#"{"to":["group","g_1"]}"#, "to", to),
            (br#"{"to":"group"}"#, "to", to),
            (br#"{"to":7}"#, "to", to),
            (br#"{"to":true}"#, "to", to),
            (br#"{"to":{"group":"g_1","user":"us_1"}}"#, "to", to),
            (br#"{"to":{"group":"g_1","group":"g_1"}}"#, "to", to),
            (br#"{"to":{"Group":"g_1"}}"#, "to", to),
            (br#"{"to":{"group":"g_1","x":1}}"#, "to", to),
            (br#"{"to":{"group":"1"}}"#, "to.group", "must be g_ and"),
            (br#"{"to":{"user":7}}"#, "to.user", "expected a string"),
            (br#"{"kind":{"lucky":null}}"#, "kind", kind),
            (br#"{"kind":{"lucky":{}}}"#, "kind", kind),
            (br#"{"kind":["lucky"]}"#, "kind", kind),
            (br#"{"kind":"Lucky"}"#, "kind", kind),
            (br#"{"kind":7}"#, "kind", kind),
            (br#"{"n":1,"a at line b":1}"#, "a at line b", "`a at line b`, expected one of"),
            (br#"{"":1}"#, "body", "unknown field ``"),
        ];
        for (body, field, bound) in cases {
            let told = decode::<Body>(body).expect_err("refused").told();
            assert_eq!((told.status, told.code), (400, "invalid_request"));
            assert_eq!(told.field.as_deref(), Some(field), "{}", String::from_utf8_lossy(body));
            assert!(told.message.contains(bound), "{}: {}", String::from_utf8_lossy(body), told.message);
        }
        assert!(decode::<Body>(br#" {"n":9} "#).is_ok());
        assert!(decode::<Body>(br#"{"n":9,"list":[{"text":"null"}]}"#).is_ok());
        assert!(decode::<Body>(br#"{"n":9,"to":{"user":"us_1"},"kind":"equal"}"#).is_ok());
    }
}
