//! Guesses at a packet's password (口令), as pure functions: what the script of a grab and the ledger decide.
//!
//! **Invariant:** a guess is judged where the share is decided, in the same step that counts its miss: of any number of
//! guesses at once, no more are judged than may miss, the right one among them or not. Who has a share is not asked.

use crate::Error;
use crate::risk::{Action, Setting};

/// What somebody gave as a packet's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// The packet has no password.
    NotAsked,
    /// Nothing, where something is asked for. It tells nothing, so it is not counted.
    None,
    /// The password.
    Right,
    /// Another word.
    Wrong,
}

/// How long a person waits for the next guess after the last miss that was free, in milliseconds: a minute. Each
/// further miss doubles it.
pub const FIRST_WAIT_MS: i64 = 60_000;
/// The longest wait, in milliseconds: an hour.
pub const WAIT_MAX_MS: i64 = 3_600_000;

/// One person's misses at one packet. They end with the packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Misses {
    /// How many.
    pub count: i64,
    /// Until when no guess is judged, Unix milliseconds.
    pub until_ms: i64,
}

/// What a guess comes to: whether it may have a share, and whether it is put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// [`Error::WrongPassword`]; [`Error::RateLimited`] or [`Error::RiskDenied`] for a guess that is not judged.
    pub outcome: Result<(), Error>,
    /// Whether the rule fired: the last miss that is free, and each one that starts a wait after it.
    pub is_seen: bool,
}

impl Misses {
    /// Judges a guess at `now_ms`, by what the rule says about it.
    pub fn judge(&mut self, guess: Guess, rule: Setting, now_ms: i64) -> Verdict {
        let told = |outcome| Verdict { outcome, is_seen: false };
        // A clock that was set back leaves nobody waiting for more than the longest wait.
        let wait_ms = self.until_ms.saturating_sub(now_ms).min(WAIT_MAX_MS);
        match (guess, rule.action) {
            (Guess::NotAsked, _) => return told(Ok(())),
            (Guess::None, _) => return told(Err(Error::WrongPassword)),
            (_, Action::Slow) if wait_ms > 0 => return told(Err(Error::RateLimited { retry_after_ms: wait_ms })),
            (_, Action::Deny) if wait_ms > 0 => return told(Err(Error::RiskDenied)),
            (Guess::Right, _) => return told(Ok(())),
            (Guess::Wrong, Action::Off) => return told(Err(Error::WrongPassword)),
            (Guess::Wrong, _) => {}
        }
        self.count = self.count.saturating_add(1);
        let is_seen = self.count >= rule.bound && wait_ms <= 0;
        if is_seen {
            self.until_ms = now_ms.saturating_add(wait_after(self.count, rule.bound));
        }
        Verdict { outcome: Err(Error::WrongPassword), is_seen }
    }
}

/// How long the next guess waits after miss number `count`, of which `bound` are free.
fn wait_after(count: i64, bound: i64) -> i64 {
    let doublings = u32::try_from(count.saturating_sub(bound)).unwrap_or(u32::MAX).min(30);
    FIRST_WAIT_MS.saturating_mul(1_i64.checked_shl(doublings).unwrap_or(1)).min(WAIT_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::{Guess, Misses};
    use crate::Error;
    use crate::risk::{Action, Setting};

    const SLOW: Setting = Setting { action: Action::Slow, bound: 3 };

    fn limited(retry_after_ms: i64) -> Result<(), Error> {
        Err(Error::RateLimited { retry_after_ms })
    }

    #[test]
    fn a_handful_of_misses_is_free_and_each_further_one_costs_more() {
        use Guess::{None, Right, Wrong};
        let wrong = || Err(Error::WrongPassword);
        let steps = [
            (0, Wrong, wrong(), false),
            (1, None, wrong(), false),
            (2, Wrong, wrong(), false),
            (3, Wrong, wrong(), true),
            (4, Wrong, limited(59_999), false),
            (5, Right, limited(59_998), false),
            (6, None, wrong(), false),
            (60_003, Wrong, wrong(), true),
            (60_004, Right, limited(119_999), false),
            (180_003, Wrong, wrong(), true),
            (180_004, Wrong, limited(239_999), false),
            (420_003, Right, Ok(()), false),
        ];
        let mut misses = Misses::default();
        for (at_ms, guess, outcome, is_seen) in steps {
            let verdict = misses.judge(guess, SLOW, at_ms);
            assert_eq!((verdict.outcome, verdict.is_seen), (outcome, is_seen), "at {at_ms}");
        }
        for _ in 0..100 {
            misses.judge(Wrong, SLOW, misses.until_ms);
        }
        assert_eq!(
            misses.judge(Right, SLOW, misses.until_ms.saturating_sub(3_600_000)).outcome,
            limited(3_600_000),
            "an hour at most"
        );
        assert_eq!(misses.judge(Right, SLOW, 0).outcome, limited(3_600_000), "the clock was set back");
    }

    #[test]
    fn an_operator_decides_what_a_miss_costs() {
        let seen = |action| {
            let mut misses = Misses::default();
            let verdicts: Vec<_> =
                (0..5).map(|at_ms| misses.judge(Guess::Wrong, Setting { action, bound: 2 }, at_ms)).collect();
            let seen = verdicts.iter().filter(|verdict| verdict.is_seen).count();
            (verdicts.last().map(|verdict| verdict.outcome.clone()), seen)
        };
        assert_eq!(seen(Action::Off), (Some(Err(Error::WrongPassword)), 0));
        assert_eq!(seen(Action::Flag), (Some(Err(Error::WrongPassword)), 1));
        assert_eq!(seen(Action::Deny), (Some(Err(Error::RiskDenied)), 1));
        assert!(matches!(seen(Action::Slow), (Some(Err(Error::RateLimited { .. })), 1)));
    }
}
