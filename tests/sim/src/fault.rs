//! What goes wrong in a run: every seed draws its own mix (a swarm), so that rare combinations come up too.

use std::cell::Cell;
use std::rc::Rc;

use crate::world::World;

/// How often what goes wrong. Chances are in a thousand.
#[derive(Debug, Clone, Default)]
pub struct Mix {
    /// Requests of people that never arrive.
    pub http_lost: u64,
    /// Answers to people that never arrive.
    pub http_answer_lost: u64,
    /// Requests that arrive twice.
    pub http_doubled: u64,
    /// The longest way of a request or an answer, in microseconds; shorter ones overtake.
    pub http_delay_us: u64,
    /// Commands that never reach Redis.
    pub redis_lost: u64,
    /// Commands that ran and whose reply is lost.
    pub redis_answer_lost: u64,
    /// Commands that run after the caller gave up.
    pub redis_late: u64,
    /// The longest way of a command or its reply.
    pub redis_delay_us: u64,
    /// Statements that fail and did nothing.
    pub sql_refused: u64,
    /// Statements that were committed and whose answer is lost.
    pub sql_answer_lost: u64,
    /// Statements that are committed after the caller gave up.
    pub sql_late: u64,
    /// The longest way of a statement or its answer.
    pub sql_delay_us: u64,
    /// Doorbells nobody hears.
    pub bell_lost: u64,
    /// Doorbells heard twice.
    pub bell_doubled: u64,
    /// The longest way of a doorbell.
    pub bell_delay_us: u64,
    /// Processes that die at a call outside.
    pub crash: u64,
    /// Calls outside that only yield: any other task may come first.
    pub recycle: u64,
    /// What happens now and then: which disasters this run has.
    pub disasters: Vec<Disaster>,
    /// The average time between disasters.
    pub calm_ms: u64,
}

/// What happens to a whole server for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disaster {
    /// Most messages of one kind are lost.
    Storm,
    /// Redis' process dies and comes back with all its contents.
    RedisRestart,
    /// Redis refuses connections.
    RedisDown,
    /// Redis takes connections and says nothing.
    RedisHang,
    /// Redis answers slowly.
    RedisSlow,
    /// Redis has no memory left.
    RedisFull,
    /// Redis comes back with its contents of an earlier moment.
    RedisRollback,
    /// Redis comes back empty.
    RedisEmpty,
    /// SQL fails every statement.
    SqlDown,
    /// SQL answers slowly.
    SqlSlow,
    /// The application's clock jumps.
    ClockJump,
    /// Every process of the application dies.
    Blackout,
    /// Somebody writes what no script writes into the journal.
    Poison,
    /// A reader died between deleting what it had settled and acknowledging it.
    Ghosts,
    /// Somebody holds a lock: statements that need one person's wallet fail.
    Lock,
}

impl Disaster {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Storm,
        Self::RedisRestart,
        Self::RedisDown,
        Self::RedisHang,
        Self::RedisSlow,
        Self::RedisFull,
        Self::SqlDown,
        Self::SqlSlow,
        Self::ClockJump,
        Self::Blackout,
        Self::Poison,
        Self::Ghosts,
        Self::Lock,
        Self::RedisRollback,
        Self::RedisEmpty,
    ];
    /// Those after which Redis still holds all that it ever answered.
    pub const KEEPING: &'static [Self] = Self::ALL.split_at(13).0;
}

impl Mix {
    /// The mix of a run, among the disasters `allowed`.
    #[must_use]
    pub fn draw(world: &World, allowed: &[Disaster]) -> Self {
        let random = &world.random;
        // One run in eight is quiet: the rules must hold without any trouble too.
        if random.below(8) == 0 {
            return Self { http_delay_us: 5_000, redis_delay_us: 500, sql_delay_us: 1_000, ..Self::default() };
        }
        let some = |most: u64| if random.below(2) == 0 { 0 } else { random.between(1, most) };
        let delay = |usual: u64, long: u64| if random.below(3) == 0 { random.between(usual, long) } else { usual };
        // A seeded bug that names its disasters needs all of them.
        let is_named = allowed.len() < Disaster::KEEPING.len();
        let disasters = allowed.iter().copied().filter(|_| is_named || random.below(4) == 0).collect();
        Self {
            http_lost: some(300),
            http_answer_lost: some(300),
            http_doubled: some(500),
            http_delay_us: delay(20_000, 1_500_000),
            redis_lost: some(40),
            redis_answer_lost: some(60),
            redis_late: some(30),
            redis_delay_us: delay(800, 60_000),
            sql_refused: some(60),
            sql_answer_lost: some(60),
            sql_late: some(30),
            sql_delay_us: delay(2_000, 200_000),
            bell_lost: if random.below(6) == 0 { 1000 } else { some(600) },
            bell_doubled: some(500),
            bell_delay_us: delay(5_000, 3_000_000),
            crash: some(25),
            recycle: some(100),
            disasters,
            calm_ms: random.between(500, 8_000),
        }
    }
}

/// A run's faults, which end when the time comes for everything to settle.
pub struct Faults {
    /// How often what goes wrong.
    pub mix: Mix,
    world: Rc<World>,
    is_on: Cell<bool>,
    storm: Cell<u64>,
}

impl Faults {
    /// The faults of a run.
    #[must_use]
    pub const fn new(world: Rc<World>, mix: Mix) -> Self {
        Self { mix, world, is_on: Cell::new(true), storm: Cell::new(0) }
    }

    /// Whether it goes wrong this time.
    #[must_use]
    pub fn strike(&self, permille: u64) -> bool {
        self.is_on.get() && self.world.random.permille(permille)
    }

    /// Whether a message is lost this time: more are in a storm.
    #[must_use]
    pub fn loses(&self, permille: u64) -> bool {
        self.strike(permille.max(self.storm.get()))
    }

    /// How many messages a storm loses; 0 ends it.
    pub fn storm(&self, permille: u64) {
        self.storm.set(permille);
    }

    /// Whether faults still happen.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// From now on nothing goes wrong.
    pub fn end(&self) {
        self.is_on.set(false);
        self.storm.set(0);
    }
}
