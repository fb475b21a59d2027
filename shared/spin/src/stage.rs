//! The stages: what each does, once it is known who asks for what. Components decode, call these, and encode.
//!
//! Each file is one stage; they share the [`App`](crate::App) and nothing else.

pub mod grab;
pub mod list;
pub mod me;
pub mod open;
pub mod place;
pub mod preheat;
pub mod retire;
pub mod send;
pub mod sweep;
pub mod view;
mod work;
pub mod wrap;
