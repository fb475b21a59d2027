//! The commands of this project: `cargo xtask …`.
//!
//! Each command is one file. What is missing on the machine is installed by whichever command needs it
//! first ([`setup`]); servers are started by the library `hongbao-stack`, which the tests use as well.

mod bench;
mod build;
mod contract;
mod demo;
mod doctor;
mod drill;
mod guests;
mod http;
mod keys;
mod migrate;
mod progress;
mod project;
mod reconcile;
mod setup;
mod spin;
mod sweep;
mod test;
mod token;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Hongbao's commands. `cargo xtask up` serves a working system; `cargo xtask test` proves it.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing: the WebAssembly targets and Redis. Every other command does this by itself
    Setup,
    /// Build the components and the host that runs them
    Build(build::Arguments),
    /// Start everything and serve until Ctrl-C
    Up(up::Arguments),
    /// Play an evening of red packets on a fresh stack and check every fen of it
    Demo(demo::Arguments),
    /// Break a live stack under load, on purpose, and check every fen of it (演练)
    Drill(drill::Arguments),
    /// Measure it against an empty handler, a plain service and Redis alone
    Bench(bench::Arguments),
    /// Run all tests and lints, or one part of them
    Test(test::Arguments),
    /// Bring the schema of a PostgreSQL up to date, with its owner's rights
    Migrate(migrate::Arguments),
    /// Say whether the books of a running system are sound
    Reconcile(reconcile::Arguments),
    /// Print a token for the local stack
    Token(token::Arguments),
    /// Print the local stack's keys as variables for a runtime started by hand
    Keys(keys::Arguments),
    /// Call the sweep at intervals, for a runtime started by hand
    Sweep(sweep::Arguments),
    /// Say what is missing or malformed, and how to get it right
    Doctor(doctor::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Setup => setup::run(),
        Command::Build(arguments) => build::run(&arguments),
        Command::Up(arguments) => up::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Drill(arguments) => drill::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Reconcile(arguments) => reconcile::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
