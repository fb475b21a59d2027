//! Guesses at the passwords of packets under the ledger's authority: how many a person has made at one packet.

use hongbao_core::guess::{FIRST_WAIT_MS, WAIT_MAX_MS};
use hongbao_core::packet::Facts;
use hongbao_core::{Error, UserId};

use super::Ledger;

/// What counting a guess came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It may be judged: the person's so-manyth at this packet.
    Tried(i64),
    /// It may not.
    Waits {
        /// Milliseconds until one may.
        retry_after_ms: i64,
    },
}

impl Ledger {
    /// Counts a guess of `user`, of whom `free` are judged without a wait behind them. One statement counts and decides,
    /// so that of many at once no more are judged.
    pub async fn count_guess(&self, facts: &Facts, user: &UserId, free: i64, now_ms: i64) -> Result<Counted, Error> {
        let (packet, user) = (facts.id.to_string(), user.as_str());
        let parameters = vec![
            packet.clone().into(),
            user.into(),
            now_ms.into(),
            free.into(),
            FIRST_WAIT_MS.into(),
            WAIT_MAX_MS.into(),
            facts.expires_at_ms.into(),
        ];
        if let Some(mut row) = self.first(self.sql.guess, parameters).await? {
            return row.int().map(Counted::Tried);
        }
        let until_ms = match self.first(self.sql.guess_wait, vec![packet.into(), user.into()]).await? {
            Some(mut row) => row.int()?,
            None => now_ms,
        };
        Ok(Counted::Waits { retry_after_ms: until_ms.saturating_sub(now_ms).clamp(1, WAIT_MAX_MS) })
    }
}
