//! The targets' standard library, built from Debian's source packages.
//!
//! For machines that reach a mirror of Debian and nothing else. The packages are unpacked into a scratch
//! folder, the system stays as it is; only the compiler's own folder gains the targets.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Toolchain;
use crate::progress::Step;
use crate::project::{answer, cargo, on_path};

/// Where Debian publishes compilers as new as rustup's.
const SUITE: &str = "trixie-backports";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const WASI: &str = "wasm32-wasip2";
/// What a WASI program is linked with besides Rust's own library.
const WASI_OBJECTS: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(240);
const BUILD_LIMIT: Duration = Duration::from_secs(480);

/// Builds and installs the library of `targets`, using the folder `scratch`.
pub(super) fn build(toolchain: &Toolchain, targets: &[&str], scratch: &Path) -> Result<()> {
    for program in ["apt-get", "dpkg-deb"] {
        on_path(program).with_context(|| format!("this is not a Debian system: there is no {program}"))?;
    }
    clear(scratch)?; // An interrupted attempt may have left something.
    let packages = download(toolchain, scratch)?;
    let step = Step::start("the standard library, compiled for both");
    let source = Source::link(toolchain, &packages)?;
    compile(&step, targets, &scratch.join("probe"))?;
    drop(source);
    for target in targets {
        install(toolchain, target, &scratch.join("probe/target"), &packages)?;
    }
    step.done();
    clear(scratch)
}

fn clear(scratch: &Path) -> Result<()> {
    if scratch.exists() {
        fs::remove_dir_all(scratch).with_context(|| format!("cannot delete {}", scratch.display()))?;
    }
    Ok(())
}

/// Fetches and unpacks the two packages; returns the folder that stands for `/`.
fn download(toolchain: &Toolchain, scratch: &Path) -> Result<PathBuf> {
    let step = Step::start(&format!("rust-src {} and wasi-libc, from Debian's mirror", toolchain.version));
    let unpacked = scratch.join("unpacked");
    for folder in ["apt/lists/partial", "apt/cache/archives/partial", "unpacked"] {
        fs::create_dir_all(scratch.join(folder))?;
    }
    let mut failures = Vec::new();
    for mirror in mirrors()? {
        match fetch(&step, toolchain, &mirror, &scratch.join("apt")) {
            Ok(()) => {
                for package in files(&scratch.join("apt"), "deb")? {
                    step.detail(&format!("unpacking {}", package.display()));
                    let mut dpkg = Command::new("dpkg-deb");
                    step.run(dpkg.arg("--extract").arg(&package).arg(&unpacked), DOWNLOAD_LIMIT)?;
                }
                step.done();
                return Ok(unpacked);
            }
            Err(failure) => failures.push(format!("{mirror}: {failure:#}")),
        }
    }
    bail!("no mirror of this machine has rust-src {} in {SUITE}.\n  {}", toolchain.version, failures.join("\n  "))
}

/// The package archives in the machine's own configuration, whatever form it has: apt reads it.
fn mirrors() -> Result<Vec<String>> {
    let format = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
    let list = answer("apt-get", &format).context("apt-get does not say where packages come from")?;
    let mut mirrors: Vec<String> =
        list.lines().map(str::trim).filter(|uri| uri.contains(':')).map(str::to_owned).collect();
    mirrors.sort();
    mirrors.dedup();
    // The archives of security fixes have no such suite; they are asked last.
    mirrors.sort_by_key(|uri| uri.contains("security"));
    if mirrors.is_empty() {
        bail!("apt is configured with no package archive");
    }
    Ok(mirrors)
}

