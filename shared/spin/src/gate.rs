//! The operators' controls on the way of every request: who is blocked, what is switched off or given up under load,
//! which shards take new packets, what the risk rules do.
//!
//! The ledger has them; each instance keeps a copy for at most a second. A request must not wait for the ledger, so it
//! takes its copy from a shard, where operators and the sweep leave one.
//!
//! **Invariant:** a copy never decides about money. With no copy to be had, nobody is blocked and everything is on.

use core::time::Duration;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_util::future::join_all;
use hongbao_core::admit::{Level, Operation, Rates};
use hongbao_core::risk::{Rule, Rules};
use hongbao_core::route::USUAL_WEIGHT;
use hongbao_core::{Error, UserId};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::count::Count;
use crate::shard::Shard;
use crate::sql::{PATIENCE, SOON};

/// How long a copy is good for, in milliseconds.
const FRESH_MS: i64 = 1_000;
/// The ledger, among what did not answer.
pub(crate) const LEDGER: &str = "ledger";
/// The most blocked users that a copy names; with more, each user is looked up.
const BLOCKED_MAX: i64 = 1_000;

/// The controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Controls {
    /// Whether packets can be wrapped and sent.
    pub sends: bool,
    /// Who is blocked, as far as there is room.
    pub blocked: BTreeSet<String>,
    /// Whether more users are blocked.
    pub more: bool,
    /// The level of the ladder that an operator has set; none: by load.
    pub ladder: Option<i64>,
    /// The level that the load asks for.
    pub by_load: i64,
    /// How much shards weigh, where it is not the usual.
    pub weights: BTreeMap<u16, u32>,
    /// What risk rules do, by id, where an operator has set it.
    pub rules: BTreeMap<String, String>,
}

impl Default for Controls {
    /// Nobody is blocked and everything is on.
    fn default() -> Self {
        Self {
            sends: true,
            blocked: BTreeSet::new(),
            more: false,
            ladder: None,
            by_load: 0,
            weights: BTreeMap::new(),
            rules: BTreeMap::new(),
        }
    }
}

impl Controls {
    /// The level of the ladder that holds.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::numbered(self.ladder.unwrap_or(self.by_load)).unwrap_or_default()
    }

    /// How much a shard weighs when a new packet is placed.
    #[must_use]
    pub fn weight(&self, shard: u16) -> u32 {
        self.weights.get(&shard).copied().unwrap_or(USUAL_WEIGHT)
    }

    /// The risk rules: `base`, and what operators have set.
    #[must_use]
    pub fn rules(&self, base: &Rules) -> Rules {
        let mut rules = base.clone();
        for (id, value) in &self.rules {
            if let Some(rule) = Rule::parse(id) {
                // What operators set was checked then.
                let _ = rules.set(rule, value);
            }
        }
        rules
    }

    /// Reads one setting, as operators have set it: `ladder`, `weight:<shard>`, `rule:<id>`.
    fn set(&mut self, name: &str, value: String) {
        match name.split_once(':') {
            None if name == "ladder" => self.ladder = value.parse().ok(),
            Some(("weight", shard)) => {
                if let (Ok(shard), Ok(weight)) = (shard.parse(), value.parse()) {
                    self.weights.insert(shard, weight);
                }
            }
            Some(("rule", id)) => self.rules.extend([(id.to_owned(), value)]),
            _ => {}
        }
    }
}

/// An instance's copy of the controls.
#[derive(Default)]
pub struct Gate {
    copy: RefCell<Rc<Copy>>,
    read_at_ms: Cell<Option<i64>>,
}

/// A copy, and the rules that follow from it.
#[derive(Default)]
pub(crate) struct Copy {
    pub(crate) controls: Controls,
    rules: OnceCell<Rules>,
}

impl Copy {
    /// The risk rules: `base`, and what operators have set.
    pub(crate) fn rules(&self, base: &Rules) -> &Rules {
        self.rules.get_or_init(|| self.controls.rules(base))
    }
}

impl App {
    /// Refuses who may not send, and everybody while sending is switched off or given up.
    ///
    /// # Errors
    /// [`Error::Blocked`], [`Error::Degraded`].
    pub async fn may_send(&self, user: &UserId) -> Result<(), Error> {
        let copy = self.controls(None).await;
        if self.is_blocked(&copy.controls, user).await {
            return Err(Error::Blocked);
        }
        if !copy.controls.sends {
            return Err(Error::Degraded);
        }
        self.serves(&copy.controls, Operation::Send)
    }

    /// Refuses who may not grab from a packet on `shard` (none: one that lives in the ledger), and everybody while
    /// grabbing is given up.
    ///
    /// # Errors
    /// [`Error::Blocked`], [`Error::Degraded`].
    pub(crate) async fn may_grab(&self, user: &UserId, shard: Option<&Shard>) -> Result<Rc<Copy>, Error> {
        let copy = self.controls(shard).await;
        if self.is_blocked(&copy.controls, user).await {
            return Err(Error::Blocked);
        }
        self.serves(&copy.controls, Operation::Grab)?;
        Ok(copy)
    }

