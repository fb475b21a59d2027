//! The table of refusals and errors, as the API promises it.
#![allow(clippy::panic, reason = "a test that finds nothing has to fail")]

use std::collections::BTreeSet;

use hongbao_core::Error;

/// One of every variant, with the status and the code that clients rely on.
fn promised() -> Vec<(Error, u16, &'static str)> {
    vec![
        (Error::invalid("total_fen", "must be at least 1"), 400, "invalid_request"),
        (Error::InvalidQuote, 400, "invalid_quote"),
        (Error::InvalidVoucher, 400, "invalid_voucher"),
        (Error::Unauthenticated, 401, "unauthenticated"),
        (Error::NotFound, 404, "not_found"),
        (Error::InsufficientBalance, 402, "insufficient_balance"),
        (Error::WrongPassword, 403, "wrong_password"),
        (Error::RiskDenied, 403, "risk_denied"),
        (Error::Blocked, 403, "blocked"),
        (Error::SoldOut, 409, "sold_out"),
        (Error::NotGrabbed, 409, "not_grabbed"),
        (Error::Conflict, 409, "conflict"),
        (Error::Contested, 409, "contested"),
        (Error::Expired, 410, "expired"),
        (Error::QuoteExpired, 410, "quote_expired"),
        (Error::BodyTooLarge(4096), 413, "body_too_large"),
        (Error::NotJson, 415, "not_json"),
        (Error::MethodNotAllowed("POST".to_owned()), 405, "method_not_allowed"),
        (Error::LimitExceeded { limit: "limit_count", bound: 100 }, 422, "limit_exceeded"),
        (Error::NotStarted { retry_after_ms: 1_500 }, 425, "not_started"),
        (Error::RateLimited { retry_after_ms: 250 }, 429, "rate_limited"),
        (Error::Unavailable("redis at shard 3: refused".to_owned()), 503, "unavailable"),
        (Error::Degraded, 503, "degraded"),
        (Error::Misconfigured { variable: "jwt_keys", problem: "is empty".to_owned() }, 500, "misconfigured"),
        (Error::Internal("share 7 of 5".to_owned()), 500, "internal"),
    ]
}

/// The variant's place in [`promised`]. A new variant does not compile until it has one.
const fn place(error: &Error) -> usize {
    match error {
        Error::Invalid { .. } => 0,
        Error::InvalidQuote => 1,
        Error::InvalidVoucher => 2,
        Error::Unauthenticated => 3,
        Error::NotFound => 4,
        Error::InsufficientBalance => 5,
        Error::WrongPassword => 6,
        Error::RiskDenied => 7,
        Error::Blocked => 8,
        Error::SoldOut => 9,
        Error::NotGrabbed => 10,
        Error::Conflict => 11,
        Error::Contested => 12,
        Error::Expired => 13,
        Error::QuoteExpired => 14,
        Error::BodyTooLarge(_) => 15,
        Error::NotJson => 16,
        Error::MethodNotAllowed(_) => 17,
        Error::LimitExceeded { .. } => 18,
        Error::NotStarted { .. } => 19,
        Error::RateLimited { .. } => 20,
        Error::Unavailable(_) => 21,
        Error::Degraded => 22,
        Error::Misconfigured { .. } => 23,
        Error::Internal(_) => 24,
    }
}

#[test]
fn every_variant_has_its_promised_status_and_code() {
    let promised = promised();
    assert!(promised.iter().map(|row| place(&row.0)).eq(0..25), "every variant once, in order");
    for (error, status, code) in promised {
        let told = error.told();
        assert_eq!((told.status, told.code), (status, code), "{error:?}");
    }
}

#[test]
fn no_two_variants_share_a_code() {
    let codes: BTreeSet<&str> = promised().iter().map(|row| row.0.told().code).collect();
    assert_eq!(codes.len(), promised().len());
}

#[test]
fn only_what_passes_says_when_to_come_back() {
    for (error, status, _) in promised() {
        let retry = error.told().retry_after_ms;
        assert_eq!(retry.is_some(), matches!(status, 425 | 429 | 503), "{error:?}");
        assert!(retry.is_none_or(|after_ms| after_ms > 0), "{error:?}");
    }
    assert_eq!(Error::NotStarted { retry_after_ms: 1_500 }.told().retry_after_ms, Some(1_500));
    assert_eq!(Error::RateLimited { retry_after_ms: 250 }.told().retry_after_ms, Some(250));
}

#[test]
fn only_a_wrong_field_or_a_limit_is_named() {
    for (error, _, code) in promised() {
        let field = error.told().field;
        let expected = match code {
            "invalid_request" => Some("total_fen"),
            "limit_exceeded" => Some("limit_count"),
            _ => None,
        };
        assert_eq!(field.as_deref(), expected, "{error:?}");
    }
    let told = |error: Error| error.told().message;
    assert_eq!(told(Error::invalid("total_fen", "must be at least 1")), "total_fen must be at least 1");
    assert!(told(Error::LimitExceeded { limit: "limit_count", bound: 100 }).contains("100"));
    assert!(told(Error::BodyTooLarge(4096)).contains("4096"));
}

#[test]
fn a_cause_is_for_the_log_and_never_for_the_client() {
    for (error, status, _) in promised() {
        let told = error.told();
        assert!(!told.message.is_empty() && told.message.len() < 120, "{error:?}");
        let Some(cause) = error.cause() else { continue };
        assert!(status >= 500, "{error:?}");
        assert!(!told.message.contains(cause), "{error:?}");
    }
    assert_eq!(Error::Internal("share 7 of 5".to_owned()).cause(), Some("share 7 of 5"));
    assert_eq!(Error::Unavailable("redis".to_owned()).cause(), Some("redis"));
}
