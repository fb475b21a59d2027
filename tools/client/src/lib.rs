//! The HTTP contract from the outside: one client for the tests, the demo and the bench.
//!
//! - [`Client`] sends any request, also a malformed one, over kept-alive connections.
//! - [`Session`] is one person at it, with a method for each call of the API.
//! - [`Patience`] asks again until there is an answer that stands, as a good client does.
//!
//! **Invariant:** every request ends in bounded time ([`Client::LIMIT`]).
//!
//! Deliberately absent: any retry below [`Patience`]. A test that counts effects must know how often it asked.

mod answer;
mod client;
mod patience;
mod session;

pub use answer::{Answer, Failure, Refusal};
pub use client::{Call, Client};
pub use http::{HeaderMap, Method, StatusCode};
pub use patience::Patience;
pub use session::Session;
