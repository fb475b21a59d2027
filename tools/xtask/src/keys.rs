//! `cargo xtask keys`: the keys of the local stack as environment variables of a runtime that is started by hand.

use std::path::PathBuf;

use anyhow::Result;
use hongbao_stack::Keys;

use crate::project::Project;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The data folder that holds the keys; they are made there at the first call [default: .hongbao]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Prints lines for a shell: `eval "$(cargo xtask keys)"`. A runtime that has these variables accepts the tokens of
/// `cargo xtask token`; with keys that its ledger made for itself nobody has an operator's token.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let data = arguments.data.clone().map_or_else(|| Project::find().map(|project| project.data()), Ok)?;
    let keys = Keys::load_or_make(&data.join("keys"))?;
    println!("export SPIN_VARIABLE_SIGNING_KEY='{}'", keys.signing_key());
    println!("export SPIN_VARIABLE_JWT_KEYS='{}'", keys.jwt_keys());
    Ok(())
}
