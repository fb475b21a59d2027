//! What the browser tests need and nothing else does: Chromium with its driver, fonts for what pages say, and
//! axe-core, which checks whether everybody can use them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use super::packages;
use crate::progress::Step;
use crate::project::{Project, on_path};

/// Without the fonts the pictures would be of boxes.
const PACKAGES: [&str; 3] = ["chromium-driver", "fonts-noto-cjk", "fonts-noto-color-emoji"];
/// Licensed under MPL 2.0; its text stays beside it.
const AXE: &str = "axe-core@4.14.1";
const AXE_SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";
const LIMIT: Duration = Duration::from_secs(180);

/// Installs what is missing for the browser tests.
///
/// # Errors
/// Occurs when something cannot be installed here; the message says what to do by hand.
pub(crate) fn ensure_browser(project: &Project) -> Result<()> {
    if on_path("chromedriver").is_none() {
        let by_hand = "install Chromium and its chromedriver, so that `chromedriver` is on the PATH";
        packages::install(&PACKAGES, "chromedriver", by_hand)?;
    }
    axe(&project.target().join("setup/axe-core"))
}

/// Unpacks axe-core into `folder`, unless it is there.
fn axe(folder: &Path) -> Result<()> {
    let script = folder.join("package/axe.min.js");
    if is_axe(&script) {
        return Ok(());
    }
    if on_path("npm").is_none() {
        packages::install(&["npm"], "npm", "install npm, which fetches axe-core for the browser tests")?;
    }
    let step = Step::start(&format!("{AXE}, for the browser tests, by npm"));
    if folder.exists() {
        fs::remove_dir_all(folder)?; // Another version, or half of one.
    }
    fs::create_dir_all(folder)?;
    let named = step.run(Command::new("npm").args(["pack", AXE]).current_dir(folder), LIMIT)?;
    let archive = named.lines().last().context("npm names no file")?.trim().to_owned();
    step.run(Command::new("tar").args(["-xzf", &archive]).current_dir(folder), LIMIT)?;
    ensure!(is_axe(&script), "{AXE} is not the one that was chosen: its SHA-256 is another");
    step.done();
    if !folder.join("package/LICENSE").exists() {
        bail!("{AXE} comes without its licence");
    }
    Ok(())
}

fn is_axe(script: &Path) -> bool {
    let digest = fs::read(script).map(|bytes| Sha256::digest(&bytes));
    digest.is_ok_and(|digest| hongbao_core::split::hex(&digest) == AXE_SHA256)
}
