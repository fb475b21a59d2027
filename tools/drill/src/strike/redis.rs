//! Redis: gone, silent, short of memory, or back with other contents than it had.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hongbao_stack::Redis;
use redis::Connection;

use crate::site::Site;
use crate::strike::sql;

/// The most that is cut off the end: a few scripts' worth, not settled yet with luck.
const TAIL_BYTES: u64 = 3_000;

pub(crate) fn connect(redis: &Redis) -> Result<Connection> {
    redis::Client::open(redis.url())?.get_connection().context("no connection to Redis")
}

pub(crate) fn kill(site: &mut Site<'_>) -> Result<()> {
    site.broken("Redis is killed (SIGKILL)", |site| {
        site.stack.redis[0].kill();
        site.hold(3_000);
        site.stack.redis[0].restart()
    })
}

pub(crate) fn pause(site: &mut Site<'_>) -> Result<()> {
    site.broken("Redis is frozen (SIGSTOP)", |site| {
        site.stack.redis[0].pause();
        site.hold(4_000);
        site.stack.redis[0].resume();
        Ok(())
    })
}

/// First near its end, where little is lost; then the same while nothing can be settled, so that what is lost is
/// nowhere else; then anywhere.
pub(crate) fn cut(site: &mut Site<'_>) -> Result<()> {
    site.broken("Redis is killed and its append-only file cut near its end", |site| cut_once(site, true))?;
    site.hold(3_000);
    site.broken("the ledger is away while Redis' file is cut near its end again", |site| {
        let lock = sql::take_away(site)?;
        site.hold(1_500);
        cut_once(site, true)?;
        site.hold(500);
        sql::give_back(site, lock)
    })?;
    site.hold(3_000);
    site.broken("Redis is killed and its append-only file cut anywhere", |site| cut_once(site, false))
}

fn cut_once(site: &mut Site<'_>, is_near_end: bool) -> Result<()> {
    site.stack.redis[0].kill();
    let path = journal(&site.stack.redis[0])?;
    let file = fs::OpenOptions::new().write(true).open(&path)?;
    let bytes = file.metadata()?.len();
    let from = if is_near_end { bytes.saturating_sub(TAIL_BYTES) } else { 0 };
    let kept = site.random.u64(from..=bytes);
    file.set_len(kept)?;
    site.say(&format!("{kept} of {bytes} bytes are left"));
    // `aof-load-truncated` is on by default: a torn last command is dropped.
    site.stack.redis[0].restart()
}

/// Once under its feet, once while it is away.
pub(crate) fn empty(site: &mut Site<'_>) -> Result<()> {
    site.broken("FLUSHALL", |site| Ok(redis::cmd("FLUSHALL").exec(&mut connect(&site.stack.redis[0])?)?))?;
    site.hold(3_000);
    site.broken("Redis is killed and its data deleted", |site| {
        site.stack.redis[0].forget()?;
        site.stack.redis[0].restart()
    })
}

pub(crate) fn old_copy(site: &mut Site<'_>) -> Result<()> {
    let data = site.stack.redis[0].dir().join("appendonlydir");
    let old = site.stack.redis[0].dir().join("old-copy");
    copy(&data, &old)?;
    site.say("a copy of Redis' data is taken");
    site.hold(4_000);
    site.broken("Redis is killed and comes back with the old copy", |site| {
        site.stack.redis[0].forget()?;
        copy(&old, &data)?;
        site.stack.redis[0].restart()
    })
}

/// Below what it holds already: every script that writes is refused.
pub(crate) fn fill(site: &mut Site<'_>) -> Result<()> {
    let mut redis = connect(&site.stack.redis[0])?;
    let mut limit = move |bytes: &str| redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(bytes).exec(&mut redis);
    site.broken("Redis' memory is full", |site| {
        limit("1mb")?;
        site.hold(4_000);
        Ok(limit("0")?)
    })
}

/// The newest part of the append-only file.
fn journal(redis: &Redis) -> Result<PathBuf> {
    let files = fs::read_dir(redis.dir().join("appendonlydir"))?.flatten().map(|entry| entry.path());
    let parts = files.filter(|path| path.to_string_lossy().ends_with(".incr.aof"));
    parts.max().context("Redis keeps no append-only file")
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
