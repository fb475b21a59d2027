//! `cargo xtask drill`, 演练: breaks a live local stack under load, on purpose, and checks every fen of it afterwards.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{Project, show};
use crate::{build, setup};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Names of drills, and what the drills take: --list, --database, --runtime, --seed, --long, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "DRILL ARGUMENTS")]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let project = Project::find()?;
    build::components(&project)?;
    build::host(&project)?;
    eprintln!("Building the drills");
    show(project.cargo("build").args(["--release", "--package", "hongbao-drill"]))?;
    let mut drill = Command::new(project.target().join("release/hongbao-drill"));
    drill.args(&arguments.arguments).current_dir(&project.root).env("HONGBAO_HOST_BIN", project.host());
    // It takes our place: its exit status is the command's.
    Err(drill.exec()).context("cannot start hongbao-drill")
}
