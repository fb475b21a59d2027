//! PgBouncer, for the tests of the ledger behind a pooler, where there is a PostgreSQL to put it in front of.

use anyhow::Result;

use super::packages;

/// Installs what is missing.
///
/// # Errors
/// Occurs when it cannot be installed here; then those tests are skipped.
pub(crate) fn ensure_pooler() -> Result<()> {
    if hongbao_stack::Postgres::installed().is_none() || hongbao_stack::Pooler::installed().is_some() {
        return Ok(());
    }
    packages::install(&["pgbouncer"], "pgbouncer", "install PgBouncer, or do without the tests that need it")
}
