//! `cargo xtask demo`: an evening of red packets on a fresh stack; its last line says whether a fen is astray.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{Project, show};
use crate::{build, setup};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What the demo takes: --users, --packets, --seed, --crash, --base-url, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "DEMO ARGUMENTS")]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let project = Project::find()?;
    build::components(&project)?;
    build::host(&project)?;
    eprintln!("Building the demo");
    show(project.cargo("build").args(["--release", "--package", "hongbao-demo"]))?;
    let mut demo = Command::new(project.target().join("release/hongbao-demo"));
    demo.args(&arguments.arguments).current_dir(&project.root).env("HONGBAO_HOST_BIN", project.host());
    // It takes our place: its exit status is the command's.
    Err(demo.exec()).context("cannot start hongbao-demo")
}
