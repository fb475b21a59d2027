//! What instances count: how often memory had the answer, and what was refused.
//!
//! An instance lives a second or some hundred requests, so it adds its numbers to those of all others, on a shard, as
//! it goes. What it has not told when it is dropped is lost, hits and misses alike.

use std::cell::Cell;

use crate::App;
use crate::shard::Shard;

/// Something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// A packet's facts were in memory.
    PacketHit,
    /// A packet's facts were fetched.
    PacketMiss,
    /// That a packet is sold out or over was in memory.
    OverHit,
    /// A shard said that a packet is sold out or over.
    OverMiss,
    /// The copy of the operators' controls was fresh.
    ControlsHit,
    /// The copy of the operators' controls was fetched.
    ControlsMiss,
    /// A request was refused because of a rate.
    Limited,
    /// A request was given up under load.
    Shed,
    /// A request was refused by a risk rule.
    Denied,
}

/// How often an instance tells its counts, in milliseconds, and after how many it does so for the first time: it may
/// not live to tell them a second time.
const TELL_AFTER_MS: i64 = 1_000;
const FIRST_AFTER: u32 = 200;

impl Count {
    /// Everything that is counted.
    pub const ALL: [Self; 9] = [
        Self::PacketHit,
        Self::PacketMiss,
        Self::OverHit,
        Self::OverMiss,
        Self::ControlsHit,
        Self::ControlsMiss,
        Self::Limited,
        Self::Shed,
        Self::Denied,
    ];

    /// Its name among the counters of a shard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PacketHit => "packet_hit",
            Self::PacketMiss => "packet_miss",
            Self::OverHit => "over_hit",
            Self::OverMiss => "over_miss",
            Self::ControlsHit => "controls_hit",
            Self::ControlsMiss => "controls_miss",
            Self::Limited => "limited",
            Self::Shed => "shed",
            Self::Denied => "denied",
        }
    }
}

/// An instance's numbers, not yet told.
#[derive(Default)]
pub struct Counts {
    numbers: [Cell<u32>; Count::ALL.len()],
    sum: Cell<u32>,
    due_at_ms: Cell<Option<i64>>,
    has_told: Cell<bool>,
}

impl Counts {
    /// Counts one.
    pub fn add(&self, count: Count) {
        if let Some((_, number)) = Count::ALL.iter().zip(&self.numbers).find(|(one, _)| **one == count) {
            number.set(number.get().saturating_add(1));
            self.sum.set(self.sum.get().saturating_add(1));
        }
    }

    /// The numbers, when it is time to tell them; they begin anew.
    fn take_due(&self, now_ms: i64) -> Option<Vec<(&'static str, u32)>> {
        let next_ms = now_ms.saturating_add(TELL_AFTER_MS);
        let due_at_ms = self.due_at_ms.get().unwrap_or(next_ms);
        self.due_at_ms.set(Some(due_at_ms));
        let sum = self.sum.get();
        let is_first = !self.has_told.get() && sum >= FIRST_AFTER;
        if sum == 0 || !(is_first || now_ms >= due_at_ms) {
            return None;
        }
        self.due_at_ms.set(Some(next_ms));
        self.has_told.set(true);
        self.sum.set(0);
        let taken = Count::ALL.iter().zip(&self.numbers).map(|(count, number)| (count.name(), number.take()));
        Some(taken.filter(|(_, number)| *number > 0).collect())
    }
}

impl App {
    /// Tells a shard what was counted, when it is time. A shard that does not answer is not told: nothing hangs on it.
    pub(crate) async fn tell_counts(&self, shard: Option<&Shard>) {
        let Some(shard) = shard.or_else(|| self.shards().first()) else { return };
        if let Some(numbers) = self.counts.take_due(self.now_ms())
            && let Err(error) = shard.count(&numbers).await
        {
            eprintln!("{} numbers are not counted: {error:?}", numbers.len());
        }
    }
}
