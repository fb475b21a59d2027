//! Schemathesis, the fuzzer of `cargo xtask test contract`, in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::packages;
use crate::progress::Step;
use crate::project::{Project, answer, on_path};

/// From PyPI. Pinned: a newer one may find more, and then the tests of an old commit would fail.
const VERSION: &str = "4.32.5";
const LIMIT: Duration = Duration::from_secs(300);

/// The fuzzer's program, installed if it is missing.
///
/// # Errors
/// Occurs when it cannot be installed here; the message says what to do by hand.
pub(crate) fn ensure_schemathesis(project: &Project) -> Result<PathBuf> {
    let folder = project.target().join("setup/schemathesis");
    let program = folder.join("bin/schemathesis");
    if is_fitting(&program) {
        return Ok(program);
    }
    // Debian's python3 has no pip and cannot make an environment with one.
    if on_path("python3").is_none() || answer("python3", &["-c", "import ensurepip, venv"]).is_none() {
        let by_hand = "install Python 3.10 or newer with venv and pip, so that `python3` is on the PATH";
        packages::install(&["python3", "python3-venv"], "python3-venv", by_hand)?;
    }
    let step = Step::start(&format!("schemathesis {VERSION}, for the contract's tests, by pip"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?; // Another version, or half of one.
    }
    step.run(Command::new("python3").args(["-m", "venv"]).arg(&folder), LIMIT)?;
    let package = format!("schemathesis=={VERSION}");
    let mut pip = Command::new(folder.join("bin/pip"));
    step.run(pip.args(["install", "--disable-pip-version-check", "--no-input", &package]), LIMIT)?;
    ensure!(is_fitting(&program), "schemathesis {VERSION} was installed and does not say so");
    step.done();
    Ok(program)
}

fn is_fitting(program: &Path) -> bool {
    answer(program, &["--version"]).is_some_and(|version| version.ends_with(VERSION))
}
