//! What operators do, once it is known who asks for what; as `stage`, but for them.

pub mod exceptions;
pub mod findings;
pub mod reconcile;
pub mod stats;
