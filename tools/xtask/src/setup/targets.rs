//! The compiler's standard library for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::debian;
use crate::progress::Step;
use crate::project::{answer, on_path};

/// The components, and the checks of a packet in the browser.
pub(crate) const TARGETS: [&str; 2] = ["wasm32-wasip2", "wasm32-unknown-unknown"];
/// On a machine that reaches rustup's server this takes seconds; on another it must not take the day.
const RUSTUP_LIMIT: Duration = Duration::from_secs(90);

/// The compiler that cargo uses here.
pub(crate) struct Toolchain {
    /// Such as `1.95.0`.
    pub(crate) version: String,
    /// The folder of its libraries for every target.
    pub(crate) rustlib: PathBuf,
}

impl Toolchain {
    pub(crate) fn find() -> Result<Self> {
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let version = answer(&rustc, &["--version"]).context("cannot run rustc")?;
        let version = version.split_whitespace().nth(1).context("rustc says no version")?.to_owned();
        let sysroot = answer(&rustc, &["--print", "sysroot"]).context("rustc says no sysroot")?;
        Ok(Self { version, rustlib: Path::new(&sysroot).join("lib/rustlib") })
    }

    pub(crate) fn missing_targets(&self) -> Vec<&'static str> {
        TARGETS.into_iter().filter(|target| !self.has(target)).collect()
    }

    fn has(&self, target: &str) -> bool {
        let libraries = fs::read_dir(self.rustlib.join(target).join("lib")).into_iter().flatten().flatten();
        libraries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
    }
}

/// Installs the targets that are missing: by rustup, or where that cannot download, by building them from
/// the sources that the system's package mirror has.
pub(super) fn ensure(toolchain: &Toolchain, scratch: &Path) -> Result<()> {
    let missing = toolchain.missing_targets();
    if missing.is_empty() {
        return Ok(());
    }
    let Err(rustup) = by_rustup(toolchain, &missing) else { return Ok(()) };
    eprintln!("  rustup cannot install them here; building them from Debian's sources instead");
    let built = debian::build(toolchain, &toolchain.missing_targets(), scratch);
    built.map_err(|debian| {
        anyhow!(
            "the WebAssembly targets cannot be installed here.\n  By rustup: {rustup:#}\n  From Debian's \
             sources: {debian:#}\n  By hand: run `rustup target add {}` where rustup can download, then this again",
            TARGETS.join(" ")
        )
    })
}

fn by_rustup(toolchain: &Toolchain, missing: &[&str]) -> Result<()> {
    let rustup = on_path("rustup").context("there is no rustup on the PATH")?;
    let step = Step::start(&format!("{}, by rustup", missing.join(" and ")));
    step.run(Command::new(rustup).args(["target", "add"]).args(missing), RUSTUP_LIMIT)?;
    if !toolchain.missing_targets().is_empty() {
        bail!("rustup manages another compiler than the one in use");
    }
    step.done();
    Ok(())
}
