//! The only code that talks to Redis, SQL and Spin.
//!
//! Decisions stand in `hongbao-core`, in `lua/*.lua` and in `sql/*/*.sql`; this crate carries them out.
//!
//! **Invariant:** every call outside has a deadline, and a defined error when it fails.
//!
//! **Invariant:** what lives between requests (`thread_local!`, shared by concurrent ones) is configuration,
//! connections and facts that can never change again. Never a user's state, never a decision.

pub mod app;
pub mod config;
pub mod count;
pub mod gate;
pub mod http;
pub mod ledger;
pub mod memory;
pub mod operate;
pub mod recover;
pub mod redis;
mod refill;
pub mod settle;
pub mod shard;
pub mod sql;
pub mod stage;
pub mod sys;
pub mod watch;

pub use app::App;
#[doc(hidden)]
pub use hongbao_core::api;
#[doc(hidden)]
pub use spin_sdk::wasip3;
