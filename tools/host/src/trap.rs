//! One line for every instance that died.

use wasmtime::Trap;

/// Logs why an instance of `component` ended early. The backtrace goes to the debug level.
pub(crate) fn log(component: &str, error: &wasmtime::Error) {
    match error.downcast_ref::<Trap>() {
        Some(trap) => tracing::error!(component, "trap: {trap}"),
        None => tracing::error!(component, "instance failed: {}", error.root_cause()),
    }
    tracing::debug!(component, "{error:?}");
}
