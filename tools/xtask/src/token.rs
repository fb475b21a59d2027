//! `cargo xtask token`: a token for the local stack, on standard output.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_stack::{Grant, Keys};

use crate::project::Project;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Whose token it is
    #[arg(long, default_value = "us_alice", value_name = "ID")]
    user: String,
    /// The groups that the user is a member of
    #[arg(long, value_delimiter = ',', default_value = "g_demo", value_name = "ID,…")]
    groups: Vec<String>,
    /// An operator's token, for /v1/admin, /metrics and /internal
    #[arg(long)]
    operator: bool,
    /// A company's token, which may send to more people
    #[arg(long, conflicts_with = "operator")]
    company: bool,
    /// How long it is valid, in minutes
    #[arg(long, default_value_t = 720, value_parser = clap::value_parser!(u32).range(1..=525_600), value_name = "MINUTES")]
    ttl: u32,
    /// The data folder of the stack [default: .hongbao]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let data = arguments.data.clone().map_or_else(|| Project::find().map(|project| project.data()), Ok)?;
    let groups: Vec<&str> = arguments.groups.iter().map(String::as_str).collect();
    let ttl = Duration::from_secs(60 * u64::from(arguments.ttl));
    let grant = if arguments.operator {
        Grant { ttl, ..Grant::operator("operator") }
    } else {
        Grant { ttl, company: arguments.company, ..Grant::person(&arguments.user, &groups) }
    };
    println!("{}", keys_of(&data)?.token(&grant)?);
    Ok(())
}

/// The keys of the stack whose data folder is `data`. A token signed with other keys would be refused by every stack,
/// so none are made here.
///
/// # Errors
/// Occurs when no stack keeps its keys there.
pub(crate) fn keys_of(data: &Path) -> Result<Keys> {
    let folder = data.join("keys");
    Keys::load(&folder).with_context(|| {
        let folder = folder.display();
        format!("no stack keeps its keys in {folder}: start one with `cargo xtask up`, or name its folder with --data")
    })
}
