//! The page and the console, as people use them: in a real browser, on the project's own host.
//!
//! Pictures of what was seen stay in `target/screenshots`; with `HONGBAO_SCREENSHOTS=docs/screenshots` they go where
//! the README shows them.

mod access;
mod away;
mod browsers;
mod clocks;
mod console;
mod crowd;
mod dialogs;
mod docs;
mod money;
mod operator;
mod people;
mod race;
mod states;
mod unknown;
mod width;
mod width_console;
