//! A person's wallet: the balance, and up to when opened shares are in it.

use futures_util::future::join_all;
use hongbao_core::wire::{MeAnswer, TIME_MAX_MS};
use hongbao_core::{Error, UserId};

use crate::App;
use crate::shard::Shard;

impl App {
    /// What `user`'s wallet holds. While a shard does not answer, nobody knows what is still arriving: that is told as
    /// missing.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn me(&self, user: UserId) -> Result<MeAnswer, Error> {
        // The journals before the balance: what is settled in between makes the answer better, never wrong. All at
        // once: shards that hang cost their deadline once, however many they are.
        let told = join_all(self.shards().iter().map(Shard::settled_through_ms)).await;
        let ledger = self.ledger().await?;
        let settled_through_ms = settled_through_ms(told);
        let balance_fen = ledger.balance(&user).await?;
        let missing = if settled_through_ms.is_none() { vec!["settled_through_ms".to_owned()] } else { vec![] };
        Ok(MeAnswer { user, balance_fen, settled_through_ms, missing })
    }
}

/// The earliest of what the shards have told. Nothing while one does not answer: what waits in its journal is not known,
/// and the place up to which the ledger has settled is no time.
fn settled_through_ms(told: Vec<Result<i64, Error>>) -> Option<i64> {
    told.into_iter().try_fold(TIME_MAX_MS, |earliest_ms, told| told.ok().map(|told_ms| earliest_ms.min(told_ms)))
}
