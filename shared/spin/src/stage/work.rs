//! Work lists of the sweep: what packets wait for is done a page a shard and a round.
//!
//! **Invariant:** what cannot be done holds up nothing behind it. A list goes on behind the last packet that was tried,
//! and starts again at its end. Shards have pages of their own, and one that does not answer is not asked.

use hongbao_core::wire::operator::SweepAnswer as Swept;
use hongbao_core::{Error, PacketId};

use super::sweep::Note;
use crate::App;
use crate::ledger::List;

/// The most packets of a list and a shard that are tried in one round: the timer comes again soon.
const PAGE: i64 = 500;
/// So many failures one behind the other end a round of a list: what follows waits for the next one.
const FAILURES: usize = 20;

impl App {
    /// Does `step` for the next packets of a list in every shard that answers, and under SQL authority if that has any;
    /// `count` is told of what each came to.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub(super) async fn work_on<T>(
        &self,
        list: List,
        swept: &mut Swept,
        step: impl AsyncFn(PacketId) -> Result<T, Error>,
        count: impl Fn(&mut Swept, T),
    ) -> Result<(), Error> {
        let ledger = self.ledger().await?;
        let mut shards: Vec<_> = self.present().await.into_iter().map(Some).collect();
        if matches!(list, List::Due { .. }) {
            shards.push(None);
        }
        for shard in shards {
            let name = format!("{}:{}", list.name(), shard.map_or_else(|| "sql".to_owned(), |shard| shard.to_string()));
            let after = ledger.place(&name).await?;
            let page = ledger.page(list, shard, &after, PAGE).await?;
            let (mut tried, mut failures) = (0_usize, 0_usize);
            for id in &page {
                let done = step(*id).await;
                tried += 1;
                failures = if done.is_err() { failures + 1 } else { 0 };
                swept.note(done, &count);
                if failures >= FAILURES {
                    break;
                }
            }
            let is_end = tried == page.len() && i64::try_from(page.len()).is_ok_and(|found| found < PAGE);
            let last = page.get(..tried).and_then(<[_]>::last).filter(|_| !is_end);
            let next = last.map(PacketId::to_string).unwrap_or_default();
            if next != after {
                ledger.set_place(&name, &next).await?;
            }
        }
        Ok(())
    }

    /// The shards that answer.
    pub(crate) async fn present(&self) -> Vec<u16> {
        let mut present = Vec::new();
        for shard in self.shards() {
            if shard.pulse(self.now_ms()).await.is_some() {
                present.push(shard.number);
            }
        }
        present
    }
}
