//! `cargo xtask build`: the components for WebAssembly, the host for this machine.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{COMPONENT_PROFILE, COMPONENT_TARGET, EMPTY_COMPONENT, Project, show};
use crate::setup;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print how large each component is
    #[arg(long)]
    sizes: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let project = Project::find()?;
    components(&project)?;
    host(&project)?;
    if arguments.sizes { print_sizes(&project) } else { Ok(()) }
}

/// All components, by one call of cargo: what they share is compiled once.
pub(crate) fn components(project: &Project) -> Result<()> {
    wasm(project, &project.components()?)
}

/// All components, and the bench's own that does nothing.
pub(crate) fn components_and_empty(project: &Project) -> Result<()> {
    let mut names = project.components()?;
    names.push(EMPTY_COMPONENT.to_owned());
    wasm(project, &names)
}

fn wasm(project: &Project, names: &[String]) -> Result<()> {
    eprintln!("Building {} components: {}", names.len(), names.join(", "));
    let mut cargo = project.cargo("build");
    cargo.args(["--profile", COMPONENT_PROFILE, "--target", COMPONENT_TARGET]);
    names.iter().for_each(|name| _ = cargo.args(["--package", name]));
    show(&mut cargo)
}

/// The host that runs them where Spin is not installed.
pub(crate) fn host(project: &Project) -> Result<()> {
    program(project, "hongbao-host")
}

/// One of the project's programs for this machine.
pub(crate) fn program(project: &Project, name: &str) -> Result<()> {
    eprintln!("Building {name}");
    show(project.native("build")?.args(["--bin", name]))
}

/// Builds everything, and lets the program `name` take our place: its exit status is the command's.
pub(crate) fn hand_over(name: &str, arguments: &[String]) -> Result<()> {
    setup::run()?;
    let project = Project::find()?;
    components(&project)?;
    host(&project)?;
    program(&project, name)?;
    become_program(&project, name, arguments)
}

/// Lets the program `name` take our place: its exit status is the command's.
pub(crate) fn become_program(project: &Project, name: &str, arguments: &[String]) -> Result<()> {
    let mut program = Command::new(project.program(name));
    program.args(arguments).current_dir(&project.root).env("HONGBAO_HOST_BIN", project.host());
    Err(program.exec()).with_context(|| format!("cannot start {name}"))
}

fn print_sizes(project: &Project) -> Result<()> {
    let mut sum = 0;
    for name in project.components()? {
        let path = project.wasm(&name);
        let bytes = fs::metadata(&path).with_context(|| format!("{} was not built", path.display()))?.len();
        println!("{name:<12} {:>7} KiB", bytes / 1024);
        sum += bytes;
    }
    println!("{:<12} {:>7} KiB", "together", sum / 1024);
    Ok(())
}
