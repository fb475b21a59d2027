//! Runs this application's `spin.toml` where Spin is not installed.
//!
//! One process on `wasmtime`: the HTTP and Redis triggers, reused instances, and Spin's interfaces for
//! Redis, SQLite, PostgreSQL and variables, with the semantics that `spin up` has. It is a host for this
//! application's manifest, not a second Spin: what it does not support it refuses by name.
//!
//! Tests run it in their own process and break it on purpose:
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! use hongbao_host::{Host, Options};
//!
//! let mut options = Options::new("spin.toml");
//! options.variables.insert("dev_login".into(), "on".into());
//! let running = Host::start(options).await?;
//! println!("http://{}", running.addr());
//! running.shutdown().await
//! # }
//! ```
//!
//! **Absent on purpose:** inbound TLS, HTTP/2, outbound HTTP, calls between components, file mounts, key-value
//! stores, other databases, WASI 0.2 HTTP handlers.

mod engine;
mod faults;
mod guest;
mod host;
mod http;
mod interfaces;
mod manifest;
mod options;
mod stdio;
mod stop;
mod subscriber;
mod trap;

pub use faults::{Faults, HostCall, Moment, Verdict};
pub use host::{Host, Running};
pub use options::{Connections, Instances, Options};
