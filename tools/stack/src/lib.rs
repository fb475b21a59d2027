//! The servers of a local stack: started, supervised, broken on purpose, and gone with their owner.
//!
//! `cargo xtask up`, the end-to-end tests, the bench and the drills all start the same [`Stack`]: private
//! Redis servers (and PostgreSQL where asked for) on free ports, keys made on the spot, the application on
//! [`Runtime::Host`] or [`Runtime::Spin`], and the timer that calls its sweep.
//!
//! **Invariant:** nothing started here outlives the process that started it, however that one ends
//! (`guardian`), and nothing that somebody else started is ever signalled or touched.
//!
//! Deliberately absent: building and installing (`tools/xtask`), and any knowledge of what the application
//! does beyond its variables and its sweep.

mod guardian;
mod keys;
mod pooler;
mod postgres;
mod process;
mod redis;
mod server;
mod stack;
mod supervisor;
mod sweeper;
mod wait;

pub use keys::{Grant, Keys};
pub use pooler::Pooler;
pub use postgres::Postgres;
pub use process::Process;
pub use redis::{Certificate, Fsync, Redis, RedisOptions};
pub use server::{Runtime, Server, ServerOptions};
pub use stack::{Database, SHARDS_MAX, Stack, StackOptions, migration, project_root, redis_variables};
pub use sweeper::{Sweeper, sweep};
pub use wait::{free_port, on_free_port};
