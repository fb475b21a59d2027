//! Everything that can be refused or go wrong, and the one table that says how it is told.

/// Why a request did not get what it asked for.
///
/// Refusals (`SoldOut`, `Expired`, …) are outcomes of the rules; the rest is bad input or trouble below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The input breaks a rule: which field, and the bound it broke.
    Invalid {
        /// The field's path in the body, the query or the path.
        field: String,
        /// What the field must be, e.g. "must be from 1 to 100".
        bound: String,
    },
    /// A quote that was not issued here, not to this user, or was changed.
    InvalidQuote,
    /// A voucher that was not issued here, not to this user, not for this packet, or was changed.
    InvalidVoucher,
    /// No valid token.
    Unauthenticated,
    /// There is no such thing, or it is not for this user to see.
    NotFound,
    /// The wallet holds less than the packet's total.
    InsufficientBalance,
    /// The packet's password (口令) is another one.
    WrongPassword,
    /// A risk rule refused.
    RiskDenied,
    /// The user is on the blacklist.
    Blocked,
    /// Every share has been grabbed.
    SoldOut,
    /// The user has grabbed no share of this packet.
    NotGrabbed,
    /// The same id was used with other content.
    Conflict,
    /// A receipt from before a loss, for a share that somebody else has by now: an operator decides.
    Contested,
    /// The packet's time is over.
    Expired,
    /// The quote's five minutes are over.
    QuoteExpired,
    /// The request body is larger than allowed; the bound in bytes.
    BodyTooLarge(usize),
    /// The body is not declared as JSON.
    NotJson,
    /// The path exists, but not with this method; the methods it has.
    MethodNotAllowed(String),
    /// An amount or a number is above a limit.
    LimitExceeded {
        /// The limit's name.
        limit: &'static str,
        /// Its value, in the unit its name ends with.
        bound: i64,
    },
    /// The packet opens later.
    NotStarted {
        /// Milliseconds until it opens.
        retry_after_ms: i64,
    },
    /// The user, or everybody together, asks too often.
    RateLimited {
        /// Milliseconds until it is worth trying again.
        retry_after_ms: i64,
    },
    /// Something below does not answer; the text is for the log, not for the client.
    Unavailable(String),
    /// This operation is switched off while the system is under pressure.
    Degraded,
    /// A configuration variable is missing or malformed: which, and what is wrong with it.
    Misconfigured {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A state that the rules exclude; the text is for the log, not for the client.
    Internal(String),
}

/// One row of the table: how an [`Error`] is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// The machine-readable code.
    pub code: &'static str,
    /// A short text for a person.
    pub message: String,
    /// The field that is wrong, where one is.
    pub field: Option<String>,
    /// When to come back, in milliseconds, where coming back helps.
    pub retry_after_ms: Option<i64>,
}

/// How long a client waits before it tries a server in trouble again, in milliseconds.
const RETRY_AFTER_MS: i64 = 1_000;

impl Error {
    /// An invalid `field`, with the `bound` it broke.
    pub fn invalid(field: impl Into<String>, bound: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), bound: bound.into() }
    }

    /// The error's row in the table.
    #[must_use]
    pub fn told(&self) -> Told {
        let (status, code, message): (u16, &'static str, String) = match self {
            Self::Invalid { field, bound } => (400, "invalid_request", format!("{field} {bound}")),
            Self::InvalidQuote => (400, "invalid_quote", "this quote is not valid: wrap again".into()),
            Self::InvalidVoucher => (400, "invalid_voucher", "this voucher is not valid: grab again".into()),
            Self::Unauthenticated => (401, "unauthenticated", "a valid bearer token is needed".into()),
            Self::NotFound => (404, "not_found", "there is nothing here for you".into()),
            Self::InsufficientBalance => (402, "insufficient_balance", "the wallet holds less than the total".into()),
            Self::WrongPassword => (403, "wrong_password", "the password is another one".into()),
            Self::RiskDenied => (403, "risk_denied", "refused by a safety rule".into()),
            Self::Blocked => (403, "blocked", "this account is blocked".into()),
            Self::SoldOut => (409, "sold_out", "every share has been grabbed".into()),
            Self::NotGrabbed => (409, "not_grabbed", "grab a share first".into()),
            Self::Conflict => (409, "conflict", "this id was used with other content".into()),
            Self::Contested => (409, "contested", "somebody else has this share: an operator decides".into()),
            Self::Expired => (410, "expired", "this packet's time is over".into()),
            Self::QuoteExpired => {
                (410, "quote_expired", "this quote no longer holds (it is good for five minutes): wrap again".into())
            }
            Self::BodyTooLarge(bound) => (413, "body_too_large", format!("the body must be at most {bound} bytes")),
            Self::NotJson => (415, "not_json", "content-type must be application/json".into()),
            Self::MethodNotAllowed(methods) => (405, "method_not_allowed", format!("the method must be {methods}")),
            Self::LimitExceeded { limit, bound } => (422, "limit_exceeded", format!("{limit} must be at most {bound}")),
            Self::NotStarted { .. } => (425, "not_started", "this packet opens later".into()),
            Self::RateLimited { .. } => (429, "rate_limited", "too many requests: slow down".into()),
            Self::Unavailable(_) => (503, "unavailable", "try again in a moment: nothing is lost".into()),
            Self::Degraded => (503, "degraded", "switched off under load: try again in a moment".into()),
            Self::Misconfigured { variable, problem } => {
                (500, "misconfigured", format!("variable {variable} {problem}"))
            }
            Self::Internal(_) => (500, "internal", "an internal error: it has been logged".into()),
        };
        let field = match self {
            Self::Invalid { field, .. } => Some(field.clone()),
            Self::LimitExceeded { limit, .. } => Some((*limit).to_owned()),
            _ => None,
        };
        Told { status, code, message, field, retry_after_ms: self.retry_after_ms() }
    }

    /// When to come back, in milliseconds, where coming back helps.
    fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::NotStarted { retry_after_ms } | Self::RateLimited { retry_after_ms } => Some(*retry_after_ms),
            Self::Unavailable(_) | Self::Degraded => Some(RETRY_AFTER_MS),
            _ => None,
        }
    }

    /// The cause, for the log: what the client is not told.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable(cause) | Self::Internal(cause) => Some(cause),
            _ => None,
        }
    }
}
