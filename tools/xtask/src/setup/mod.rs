//! `cargo xtask setup`: what a fresh machine lacks is installed; where nothing is missing, it says nothing.

mod browser;
mod debian;
mod packages;
mod pooler;
mod python;
mod redis;
mod targets;

use std::fs::{self, File};

use anyhow::{Context, Result};

pub(crate) use browser::ensure_browser;
pub(crate) use pooler::ensure_pooler;
pub(crate) use python::ensure_schemathesis;
pub(crate) use redis::{OLDEST as OLDEST_REDIS, installed as installed_redis};
pub(crate) use targets::{TARGETS, Toolchain};

use crate::project::{Project, on_path};

/// For the commands that `up` prints to try.
const CURL: &str = "curl";

/// Installs what is missing.
///
/// # Errors
/// Occurs when something cannot be installed here; the message says what to do by hand.
pub(crate) fn run() -> Result<()> {
    let project = Project::find()?;
    let toolchain = Toolchain::find()?;
    if toolchain.missing_targets().is_empty() && redis::is_fitting() && on_path(CURL).is_some() {
        return Ok(());
    }
    // Two commands started at once install one after the other; the second then finds it all there.
    fs::create_dir_all(project.target())?;
    let lock = File::create(project.target().join("setup.lock"))?;
    lock.lock().context("cannot lock the set-up")?;
    eprintln!("Setting up this machine, once:");
    targets::ensure(&toolchain, &project.target().join("setup"))?;
    redis::ensure()?;
    if on_path(CURL).is_none()
        && let Err(error) = packages::install(&[CURL], CURL, "install curl")
    {
        eprintln!("  {error:#}\n  Everything else works without.");
    }
    Ok(())
}