    /// Refuses development logins above the rates. The first shard counts them, and nobody while it is away.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn may_log_in(&self, user: &UserId, rates: &Rates) -> Result<(), Error> {
        let Some(first) = self.shards().first() else { return Ok(()) };
        match first.admit_login(user, rates).await {
            Err(limited @ Error::RateLimited { .. }) => Err(limited),
            Err(Error::Unavailable(_)) | Ok(()) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Refuses history and details while they are given up.
    ///
    /// # Errors
    /// [`Error::Degraded`].
    pub async fn may_look_back(&self) -> Result<(), Error> {
        let copy = self.controls(None).await;
        self.serves(&copy.controls, Operation::History)
    }

    fn serves(&self, controls: &Controls, operation: Operation) -> Result<(), Error> {
        if controls.level().sheds(operation) {
            self.counts.add(Count::Shed);
            return Err(Error::Degraded);
        }
        Ok(())
    }

    async fn is_blocked(&self, controls: &Controls, user: &UserId) -> bool {
        if controls.blocked.contains(user.as_str()) {
            return true;
        }
        // Only a very long blacklist is worth a look at the ledger; when it does not answer, the user passes.
        let is_long = controls.more && controls.blocked.last().is_some_and(|last| last.as_str() < user.as_str());
        is_long && self.blocked_by_ledger(user).await.unwrap_or(false)
    }

    async fn blocked_by_ledger(&self, user: &UserId) -> Result<bool, Error> {
        Ok(self.ledger().await?.blocked(user).await?.blocked)
    }

    /// The controls, at most a second old: from memory, else from the shard `near`, or any that answers, else from the
    /// ledger.
    pub(crate) async fn controls(&self, near: Option<&Shard>) -> Rc<Copy> {
        let (gate, now_ms) = (&self.gate, self.now_ms());
        let is_fresh = |read_at_ms: i64| (read_at_ms..read_at_ms.saturating_add(FRESH_MS)).contains(&now_ms);
        if gate.read_at_ms.get().is_some_and(is_fresh) {
            self.counts.add(Count::ControlsHit);
            return gate.copy.borrow().clone();
        }
        self.counts.add(Count::ControlsMiss);
        if gate.read_at_ms.get().is_some() {
            gate.read_at_ms.set(Some(now_ms)); // One request reads; the others take the old copy meanwhile.
        }
        let near = near.or_else(|| self.shards().iter().find(|shard| !shard.is_away(now_ms)));
        let left = match near {
            Some(shard) => shard.controls().await.ok().flatten().and_then(|text| serde_json::from_str(&text).ok()),
            None => None,
        };
        let read = match left {
            Some(controls) => Ok(controls),
            None => self.controls_of_ledger(SOON).await,
        };
        match read {
            Ok(controls) if gate.copy.borrow().controls == controls => {}
            Ok(controls) => *gate.copy.borrow_mut() = Rc::new(Copy { controls, rules: OnceCell::new() }),
            Err(error) => eprintln!("the controls stay as they were: {error:?}"),
        }
        gate.read_at_ms.set(Some(self.now_ms()));
        gate.copy.borrow().clone()
    }

    /// The controls as the ledger has them: all but what the load asks for.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer within `bound`.
    pub async fn controls_of_ledger(&self, bound: Duration) -> Result<Controls, Error> {
        let mut controls = Controls::default();
        for (kind, name, value) in self.ledger().await?.controls(BLOCKED_MAX.saturating_add(1), bound).await? {
            match (kind.as_str(), name.as_str()) {
                ("switch", "sends") => controls.sends = value == "1",
                ("setting", _) => controls.set(&name, value),
                ("blocked", _) if controls.blocked.len() >= BLOCKED_MAX.unsigned_abs().try_into().unwrap_or(0) => {
                    controls.more = true;
                }
                ("blocked", _) => controls.blocked.extend([name]),
                _ => {}
            }
        }
        Ok(controls)
    }

    /// The controls as operators are shown them: the ledger's, or while that does not answer the copy of a shard; and
    /// what is missing, then.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when neither has any.
    pub async fn controls_to_show(&self) -> Result<(Controls, Vec<String>), Error> {
        let of_ledger = async {
            self.ledger_soon().await?;
            self.controls_of_ledger(PATIENCE).await
        };
        match of_ledger.await {
            Ok(controls) => Ok((controls, vec![])),
            Err(away) => Ok((self.controls_of_shards().await.ok_or(away)?, vec![LEDGER.to_owned()])),
        }
    }

    /// The copy of the first shard that has one.
    async fn controls_of_shards(&self) -> Option<Controls> {
        let copies = join_all(self.shards().iter().map(Shard::controls)).await;
        copies.into_iter().find_map(|copy| serde_json::from_str(&copy.ok()??).ok())
    }

    /// The level that the journals ask for.
    pub(crate) async fn level_by_load(&self) -> i64 {
        let waiting = join_all(self.shards().iter().map(|shard| shard.pulse(self.now_ms()))).await;
        waiting.into_iter().flatten().map(|waiting| Level::of_backlog(waiting).number()).max().unwrap_or_default()
    }

    /// Leaves a copy of the controls on every shard that answers, with the level that their journals ask for; answers
    /// the controls.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn publish_controls(&self) -> Result<Controls, Error> {
        let mut controls = self.controls_of_ledger(PATIENCE).await?;
        controls.by_load = self.level_by_load().await;
        let text = serde_json::to_string(&controls).map_err(|error| Error::Internal(error.to_string()))?;
        // Side by side: shards that hang cost their deadline once, however many they are.
        let left = join_all(self.shards().iter().map(|shard| shard.leave_controls(&text))).await;
        for (shard, left) in self.shards().iter().zip(left) {
            if let Err(error) = left {
                eprintln!("shard {} has an old copy of the controls until the next sweep: {error:?}", shard.number);
            }
        }
        Ok(controls)
    }
}
