//! `cargo xtask sweep`: the timer that a runtime started by hand lacks. Without it nothing expires.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_stack::Sweeper;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::project::Project;
use crate::token::keys_of;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the application serves
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    base_url: String,
    /// The data folder that holds the keys [default: .hongbao]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The time between two sweeps, in milliseconds
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=60_000), value_name = "MS")]
    every: u64,
    /// Sweep once, and print what was done
    #[arg(long)]
    once: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let data = arguments.data.clone().map_or_else(|| Project::find().map(|project| project.data()), Ok)?;
    let (base_url, keys) = (arguments.base_url.trim_end_matches('/').to_owned(), keys_of(&data)?);
    if arguments.once {
        println!("{}", hongbao_stack::sweep(&base_url, &keys)?);
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen to signals")?;
    // The first one is waited for, so that a wrong address or key is said at once.
    hongbao_stack::sweep(&base_url, &keys)?;
    println!("Sweeping {base_url} every {} ms. Ctrl-C stops it.", arguments.every);
    let _sweeper = Sweeper::start(base_url, keys, Duration::from_millis(arguments.every), |text| eprintln!("{text}"))?;
    signals.forever().next();
    Ok(())
}
