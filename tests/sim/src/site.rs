//! Everything of one run in one place: the machines, the processes of the application, and what people wrote down.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use hongbao_core::draft::Limits;
use hongbao_core::sign::SigningKey;
use hongbao_core::token::{AUDIENCE_PEOPLE, Key};
use hongbao_spin::App;
use hongbao_spin::app::{Parts, Policy};
use hongbao_spin::ledger::{Ledger, Statements};
use hongbao_spin::shard::Shard;
use rusqlite::Connection;

use crate::canary::Seam;
use crate::checker::{Fault, Line};
use crate::database::{Client, Store};
use crate::fault::Faults;
use crate::link::{Link, Machine, Reach};
use crate::redis::Server;
use crate::world::{ProcessId, World};

/// How many instances answer people's requests.
pub const REPLICAS: usize = 3;

/// One run.
pub struct Site {
    /// The tasks and the clock.
    pub world: Rc<World>,
    /// What goes wrong.
    pub faults: Faults,
    /// The shards of Redis.
    pub machines: Vec<Machine>,
    /// SQL.
    pub store: Store,
    /// The seeded bug, where there is one.
    pub seam: Rc<Seam>,
    /// How far the application's clock is ahead of the true time, in milliseconds.
    pub app_ahead_ms: Cell<i64>,
    /// What people asked and were answered, and what was done to the machines.
    pub history: RefCell<Vec<Line>>,
    /// What broke in a way that needs no checker: a task that never ended, an answer of 500.
    pub complaints: RefCell<Vec<String>>,
    /// How long packets stay in Redis after they have ended.
    pub retention_ms: i64,
    /// Doorbells that the settlement has not answered.
    pub bells: RefCell<VecDeque<usize>>,
    /// The instances that answer people.
    replicas: Vec<RefCell<Option<Instance>>>,
    next_process: Cell<ProcessId>,
    dead: RefCell<BTreeMap<ProcessId, u64>>,
}

/// One instance of the application: its memory, and the process it dies with.
#[derive(Clone)]
pub struct Instance {
    /// Its process.
    pub process: ProcessId,
    /// Its state.
    pub app: Rc<App>,
}

impl Site {
    /// A run with so many shards, over a copy of a prepared database.
    #[must_use]
    pub fn new(world: &Rc<World>, faults: Faults, shards: usize, prepared: &Connection, seam: &Rc<Seam>) -> Rc<Self> {
        let machine = |number: usize| {
            let server = Server::start(run_id(world, number), seam.lua.clone());
            Machine {
                server: RefCell::new(server),
                reach: Cell::new(Reach::Up),
                slow_us: Cell::new(0),
                has_lost: Cell::new(false),
                ahead_us: world.random.below(2_000_000),
            }
        };
        Rc::new(Self {
            world: world.clone(),
            faults,
            machines: (0..shards).map(machine).collect(),
            store: Store::copy(prepared, seam),
            seam: seam.clone(),
            app_ahead_ms: Cell::new(0),
            history: RefCell::default(),
            complaints: RefCell::default(),
            retention_ms: if world.random.below(4) == 0 { 3_600_000 } else { 0 },
            bells: RefCell::default(),
            replicas: (0..REPLICAS).map(|_| RefCell::default()).collect(),
            next_process: Cell::new(1),
            dead: RefCell::default(),
        })
    }

    /// The application's clock: Unix milliseconds.
    #[must_use]
    pub fn app_now_ms(&self) -> i64 {
        self.world.now_ms() + self.app_ahead_ms.get()
    }

