//! The domain of red packets, and nothing else.
//!
//! **Invariant:** everything here is a pure function of its arguments. There is no I/O, no clock and
//! no randomness: callers bring the time and the random bytes, so that every decision can be replayed
//! by a test, by the simulation and by the browser that verifies a packet.
//!
//! **Invariant:** money is [`Fen`], an integer with checked arithmetic. No float touches it.
//!
//! Deliberately absent: Redis, SQL, HTTP (an error knows only its row in [`error`]'s table).

pub mod admit;
pub mod api;
pub mod audit;
pub mod books;
pub mod draft;
pub mod error;
pub mod event;
pub mod fen;
pub mod guess;
pub mod id;
pub mod json;
pub mod luck;
pub mod packet;
pub mod quote;
pub mod race;
pub mod risk;
pub mod route;
pub mod sign;
pub mod split;
pub mod text;
pub mod token;
pub mod voucher;
pub mod wire;
pub mod year;

pub use error::Error;
pub use fen::Fen;
pub use id::{ExceptionId, GroupId, PacketId, UserId};
