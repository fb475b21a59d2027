//! What operators do and see, end to end: the project's own host, a real Redis, a real SQLite.
//!
//! Contradictions are made for real: entries that no script wrote go into the journal, and the books are changed
//! behind the application's back.

mod acts;
mod controls;
mod drift;
mod exceptions;
mod office;
mod on_postgres;
mod one_store;