/// Downloads the packages into `apt`, verified by apt, which sees only this one archive.
fn fetch(step: &Step, toolchain: &Toolchain, mirror: &str, apt: &Path) -> Result<()> {
    let mut source = format!("Types: deb\nURIs: {mirror}\nSuites: {SUITE}\nComponents: main\n");
    if Path::new(KEYRING).exists() {
        source.push_str(&format!("Signed-By: {KEYRING}\n"));
    }
    fs::write(apt.join("mirror.sources"), source)?;
    let command = || {
        let mut command = Command::new("apt-get");
        let option = |name: &str, value: &Path| format!("{name}={}", value.display());
        command.args(["-o", &option("Dir::Etc::SourceList", &apt.join("mirror.sources"))]);
        command.args(["-o", &option("Dir::Etc::SourceParts", &apt.join("none"))]);
        command.args(["-o", &option("Dir::State::Lists", &apt.join("lists"))]);
        command.args(["-o", &option("Dir::Cache", &apt.join("cache"))]);
        command.args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"]).current_dir(apt);
        command
    };
    step.run(command().args(["update", "--error-on=any"]), DOWNLOAD_LIMIT)?;
    let source = format!("rust-src={}+*", toolchain.version); // The sources must be this very compiler's.
    step.run(command().args(["download", &source, "wasi-libc"]), DOWNLOAD_LIMIT)?;
    Ok(())
}

/// The sources, for a while, where the compiler looks for them.
struct Source {
    /// The link that is ours to remove, unless the toolchain has sources of its own.
    link: Option<PathBuf>,
}

impl Source {
    fn link(toolchain: &Toolchain, packages: &Path) -> Result<Self> {
        let link = toolchain.rustlib.join("src/rust/library");
        if link.exists() {
            return Ok(Self { link: None });
        }
        let _ = fs::remove_file(&link); // Left by an interrupted attempt, and leading nowhere.
        let library = packages.join(format!("usr/src/rustc-{}/library", toolchain.version));
        let library = library.canonicalize().context("the package rust-src has another layout than expected")?;
        fs::create_dir_all(toolchain.rustlib.join("src/rust"))
            .and_then(|()| symlink(library, &link))
            .with_context(|| format!("cannot write to the compiler's folder {}", toolchain.rustlib.display()))?;
        Ok(Self { link: Some(link) })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            let _ = fs::remove_file(link);
            // The folders it was in, when nothing else is in them.
            link.ancestors().skip(1).take(2).for_each(|folder| _ = fs::remove_dir(folder));
        }
    }
}

/// Compiles an empty library, and the standard library with it.
fn compile(step: &Step, targets: &[&str], probe: &Path) -> Result<()> {
    fs::create_dir_all(probe.join("src"))?;
    let manifest = "[package]\nname = \"probe\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(probe.join("Cargo.toml"), manifest)?;
    fs::write(probe.join("src/lib.rs"), "")?;
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "-Z", "build-std=std,panic_abort", "--target-dir", "target"]).current_dir(probe);
    build.env("RUSTC_BOOTSTRAP", "1"); // Building std is an unstable feature, which a released compiler hides.
    build.env("RUSTFLAGS", "-Cembed-bitcode=yes"); // Without it, LTO of the components fails.
    for inherited in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"] {
        build.env_remove(inherited);
    }
    for target in targets {
        build.args(["--target", target]);
    }
    step.run(&mut build, BUILD_LIMIT)?;
    Ok(())
}

/// Puts what was compiled into the compiler's folder. It appears there whole or not at all.
fn install(toolchain: &Toolchain, target: &str, built: &Path, packages: &Path) -> Result<()> {
    let (fresh, home) = (toolchain.rustlib.join(format!(".{target}.new")), toolchain.rustlib.join(target));
    for folder in [&fresh, &home] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    let library = fresh.join("lib");
    fs::create_dir_all(&library)?;
    for file in files(&built.join(target).join("release/deps"), "rlib")? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with("libprobe-") {
            fs::copy(&file, library.join(name))?;
        }
    }
    if target == WASI {
        let objects = library.join("self-contained");
        fs::create_dir(&objects)?;
        for name in WASI_OBJECTS {
            let object = packages.join("usr/lib").join(WASI).join(name);
            fs::copy(&object, objects.join(name)).with_context(|| format!("wasi-libc has no {name}"))?;
        }
    }
    fs::rename(&fresh, &home).with_context(|| format!("cannot write {}", home.display()))
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect())
}
