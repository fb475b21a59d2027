//! What operators do, once it is known who asks for what; as `stage`, but for them.

pub mod controls;
pub mod exceptions;
pub mod findings;
pub mod keys;
pub mod reconcile;
pub mod shards;
pub mod stats;
