//! A person's wallet: the balance, and up to when opened shares are in it.

use futures_util::future::join_all;
use hongbao_core::wire::{MeAnswer, TIME_MAX_MS};
use hongbao_core::{Error, UserId};

use crate::App;
use crate::ledger::Ledger;
use crate::shard::Shard;

impl App {
    /// What `user`'s wallet holds. While no shard answers, nobody knows what is still arriving: that is told as
    /// missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn me(&self, user: UserId) -> Result<MeAnswer, Error> {
        // The journals before the balance: what is settled in between makes the answer better, never wrong. All at
        // once: shards that hang cost their deadline once, however many they are.
        let told = join_all(self.shards().iter().map(Shard::settled_through_ms)).await;
        let ledger = self.ledger().await?;
        let settled_through_ms = self.settled_through(ledger, &told).await?;
        let balance_fen = ledger.balance(&user).await?;
        let missing = if settled_through_ms.is_none() { vec!["settled_through_ms".to_owned()] } else { vec![] };
        Ok(MeAnswer { user, balance_fen, settled_through_ms, missing })
    }

    /// The earliest of what the shards have `told`; nothing when none of them did, or one that is away cannot be
    /// vouched for.
    async fn settled_through(&self, ledger: &Ledger, told: &[Result<i64, Error>]) -> Result<Option<i64>, Error> {
        if told.iter().all(Result::is_err) {
            return Ok(None);
        }
        let mut earliest_ms = TIME_MAX_MS;
        for (shard, told) in self.shards().iter().zip(told) {
            let through_ms = match told {
                Ok(through_ms) => *through_ms,
                // One shard of several is away: its last entry that is settled is what is known of it. The entry's id
                // is a time, unless the shard's clock stood ahead.
                Err(_) => match ledger.shard(shard.number).await?.settled.0 {
                    ahead_ms if ahead_ms > self.now_ms() => return Ok(None),
                    settled_ms => settled_ms,
                },
            };
            earliest_ms = earliest_ms.min(through_ms);
        }
        Ok(Some(earliest_ms))
    }
}
