//! `cargo xtask demo`: an evening of red packets on a fresh stack; its last line says whether a fen is astray.

use anyhow::Result;

use crate::build;

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// What the demo takes: --users, --packets, --seed, --crash, --base-url, --help
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "DEMO ARGUMENTS")]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build::hand_over("hongbao-demo", &arguments.arguments)
}
