//! Which runtime serves: Spin where a fitting one is installed, else the project's own host.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hongbao_stack::Runtime;

use crate::project::{Project, answer, on_path, version_in};

/// The components are made with spin-sdk 7, whose interfaces older ones do not have.
pub(crate) const OLDEST: (u32, u32) = (4, 1);

/// What can run the components.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// The project's own host
    Host,
    /// Spin, 4.1 or newer
    Spin,
}

/// The Spin on the PATH, with its version.
pub(crate) fn installed() -> Option<(PathBuf, (u32, u32))> {
    let path = on_path("spin")?;
    let version = version_in(&answer(&path, &["--version"])?)?; // Other programs carry the name as well.
    Some((path, version))
}

/// The runtime that was asked for, or else the best that is there.
///
/// # Errors
/// Occurs when Spin was asked for and is missing or too old.
pub(crate) fn runtime(choice: Option<Choice>, project: &Project) -> Result<Runtime> {
    let fitting = installed().filter(|(_, version)| *version >= OLDEST);
    match (choice, fitting) {
        (Some(Choice::Host), _) | (None, None) => Ok(Runtime::Host(project.host())),
        (_, Some((path, _))) => Ok(Runtime::Spin(path)),
        (Some(Choice::Spin), None) => {
            let (major, minor) = OLDEST;
            let found = installed().context("there is no `spin` on the PATH");
            let (path, version) = found.with_context(|| advice(major, minor))?;
            bail!("{} is Spin {}.{}. {}", path.display(), version.0, version.1, advice(major, minor))
        }
    }
}

fn advice(major: u32, minor: u32) -> String {
    format!("install Spin {major}.{minor} or newer, or use `--runtime host`, which needs nothing")
}
