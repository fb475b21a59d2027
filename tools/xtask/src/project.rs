//! Where things are: the project, its compiler, other programs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The target that the components are compiled for.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";
/// The profile of `Cargo.toml` that they are compiled with.
pub(crate) const COMPONENT_PROFILE: &str = "component";
/// The bench's component that does nothing: not of the application, and not for this machine either.
pub(crate) const EMPTY_COMPONENT: &str = "empty";

/// This checkout.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        Ok(Self { root: hongbao_stack::project_root()? })
    }

    /// The folder that cargo builds into. Always this one, since `spin.toml` names the components in it.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    pub(crate) fn host(&self) -> PathBuf {
        self.program("hongbao-host")
    }

    /// A program for this machine, compiled.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target().join("release").join(name)
    }

    /// Where `up` keeps its data, keys and logs unless told otherwise.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join(".hongbao")
    }

    /// The components, by name. A component's folder, package and WebAssembly file all carry that name.
    pub(crate) fn components(&self) -> Result<Vec<String>> {
        let folder = self.root.join("functions");
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let packages = entries.flatten().filter(|entry| entry.path().join("Cargo.toml").exists());
        let mut names: Vec<_> = packages.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        if names.is_empty() {
            bail!("{} holds no components", folder.display());
        }
        Ok(names)
    }

    /// A component, compiled.
    pub(crate) fn wasm(&self, component: &str) -> PathBuf {
        self.target()
            .join(COMPONENT_TARGET)
            .join(COMPONENT_PROFILE)
            .join(format!("{}.wasm", component.replace('-', "_")))
    }

    /// Cargo for everything that runs on this machine. Always the whole workspace is chosen, and then perhaps
    /// one target of it: what is chosen decides the features of the dependencies, and another choice would
    /// compile the engine again.
    pub(crate) fn native(&self, command: &str) -> Result<Command> {
        let mut cargo = self.cargo(command);
        cargo.args(["--release", "--workspace", "--exclude", EMPTY_COMPONENT]);
        self.components()?.iter().for_each(|name| _ = cargo.args(["--exclude", name]));
        Ok(cargo)
    }

    /// Cargo, as it was called, in the project's folder.
    pub(crate) fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(cargo());
        cargo.arg(command).current_dir(&self.root).env("CARGO_TARGET_DIR", self.target());
        cargo
    }
}

pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs a command in the open: the user sees its output as it comes.
///
/// # Errors
/// Occurs when it cannot be started or fails.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        let arguments = command.get_args().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ");
        bail!("`cargo {arguments}` failed ({status}); what it says is above");
    }
    Ok(())
}

/// The first program of that name on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// What a program answers to `arguments`, when it succeeds.
pub(crate) fn answer(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program.as_ref()).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first `MAJOR.MINOR` in a text such as `spin 4.1.0-pre0 (…)` or `Redis server v=7.0.15 sha=…`.
pub(crate) fn version_in(text: &str) -> Option<(u32, u32)> {
    let words = text.split(|letter: char| !(letter.is_ascii_digit() || letter == '.'));
    words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit())).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn versions_are_found_where_programs_put_them() {
        let cases = [
            ("spin 4.1.0-pre0 (abc1234 2026-01-01)", Some((4, 1))),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Some((7, 0))),
            ("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", Some((15, 13))),
            ("no version here.", None),
        ];
        for (text, expected) in cases {
            assert_eq!(version_in(text), expected, "{text}");
        }
    }
}
