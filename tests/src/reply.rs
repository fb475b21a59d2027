//! An answer of the application, and what all of them must be.

use hongbao_client::{Answer, Failure};
use serde_json::Value;

/// An answer that has passed the checks that hold for every one: whole, JSON, with its length, errors in
/// their form, and never a failure of the application's own.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What was asked, for messages.
    asked: String,
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// The answer as it came.
    pub answer: Answer,
}

impl Reply {
    /// Checks an answer to `asked`.
    ///
    /// # Panics
    /// When the answer is not what every answer must be.
    pub fn checked(asked: &str, answer: Result<Answer, Failure>) -> Self {
        let answer = answer.unwrap_or_else(|failure| panic!("{asked}: {failure}"));
        let (status, body) = (answer.status.as_u16(), answer.json());
        let context = format!("{asked} → {status} {}", answer.text());
        assert!(status < 500 || status == 503, "a failure of the application: {context}");
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()), "{context}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{context}");
        assert!(body.is_object(), "{context}");
        let reply = Self { asked: asked.to_owned(), status, body, answer };
        if status >= 400 {
            reply.check_error(&context);
        }
        reply
    }

    fn check_error(&self, context: &str) {
        let error = self.body["error"].as_object().unwrap_or_else(|| panic!("no error: {context}"));
        let mut keys: Vec<&str> = error.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["code", "field", "message", "request_id", "retry_after_ms"], "{context}");
        for text in ["code", "message", "request_id"] {
            assert!(error[text].as_str().is_some_and(|text| !text.is_empty()), "no {text}: {context}");
        }
        assert!(error["field"].is_string() || error["field"].is_null(), "{context}");
        let seconds = error["retry_after_ms"].as_u64().map(|ms| ms.max(1).div_ceil(1000).to_string());
        assert_eq!(self.answer.header("retry-after"), seconds.as_deref(), "Retry-After: {context}");
        assert!(seconds.is_none() || matches!(self.status, 425 | 429 | 503), "{context}");
        assert!(seconds.is_some() || !matches!(self.status, 425 | 429 | 503), "when to come back: {context}");
    }

    /// The body of a request that was granted.
    ///
    /// # Panics
    /// When it was not granted with `status`.
    pub fn granted(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.body
    }

    /// The body of a request that was refused.
    ///
    /// # Panics
    /// When it was not refused with `status`, `code` and `field`.
    pub fn refused(self, status: u16, code: &str, field: Option<&str>) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{self}");
        assert_eq!(self.body["error"]["field"].as_str(), field, "{self}");
        self.body
    }

    /// The refusal's code; empty for what was granted.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} → {} {}", self.asked, self.status, self.body)
    }
}
