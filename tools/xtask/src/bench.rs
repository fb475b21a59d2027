//! `cargo xtask bench`: how fast it is, compared with an empty handler, a plain service and Redis alone, in one run.

use anyhow::Result;
use hongbao_stack::Runtime;

use crate::project::Project;
use crate::{build, setup, spin};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What runs the components
    #[arg(long, default_value = "host")]
    runtime: spin::Choice,
    /// What the bench takes: --json, --quick, --out
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "BENCH ARGUMENTS")]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let project = Project::find()?;
    let mut more = arguments.arguments.clone();
    if let Runtime::Spin(path) = spin::runtime(Some(arguments.runtime), &project)? {
        more.extend(["--spin".to_owned(), path.to_string_lossy().into_owned()]);
    }
    build::components_and_empty(&project)?;
    build::host(&project)?;
    build::program(&project, "hongbao-bench")?;
    build::become_program(&project, "hongbao-bench", &more)
}
