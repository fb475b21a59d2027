//! An evening of red packets, played through HTTP and checked from outside.
//!
//! [`Plan`] says who does what when, [`Evening`] plays it, [`Book`] keeps what people were told, [`audit()`]
//! compares that with what they have in the end, [`report`] tells it. The restart test plays the same
//! evening and kills the server in the middle of it.

pub mod audit;
pub mod book;
pub mod evening;
mod guest;
pub mod lag;
pub mod plan;
pub mod report;

pub use audit::{Verdict, audit};
pub use book::Book;
pub use evening::Evening;
pub use lag::LagMeter;
pub use plan::Plan;
