//! The history: JSON, a line a call or a fault, in the order in which answers came.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// Somebody asked something.
    Call(Call),
    /// Something was done to a machine.
    Fault(Fault),
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// `deposit`, `wrap`, `send`, `grab`, `open` or `view`.
    pub op: String,
    /// Who asked.
    pub user: String,
    /// The packet in the path, where one is.
    #[serde(default)]
    pub packet: Option<String>,
    /// The request's body.
    #[serde(default)]
    pub request: Value,
    /// When it was asked, by one clock for the whole history, Unix milliseconds.
    pub start_ms: i64,
    /// When it was answered or given up.
    pub end_ms: i64,
    /// The status; absent when no answer came.
    #[serde(default)]
    pub status: Option<u16>,
    /// The answer's body.
    #[serde(default)]
    pub body: Value,
}

/// Something that was done to a machine on purpose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// `redis_rollback` and `redis_empty` lose what a shard held, `poison` is an entry nobody wrote; others only
    /// explain a trace.
    pub kind: String,
    /// The shard it was done to.
    #[serde(default)]
    pub shard: Option<i64>,
    /// From when on what happened may be lost, Unix milliseconds.
    pub from_ms: i64,
    /// When it was done.
    pub at_ms: i64,
}

impl Call {
    /// Whether it was answered with success.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// A number of the answer.
    pub(super) fn number(&self, field: &str) -> Option<i64> {
        self.body.get(field)?.as_i64()
    }

    /// A text of the answer.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field)?.as_str()
    }

    /// A refusal's code.
    pub(super) fn code(&self) -> Option<&str> {
        self.body.get("error")?.get("code")?.as_str()
    }
}

impl Fault {
    /// Whether it loses contents of Redis.
    #[must_use]
    pub fn loses_data(&self) -> bool {
        self.kind == "redis_rollback" || self.kind == "redis_empty"
    }
}

/// Reads a history, a line each.
///
/// # Errors
/// Occurs when a line is not of this form: which, and why.
pub fn read(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parse = |(number, line)| {
        serde_json::from_str(line).map_err(|error| format!("line {} of the history: {error}", number + 1))
    };
    lines.map(parse).collect()
}
