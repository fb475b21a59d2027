//! `cargo xtask drill`, 演练: breaks a live local stack under load, on purpose, and checks every fen of it afterwards.

use anyhow::Result;

use crate::build;

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Names of drills, and what the drills take: --list, --database, --runtime, --seed, --long, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "DRILL ARGUMENTS")]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build::hand_over("hongbao-drill", &arguments.arguments)
}
