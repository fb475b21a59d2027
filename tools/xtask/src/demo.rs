//! `cargo xtask demo`: an evening of red packets on a fresh stack; its last line says whether a fen is astray.

use anyhow::Result;
use hongbao_stack::Runtime;

use crate::project::Project;
use crate::{build, setup, spin};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What runs the components; comes first
    #[arg(long, default_value = "host")]
    runtime: spin::Choice,
    /// What the demo takes: --users, --packets, --seed, --crash, --base-url, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "DEMO ARGUMENTS")]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let project = Project::find()?;
    let mut more = arguments.arguments.clone();
    if let Runtime::Spin(path) = spin::runtime(Some(arguments.runtime), &project)? {
        more.extend(["--spin".to_owned(), path.to_string_lossy().into_owned()]);
    }
    build::hand_over("hongbao-demo", &more)
}
