//! Where a drill strikes: the stack, a clock, and somebody who says what happens.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use hongbao_stack::Stack;

use crate::history::History;

/// The stack under load.
pub(crate) struct Site<'a> {
    pub(crate) stack: &'a mut Stack,
    pub(crate) random: fastrand::Rng,
    history: &'a History,
    healings_ms: Vec<u64>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(stack: &'a mut Stack, history: &'a History, random: fastrand::Rng) -> Self {
        Self { stack, random, history, healings_ms: Vec::new() }
    }

    /// Says what happens, and when.
    pub(crate) fn say(&self, what: &str) {
        let now_ms = self.history.now_ms();
        println!("  {:>3}.{} s  {what}", now_ms / 1000, now_ms % 1000 / 100);
    }

    /// Leaves things as they are for a while.
    pub(crate) fn hold(&self, ms: u64) {
        thread::sleep(Duration::from_millis(ms)); // A fault lasts; nothing is waited for.
    }

    /// Breaks something and mends it: `work` returns when it is whole again.
    pub(crate) fn broken(&mut self, what: &str, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.say(what);
        let hurt_ms = self.history.now_ms();
        work(self)?;
        let healed_ms = self.history.now_ms();
        self.healings_ms.push(healed_ms);
        self.say(&format!("whole again, after {} ms", healed_ms - hurt_ms));
        Ok(())
    }

    /// When each thing that was broken was whole again, in milliseconds of the history.
    pub(crate) fn into_healings_ms(self) -> Vec<u64> {
        self.healings_ms
    }
}