    /// A new instance with nothing in its memory.
    #[must_use]
    pub fn instance(self: &Rc<Self>) -> Instance {
        let process = self.next_process.get();
        self.next_process.set(process + 1);
        let link = |shard: usize| Link { site: self.clone(), shard, process, connection: RefCell::default() };
        let shard = |number: usize| Shard::new(u16::try_from(number).unwrap_or_default(), Box::new(link(number)));
        let (clock, random, world) = (self.clone(), self.world.random.fork(), self.world.clone());
        let app = App::new(Parts {
            shards: (0..self.machines.len()).map(shard).collect(),
            ledger: Ledger::new(Box::new(Client { site: self.clone(), process }), &Statements::SQLITE),
            signing_keys: Some(SigningKey::new(&[7; 32]).into()),
            jwt_keys: Key::hs256("sim", AUDIENCE_PEOPLE, &[7; 32]).into_iter().collect(),
            limits: Some(LIMITS),
            policy: Some(Policy::default()),
            retention_ms: Some(self.retention_ms),
            now_ms: Box::new(move || clock.app_now_ms()),
            random_u64: Box::new(move || random.bits()),
            pause: Box::new(move |time| {
                let world = world.clone();
                Box::pin(async move { world.sleep_us(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)).await })
            }),
        });
        Instance { process, app: Rc::new(app) }
    }

    /// The instance behind a replica; nothing while its process is dead.
    pub fn replica(self: &Rc<Self>, number: usize) -> Option<Instance> {
        let mut replica = self.replicas[number].borrow_mut();
        let is_old = self.faults.strike(self.faults.mix.recycle);
        if let Some(instance) = replica.as_ref().filter(|_| !is_old) {
            let back_at_us = self.dead.borrow().get(&instance.process).copied();
            match back_at_us {
                None => return Some(instance.clone()),
                Some(at_us) if self.world.now_us() < at_us => return None,
                Some(_) => {}
            }
        }
        // The platform drops instances now and then: who still works in the old one goes on.
        let instance = self.instance();
        *replica = Some(instance.clone());
        Some(instance)
    }

    /// What happens at every call outside: the process may die there.
    pub async fn host_call(&self, process: ProcessId) {
        if self.faults.strike(self.faults.mix.crash) {
            self.kill(process);
            std::future::pending::<()>().await;
        }
    }

    /// Whether a process has died.
    #[must_use]
    pub fn is_dead(&self, process: ProcessId) -> bool {
        self.dead.borrow().contains_key(&process)
    }

    /// Ends a process; its replica comes back a little later.
    pub fn kill(&self, process: ProcessId) {
        self.world.note(|| format!("p{process} dies"));
        let back_at_us = self.world.now_us() + self.world.random.below(1_500_000);
        self.dead.borrow_mut().insert(process, back_at_us);
        self.world.doom(process);
    }

    /// Ends every process that answers people.
    pub fn kill_all(&self) {
        let processes: Vec<ProcessId> =
            self.replicas.iter().filter_map(|replica| Some(replica.borrow().as_ref()?.process)).collect();
        processes.into_iter().for_each(|process| self.kill(process));
    }

    /// A doorbell rings: who listens hears it later, twice or never.
    pub fn ring(self: &Rc<Self>, shard: usize) {
        let mix = &self.faults.mix;
        let times = match (self.faults.loses(mix.bell_lost), self.faults.strike(mix.bell_doubled)) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        for _ in 0..times {
            let site = self.clone();
            self.world.spawn(None, async move {
                site.world.dawdle_us(site.faults.mix.bell_delay_us).await;
                site.bells.borrow_mut().push_back(shard);
            });
        }
    }

    /// Writes down a line of the history.
    pub fn record(&self, line: Line) {
        self.world.note(|| serde_json::to_string(&line).unwrap_or_default());
        self.history.borrow_mut().push(line);
    }

    /// Writes down what was done to a machine, so that the checker knows what may be missing.
    pub fn record_fault(&self, kind: &str, shard: Option<usize>, from_ms: i64) {
        let shard = shard.and_then(|shard| i64::try_from(shard).ok());
        self.record(Line::Fault(Fault { kind: kind.to_owned(), shard, from_ms, at_ms: self.world.now_ms() }));
    }

    /// Entries that wait in the journals.
    #[must_use]
    pub fn backlog(&self) -> usize {
        let waiting = |(number, machine): (usize, &Machine)| {
            let key = format!("hb:{{{number}}}:events");
            machine.server.borrow().data.stream_at(&key).map_or(0, crate::redis::Stream::len)
        };
        self.machines.iter().enumerate().map(waiting).sum()
    }

    /// Lets go of everything that holds on to this run.
    pub fn close(&self) {
        self.world.end();
        self.replicas.iter().for_each(|replica| drop(replica.take()));
    }
}

/// A name for a process of Redis.
pub fn run_id(world: &World, number: usize) -> String {
    format!("{:016x}{:016x}{number:08x}", world.random.bits(), world.random.bits())
}

/// Limits that a workload meets now and then.
const LIMITS: Limits = Limits {
    share_average_fen: 20_000,
    count: 100,
    count_company: 10_000,
    daily_send_fen: 2_000_000,
    daily_send_count: 50,
};
