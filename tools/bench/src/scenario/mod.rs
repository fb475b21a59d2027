//! The scenarios, one a file: each puts its load on a running application and says what came of it.

pub(crate) mod crowd;
pub(crate) mod duel;
pub(crate) mod eve;
pub(crate) mod grow;
pub(crate) mod memory;
pub(crate) mod overload;
pub(crate) mod pace;
pub(crate) mod scale;
pub(crate) mod settle;

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;

use crate::people::People;
use crate::progress::Progress;
use crate::site::Site;

/// How much of everything: the whole run, a quick look, or the least that shows that it works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds of the duel.
    pub(crate) rounds: u32,
    /// How long each side of a round lasts.
    pub(crate) side: Duration,
    /// How long a latency is measured.
    pub(crate) paced: Duration,
    /// How long the overload lasts.
    pub(crate) overload: Duration,
    /// How many shares are settled at a time.
    pub(crate) postings: u32,
    /// How many people there are.
    pub(crate) people: u32,
    /// The sizes of packets that are compared.
    pub(crate) sizes: &'static [u32],
    /// The numbers of live packets that are compared.
    pub(crate) live: &'static [u64],
    /// Connections of the closed loops.
    pub(crate) connections: usize,
}

impl Effort {
    pub(crate) const WHOLE: Self = Self {
        rounds: 7,
        side: Duration::from_millis(1_500),
        paced: Duration::from_secs(10),
        overload: Duration::from_secs(30),
        postings: 60_000,
        people: 10_000,
        sizes: &[10, 100, 1_000, 10_000],
        live: &[1_000, 10_000, 100_000, 1_000_000],
        connections: 64,
    };

    pub(crate) const QUICK: Self = Self {
        rounds: 5,
        side: Duration::from_millis(600),
        paced: Duration::from_secs(3),
        overload: Duration::from_secs(5),
        postings: 20_000,
        live: &[1_000, 100_000],
        ..Self::WHOLE
    };

    pub(crate) const SMOKE: Self = Self {
        rounds: 1,
        side: Duration::from_millis(150),
        paced: Duration::from_millis(500),
        overload: Duration::from_millis(500),
        postings: 1_000,
        people: 1_000,
        sizes: &[10, 1_000],
        live: &[1_000],
        connections: 16,
    };
}

/// What every scenario needs.
pub(crate) struct Stage {
    pub(crate) effort: Effort,
    pub(crate) people: Rc<People>,
    pub(crate) progress: Progress,
}

impl Stage {
    /// The same crowd with tokens of another site's keys.
    pub(crate) fn people_of(&self, site: &Site) -> Result<Rc<People>> {
        Ok(Rc::new(People::new(site.stack.keys(), self.effort.people)?))
    }
}
