//! Programs from the system's packages.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::project::{answer, on_path};

const LIMIT: Duration = Duration::from_secs(480);

/// Installs `packages`, because `what` is missing; `by_hand` says how somebody gets it where this cannot.
///
/// # Errors
/// Occurs when this is no Debian, when we are not root, or when a package cannot be had.
pub(super) fn install(packages: &[&str], what: &str, by_hand: &str) -> Result<()> {
    if on_path("apt-get").is_none() {
        bail!("{what} is missing: {by_hand}");
    }
    if answer("id", &["-u"]).as_deref() != Some("0") {
        bail!("{what} is missing: run `sudo apt-get install {}`, or {by_hand}", packages.join(" "));
    }
    let step = Step::start(&format!("{what}, from the system's packages"));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-o", "DPkg::Lock::Timeout=120"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        step.run(&mut command, LIMIT).with_context(|| format!("{what} is missing; {by_hand}"))
    };
    apt(&["update"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())?;
    step.done();
    Ok(())
}
