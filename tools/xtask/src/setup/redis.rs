//! Redis, from the system's packages.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::packages;
use crate::project::{answer, on_path, version_in};

/// The first with script flags (`#!lua`), which make a refused script refuse as a whole.
pub(crate) const OLDEST: (u32, u32) = (7, 0);

/// The `redis-server` on the PATH, with its version.
pub(crate) fn installed() -> Option<(PathBuf, (u32, u32))> {
    let path = on_path("redis-server")?;
    let version = version_in(&answer(&path, &["--version"])?)?;
    Some((path, version))
}

pub(super) fn is_fitting() -> bool {
    installed().is_some_and(|(_, version)| version >= OLDEST)
}

pub(super) fn ensure() -> Result<()> {
    if is_fitting() {
        return Ok(());
    }
    let (major, minor) = OLDEST;
    if let Some((path, version)) = installed() {
        bail!(
            "{} is version {}.{}, and {major}.{minor} is needed: install a newer one, earlier on the PATH",
            path.display(),
            version.0,
            version.1
        );
    }
    let by_hand = format!("install Redis {major}.{minor} or newer, so that `redis-server` is on the PATH");
    packages::install(&["redis-server"], "redis-server", &by_hand)?;
    if !is_fitting() {
        bail!("the system's redis-server is too old: {by_hand}");
    }
    Ok(())
}
