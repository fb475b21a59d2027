//! The HTTP contract, end to end: the project's own host, a real Redis, a real SQLite.

mod expiry;
mod input;
mod kinds;
mod lists;
mod refusals;
mod seals;
mod sight;
mod tokens;
mod transport;
