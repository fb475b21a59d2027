//! The process that answers people.

use anyhow::Result;

use crate::site::Site;

/// How long it is frozen.
pub(crate) const PAUSED_MS: u64 = 4_000;

/// Twice: once it has just come back, once it has been well for a while.
pub(crate) fn kill(site: &mut Site<'_>) -> Result<()> {
    for pause_ms in [1_000, 3_000] {
        site.broken("the host is killed (SIGKILL); its supervisor starts it again", |site| {
            site.stack.server.kill();
            site.stack.server.restart()
        })?;
        site.hold(pause_ms);
    }
    Ok(())
}

pub(crate) fn pause(site: &mut Site<'_>) -> Result<()> {
    site.broken("the host is frozen (SIGSTOP)", |site| {
        site.stack.server.pause();
        site.hold(PAUSED_MS);
        site.stack.server.resume();
        Ok(())
    })
}
