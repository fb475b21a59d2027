//! The HTTP contract, end to end: the project's own host, a real Redis, a real SQLite.

mod expiry;
mod groups;
mod input;
mod kinds;
mod lists;
mod openapi;
mod pages;
mod refusals;
mod seals;
mod sight;
mod tokens;
mod transport;
