//! All drills.

use anyhow::Result;
use hongbao_stack::StackOptions;

use crate::site::Site;
use crate::strike::{bell, clock, host, redis, sql};

/// One drill.
pub(crate) struct Drill {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) strike: fn(&mut Site<'_>) -> Result<()>,
    /// What the stack must be started with.
    pub(crate) shape: fn(&mut StackOptions),
    pub(crate) needs: Needs,
    /// Whether Redis loses what it had answered: then vouchers are receipts, and an operator may have to decide.
    pub(crate) loses: bool,
    /// Whether nobody can answer for a while, because that is what is broken.
    pub(crate) silences: bool,
    /// How long the longest answer may take, in milliseconds.
    pub(crate) bound_ms: u64,
    /// About how long the strike takes, in seconds.
    pub(crate) lasts_s: u64,
}

/// What a drill cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A server to be killed: whatever database was asked for, this one it is.
    Postgres,
    /// The project's own host, whose clock can be set.
    Host,
}

/// No answer takes longer, however broken what is below: a few deadlines in a row, on a busy machine.
const BOUND_MS: u64 = 8_000;

const PLAIN: Drill = Drill {
    name: "",
    about: "",
    strike: |_| Ok(()),
    shape: |_| (),
    needs: Needs::Nothing,
    loses: false,
    silences: false,
    bound_ms: BOUND_MS,
    lasts_s: 5,
};

/// In the order in which they run.
pub(crate) const DRILLS: [Drill; 14] = [
    Drill {
        name: "kill-host",
        about: "kill -9 the host, twice",
        strike: host::kill,
        silences: true,
        lasts_s: 10,
        ..PLAIN
    },
    Drill {
        name: "pause-host",
        about: "freeze the host",
        strike: host::pause,
        bound_ms: BOUND_MS + host::PAUSED_MS,
        ..PLAIN
    },
    Drill { name: "kill-redis", about: "kill -9 Redis; its data stays", strike: redis::kill, ..PLAIN },
    Drill { name: "pause-redis", about: "freeze Redis", strike: redis::pause, ..PLAIN },
    Drill {
        name: "redis-cut-aof",
        about: "cut Redis' append-only file at random bytes",
        strike: redis::cut,
        loses: true,
        lasts_s: 12,
        ..PLAIN
    },
    Drill {
        name: "redis-empty",
        about: "FLUSHALL, then an emptied data folder",
        strike: redis::empty,
        loses: true,
        lasts_s: 6,
        ..PLAIN
    },
    Drill {
        name: "redis-old-copy",
        about: "put an old copy of Redis' data back",
        strike: redis::old_copy,
        loses: true,
        lasts_s: 6,
        ..PLAIN
    },
    Drill { name: "redis-full", about: "let Redis run out of memory", strike: redis::fill, ..PLAIN },
    Drill {
        name: "bells-doubled",
        about: "ring every doorbell twice and more",
        strike: bell::double,
        lasts_s: 8,
        ..PLAIN
    },
    Drill { name: "bells-dropped", about: "let no doorbell be heard", strike: bell::drop_all, lasts_s: 8, ..PLAIN },
    Drill {
        name: "clock-jump",
        about: "set the host's clock ten minutes ahead, then behind",
        strike: clock::jump,
        shape: clock::shape,
        needs: Needs::Host,
        lasts_s: 13,
        ..PLAIN
    },
    Drill { name: "sql-stop", about: "take the database away for a while", strike: sql::stop, lasts_s: 65, ..PLAIN },
    Drill {
        name: "kill-postgres",
        about: "kill -9 PostgreSQL",
        strike: sql::kill_postgres,
        needs: Needs::Postgres,
        ..PLAIN
    },
    Drill {
        name: "pause-postgres",
        about: "freeze PostgreSQL",
        strike: sql::pause_postgres,
        needs: Needs::Postgres,
        ..PLAIN
    },
];
