//! `cargo xtask build`: the components for WebAssembly, the host for this machine.

use std::fs;

use anyhow::{Context, Result};

use crate::project::{COMPONENT_PROFILE, COMPONENT_TARGET, Project, show};
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
    let names = project.components()?;
    eprintln!("Building {} components: {}", names.len(), names.join(", "));
    let mut cargo = project.cargo("build");
    cargo.args(["--profile", COMPONENT_PROFILE, "--target", COMPONENT_TARGET]);
    names.iter().for_each(|name| _ = cargo.args(["--package", name]));
    show(&mut cargo)
}

/// The host that runs them where Spin is not installed.
pub(crate) fn host(project: &Project) -> Result<()> {
    eprintln!("Building the host");
    show(project.cargo("build").args(["--release", "--package", "hongbao-host"]))
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
