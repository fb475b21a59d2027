//! What came back: an answer, or the reason why there is none to use.

use core::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A whole answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, read to its end.
    pub body: Bytes,
}

impl Answer {
    /// A header's text, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; `Null` when it is something else.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as `T` if the request was granted.
    ///
    /// # Errors
    /// [`Failure::Refused`] when the application said no, [`Failure::Broken`] when this is no answer of it.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let broken = |error| Failure::Broken(format!("{}: {error}: {}", self.status, self.text()));
        if self.status.is_success() {
            return serde_json::from_slice(&self.body).map_err(broken);
        }
        let envelope: Envelope = serde_json::from_slice(&self.body).map_err(broken)?;
        Err(Failure::Refused(Refusal { status: self.status.as_u16(), ..envelope.error }))
    }

    /// The body as text, for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: Refusal,
}

/// What the application says when it says no.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// The machine-readable code.
    pub code: String,
    /// A short text for a person.
    pub message: String,
    /// The field that is wrong, where one is.
    pub field: Option<String>,
    /// The request's id, to find it in the log; absent when the host itself refused.
    #[serde(default)]
    pub request_id: Option<String>,
    /// When to come back, in milliseconds, where coming back helps.
    pub retry_after_ms: Option<u64>,
}

/// Why a call has nothing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The application refused.
    Refused(Refusal),
    /// No answer in time, a broken connection, or an answer that is not this application's. Whether the
    /// request had its effect is unknown: ask again.
    Broken(String),
}

impl Failure {
    /// The refusal's code; empty when there was no answer.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.code,
            Self::Broken(_) => "",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{} {}: {}", refusal.status, refusal.code, refusal.message),
            Self::Broken(reason) => write!(f, "no answer: {reason}"),
        }
    }
}

impl std::error::Error for Failure {}
