//! `cargo xtask migrate`: brings the schema of a PostgreSQL up to date, with its owner's rights, so that the
//! application needs only its own.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hongbao_stack::migration::{SCHEMA, migration};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The database and its owner: postgres://OWNER@HOST:PORT/DATABASE. The password may be in PGPASSWORD
    url: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut psql = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &arguments.url])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run psql, PostgreSQL's client")?;
    psql.stdin.take().context("psql has no input")?.write_all(format!("{};\n", migration()).as_bytes())?;
    ensure!(psql.wait()?.success(), "the schema was not changed; what psql says is above");
    println!("The schema is at version {}. A login for the application:", SCHEMA.len());
    println!("  CREATE ROLE … LOGIN PASSWORD '…' IN ROLE hongbao_app");
    Ok(())
}
