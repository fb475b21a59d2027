//! What the end-to-end tests share: a stack to ask, people who ask it, and what every answer must be.
//!
//! The tests hold the HTTP contract by its text: they send and read plain JSON and never the types that the
//! application itself is made of.
//!
//! **Invariant:** nobody sleeps for luck. What takes time is waited for by [`until`], which is bounded.

pub mod draft;
pub mod ledger;
pub mod person;
pub mod proxy;
pub mod reply;
pub mod scene;
pub mod stage;
pub mod wait;

pub use draft::Draft;
pub use person::Person;
pub use reply::Reply;
pub use scene::Scene;
pub use wait::until;
