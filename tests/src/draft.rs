//! The body of `wrap`, written piece by piece.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// A packet that somebody wants to send.
#[derive(Debug, Clone)]
pub struct Draft(Value);

impl Draft {
    /// A packet to a group.
    #[must_use]
    pub fn new(kind: &str, total_fen: i64, count: usize, group: &str) -> Self {
        Self(json!({"kind": kind, "total_fen": total_fen, "count": count, "to": {"group": group}}))
    }

    /// An exclusive packet.
    #[must_use]
    pub fn to_one(total_fen: i64, user: &str) -> Self {
        Self(json!({"kind": "lucky", "total_fen": total_fen, "count": 1, "to": {"user": user}}))
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// Over after so many seconds.
    #[must_use]
    pub fn for_seconds(self, seconds: i64) -> Self {
        self.with("expires_in_s", seconds)
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        self.0.clone()
    }
}

/// This machine's time in Unix milliseconds, `ahead` of now.
///
/// # Panics
/// When the clock is before 1970.
#[must_use]
pub fn in_ms(ahead: Duration) -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from((since + ahead).as_millis()).expect("before the year 9999")
}
