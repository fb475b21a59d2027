//! JSON Schemas of what the decoders check themselves: names, amounts, texts and cursors, by the decoders' own bounds.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::draft::{COVER_MAX_CHARS, GREETING_MAX_CHARS, PASSWORD_MAX_CHARS};
use crate::id::{ALPHABET, DIGITS, EXCEPTION_MAX_CHARS, FIRST_DIGIT_MAX, NAME_MAX_CHARS};
use crate::json::Whole;
use crate::risk::{Action, BOUND_MAX, DEVICE_MAX_CHARS, Rule};
use crate::wire::operator::{DEPOSIT_ID_MAX_CHARS, REASON_MAX_CHARS};
use crate::{ExceptionId, Fen, GroupId, PacketId, UserId};

/// Every character of one line of people's, as far as an expression tells that Rust, Python and JavaScript all read: that
/// something in the line can be seen, and that isolates are closed, no expression tells.
const IN_LINE: &str = "[^\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e]";

fn line() -> String {
    format!("^{IN_LINE}*$")
}

fn packet_id() -> String {
    let letters = String::from_utf8_lossy(ALPHABET);
    let rest = DIGITS.saturating_sub(1);
    format!("hb_[0-{}][{letters}]{{{rest}}}", char::from(FIRST_DIGIT_MAX))
}

fn name(prefix: &str) -> String {
    format!("^{prefix}[A-Za-z0-9_-]{{1,{NAME_MAX_CHARS}}}$")
}

fn text(pattern: &str) -> Schema {
    json_schema!({"type": "string", "pattern": pattern})
}

/// The same, or `null`.
fn or_null(mut schema: Schema) -> Schema {
    schema.insert("type".to_owned(), json!(["string", "null"]));
    schema
}

macro_rules! named {
    ($type:ident, $about:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema: Schema = $schema;
                schema.insert("description".to_owned(), $about.into());
                schema
            }
        }
    };
}

named!(PacketId, "A packet's id.", text(&format!("^{}$", packet_id())));
named!(UserId, "A person's id.", text(&name(UserId::PREFIX)));
named!(GroupId, "A group's id.", text(&name(GroupId::PREFIX)));
named!(ExceptionId, "An exception's id.", exception(&mut SchemaGenerator::default()));

impl JsonSchema for Fen {
    fn schema_name() -> Cow<'static, str> {
        "Fen".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 0, "maximum": Self::MAX.get()})
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Whole<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Whole_{MIN}_{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
}

/// 64 hexadecimal digits.
pub(crate) fn digest(_: &mut SchemaGenerator) -> Schema {
    text("^[0-9a-f]{64}$")
}

/// 64 hexadecimal digits, or `null`.
pub(crate) fn digest_or_null(generator: &mut SchemaGenerator) -> Schema {
    or_null(digest(generator))
}

/// A greeting that `wrap` accepts.
pub(crate) fn greeting(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": line(), "minLength": 1, "maxLength": GREETING_MAX_CHARS})
}

/// A password that `wrap` accepts.
pub(crate) fn password(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": line(), "minLength": 1, "maxLength": PASSWORD_MAX_CHARS})
}

/// A cover's name.
pub(crate) fn cover(_: &mut SchemaGenerator) -> Schema {
    text(&format!("^[a-z0-9_-]{{1,{COVER_MAX_CHARS}}}$"))
}

/// A reason of an operator: one line, and not only blanks.
pub(crate) fn reason(_: &mut SchemaGenerator) -> Schema {
    let seen = format!("{}\\s]", IN_LINE.trim_end_matches(']'));
    json_schema!({
        "type": "string", "pattern": format!("^{IN_LINE}*{seen}{IN_LINE}*$"), "minLength": 1,
        "maxLength": REASON_MAX_CHARS
    })
}

/// A deposit's id.
pub(crate) fn deposit_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "pattern": format!("^[A-Za-z0-9_.:-]{{1,{DEPOSIT_ID_MAX_CHARS}}}$"),
        "not": {"pattern": "^login:"}
    })
}

/// An exception's id.
pub(crate) fn exception(_: &mut SchemaGenerator) -> Schema {
    text(&format!("^{}[A-Za-z0-9_.:-]{{1,{EXCEPTION_MAX_CHARS}}}$", ExceptionId::PREFIX))
}

/// An exception's id, or `null`.
pub(crate) fn exception_or_null(generator: &mut SchemaGenerator) -> Schema {
    or_null(exception(generator))
}

/// A place in a list of packets.
pub(crate) fn packet_cursor(_: &mut SchemaGenerator) -> Schema {
    // The bound is one below a power of ten: all numbers of as many digits.
    let more = super::query::CURSOR_MAX_MS.to_string().len().saturating_sub(1);
    text(&format!("^(0|[1-9][0-9]{{0,{more}}})\\.{}$", packet_id()))
}

/// A place in a list of packets, or `null`.
pub(crate) fn packet_cursor_or_null(generator: &mut SchemaGenerator) -> Schema {
    or_null(packet_cursor(generator))
}

/// A place in the books.
pub(crate) fn books_cursor(_: &mut SchemaGenerator) -> Schema {
    let most = super::query::ACCOUNT_MAX_CHARS;
    text(&format!("^(packet\\.{}|account\\.[A-Za-z0-9_.:-]{{1,{most}}})$", packet_id()))
}

/// A place in the books, or `null`.
pub(crate) fn books_cursor_or_null(generator: &mut SchemaGenerator) -> Schema {
    or_null(books_cursor(generator))
}

/// A risk rule that can be set.
pub(crate) fn rule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": Rule::SETTABLE.map(Rule::id)})
}

/// A risk rule's setting: the action, and for rules that have one, the bound.
pub(crate) fn setting(_: &mut SchemaGenerator) -> Schema {
    // BOUND_MAX is a power of ten: beside it, every number of fewer digits.
    let digits = BOUND_MAX.to_string().len().saturating_sub(2);
    let actions = Action::ALL.map(Action::as_str).join("|");
    text(&format!("^({actions})(:([1-9][0-9]{{0,{digits}}}|{BOUND_MAX}))?$"))
}

/// A device's name.
pub(crate) fn device(_: &mut SchemaGenerator) -> Schema {
    text(&format!("^[A-Za-z0-9_.:-]{{1,{DEVICE_MAX_CHARS}}}$"))
}

/// A machine-readable reason; which there are is known when all endpoints are described.
pub(crate) fn error_code(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"$ref": "#/components/schemas/ErrorCode"})
}

/// An operator's remedy for an exception.
pub(crate) fn remedy(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["retry", "compensate", "dismiss"]})
}
