//! The contract's description: everything in it, and nothing that it could not mean.
#![cfg(feature = "schema")]
#![allow(clippy::expect_used, reason = "a test that finds nothing has to fail")]

use hongbao_core::api::{Endpoint, document};

const EXAMPLES: &str = include_str!("../examples.json");

#[test]
fn everything_is_described_and_every_example_fits_its_type() {
    let document = document(EXAMPLES).expect("a document");
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn an_example_that_is_missing_or_does_not_fit_is_named() {
    for (from, to) in [
        ("\"GrabRequest\": {\"password\"", "\"GrabRequest\": {\"passwort\""),
        ("\"GrabRequest\"", "\"Other\""),
        ("\"balance_fen\": 100166", "\"balance_fen\": -1"),
    ] {
        assert!(EXAMPLES.contains(from), "{from}");
        let fault = document(&EXAMPLES.replace(from, to)).expect_err(to);
        assert!(fault.contains("GrabRequest") || fault.contains("MeAnswer"), "{fault}");
    }
}

/// A body is read before anything is done with it, also where none is needed.
#[test]
fn whatever_can_bring_a_body_can_bring_too_much() {
    let document = document(EXAMPLES).expect("a document");
    for endpoint in Endpoint::ALL {
        let (method, path) = (endpoint.row().method, endpoint.row().path);
        let answers = &document["paths"][path][method.as_str().to_lowercase()]["responses"];
        assert!(answers.is_object(), "{endpoint:?}");
        assert_eq!(answers.get("413").is_some(), method.has_body(), "{endpoint:?}");
    }
}
