//! The operators' controls on the way of every request: who is blocked, and whether packets can be sent.
//!
//! The ledger has them; each instance keeps a copy for at most a second. A grab must not wait for the ledger, so it
//! takes its copy from the packet's own shard, where operators and the sweep leave one.
//!
//! **Invariant:** a copy never decides about money. With no copy to be had, nobody is blocked and everything is on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use hongbao_core::{Error, UserId};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::shard::Shard;

/// How long a copy is good for, in milliseconds.
const FRESH_MS: i64 = 1_000;
/// The most blocked users that a copy names; with more, each user is looked up.
const BLOCKED_MAX: i64 = 1_000;

/// The controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controls {
    /// Whether packets can be wrapped and sent.
    pub sends: bool,
    /// Who is blocked, as far as there is room.
    pub blocked: BTreeSet<String>,
    /// Whether more users are blocked.
    pub more: bool,
}

impl Default for Controls {
    /// Nobody is blocked and everything is on.
    fn default() -> Self {
        Self { sends: true, blocked: BTreeSet::new(), more: false }
    }
}

/// An instance's copy of the controls.
#[derive(Default)]
pub struct Gate {
    copy: RefCell<Rc<Controls>>,
    read_at_ms: Cell<Option<i64>>,
}

impl App {
    /// Refuses who may not send, and everybody while sending is switched off.
    ///
    /// # Errors
    /// [`Error::Blocked`], [`Error::Degraded`].
    pub async fn may_send(&self, user: &UserId) -> Result<(), Error> {
        let controls = self.controls(None).await;
        if self.is_blocked(&controls, user).await {
            return Err(Error::Blocked);
        }
        if controls.sends { Ok(()) } else { Err(Error::Degraded) }
    }

    /// Refuses who may not grab from a packet on `shard` (none: one that lives in the ledger).
    ///
    /// # Errors
    /// [`Error::Blocked`].
    pub async fn may_grab(&self, user: &UserId, shard: Option<&Shard>) -> Result<(), Error> {
        let controls = self.controls(shard).await;
        if self.is_blocked(&controls, user).await { Err(Error::Blocked) } else { Ok(()) }
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

    /// The controls, at most a second old: from memory, else from `near`, else from the ledger.
    async fn controls(&self, near: Option<&Shard>) -> Rc<Controls> {
        let (gate, now_ms) = (&self.gate, self.now_ms());
        let is_fresh = |read_at_ms: i64| (read_at_ms..read_at_ms.saturating_add(FRESH_MS)).contains(&now_ms);
        if gate.read_at_ms.get().is_some_and(is_fresh) {
            return gate.copy.borrow().clone();
        }
        if gate.read_at_ms.get().is_some() {
            gate.read_at_ms.set(Some(now_ms)); // One request reads; the others take the old copy meanwhile.
        }
        let left = match near {
            Some(shard) => shard.controls().await.ok().flatten().and_then(|text| serde_json::from_str(&text).ok()),
            None => None,
        };
        let read = match left {
            Some(controls) => Ok(controls),
            None => self.controls_of_ledger().await,
        };
        match read {
            Ok(controls) => *gate.copy.borrow_mut() = Rc::new(controls),
            Err(error) => eprintln!("the controls stay as they were: {error:?}"),
        }
        gate.read_at_ms.set(Some(self.now_ms()));
        gate.copy.borrow().clone()
    }

    /// The controls as the ledger has them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer soon.
    pub async fn controls_of_ledger(&self) -> Result<Controls, Error> {
        let mut controls = Controls::default();
        for (kind, name, is_on) in self.ledger().await?.controls(BLOCKED_MAX.saturating_add(1)).await? {
            match (kind.as_str(), name.as_str()) {
                ("switch", "sends") => controls.sends = is_on,
                ("blocked", _) if controls.blocked.len() >= BLOCKED_MAX.unsigned_abs().try_into().unwrap_or(0) => {
                    controls.more = true;
                }
                ("blocked", _) => controls.blocked.extend([name]),
                _ => {}
            }
        }
        Ok(controls)
    }

    /// Leaves a copy of the controls on every shard that answers; answers the controls.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn publish_controls(&self) -> Result<Controls, Error> {
        let controls = self.controls_of_ledger().await?;
        let text = serde_json::to_string(&controls).map_err(|error| Error::Internal(error.to_string()))?;
        for shard in self.shards() {
            if let Err(error) = shard.leave_controls(&text).await {
                eprintln!("shard {} has an old copy of the controls until the next sweep: {error:?}", shard.number);
            }
        }
        Ok(controls)
    }
}
