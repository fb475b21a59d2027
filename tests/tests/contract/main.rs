//! The HTTP contract, end to end: the project's own host, a real Redis, a real SQLite.

mod expiry;
mod groups;
mod input;
mod keys;
mod kinds;
mod lists;
mod membership;
mod openapi;
mod pages;
mod refusals;
mod seals;
mod sight;
mod texts;
mod tokens;
mod transport;
