//! The strikes: what each drill does to the stack.

pub(crate) mod bell;
pub(crate) mod clock;
pub(crate) mod host;
pub(crate) mod redis;
pub(crate) mod sql;
