//! The ledger's database: gone, or silent.

use anyhow::{Context, Result};
use hongbao_stack::Postgres;
use rusqlite::Connection;

use crate::books;
use crate::site::Site;

const STOPPED_MS: u64 = 60_000;

fn postgres<'a>(site: &'a mut Site<'_>) -> Result<&'a mut Postgres> {
    site.stack.postgres.as_mut().context("this drill needs --database postgres")
}

pub(crate) fn kill_postgres(site: &mut Site<'_>) -> Result<()> {
    site.broken("PostgreSQL is killed with all its sessions (SIGKILL)", |site| {
        postgres(site)?.kill();
        site.hold(2_000);
        postgres(site)?.restart()
    })
}

pub(crate) fn pause_postgres(site: &mut Site<'_>) -> Result<()> {
    site.broken("PostgreSQL is frozen (SIGSTOP)", |site| {
        postgres(site)?.pause();
        site.hold(5_000);
        postgres(site)?.resume();
        Ok(())
    })
}

/// Long enough for a backlog: PostgreSQL stopped, or SQLite locked by somebody else.
pub(crate) fn stop(site: &mut Site<'_>) -> Result<()> {
    if site.stack.postgres.is_some() {
        return site.broken("PostgreSQL is stopped", |site| {
            postgres(site)?.stop()?;
            site.hold(STOPPED_MS);
            postgres(site)?.restart()
        });
    }
    site.broken("somebody locks the SQLite database", |site| {
        let _lock = books::hold(site.stack)?;
        site.hold(STOPPED_MS);
        Ok(())
    })
}

/// Takes the ledger away until it is given back: PostgreSQL frozen, or SQLite locked.
pub(crate) fn take_away(site: &mut Site<'_>) -> Result<Option<Connection>> {
    match &site.stack.postgres {
        Some(postgres) => postgres.pause(),
        None => return books::hold(site.stack).map(Some),
    }
    Ok(None)
}

pub(crate) fn give_back(site: &mut Site<'_>, lock: Option<Connection>) -> Result<()> {
    drop(lock);
    site.stack.postgres.iter().for_each(Postgres::resume);
    Ok(())
}
