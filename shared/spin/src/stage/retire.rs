//! Retention: packets leave Redis when they have ended, every share settled or the rest refunded, and a while after
//! that. The ledger answers for them from then on.
//!
//! **Invariant:** the ledger says what has ended. A packet whose open or refund still waits in the journal has not.
//!
//! **Invariant:** a mark for each shard says up to where its ended packets have left it. It belongs to the contents it
//! was moved under, an epoch and a server process: other contents may be an older copy, and have removed packets again.
//! For them the mark goes back, and all keys are looked through for packets of other epochs. It goes back too when it is
//! later than now: a clock that stood ahead has moved it, and ends that it noted are noted again.

use futures_util::future::join_all;
use hongbao_core::Error;

use crate::App;
use crate::ledger::{Ledger, RetiredMark};
use crate::shard::Shard;

/// Packets in one statement and one script.
const PAGE: usize = 500;
/// The most pages of a shard in one sweep: with a sweep a second, 8,000 packets a second.
const PAGES: usize = 16;
/// The most parts of a shard's keys that are looked through in one sweep.
const PARTS: usize = 8;
/// The shortest time that a packet stays, in milliseconds: longer than a statement that notes an end may take, and
/// than a load may be on its way.
const KEPT_LEAST_MS: i64 = 10_000;
/// How much further than twice the retention the mark goes back for other contents, in milliseconds.
const BACK_MS: i64 = 600_000;

impl App {
    /// Removes packets from the shards that ended `retention_ms` ago or earlier; answers how many. What is more than a
    /// sweep's share, or on a shard that is away, is left for the next one.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) async fn retire(&self, retention_ms: i64) -> Result<usize, Error> {
        let (ledger, kept_ms) = (self.ledger().await?, retention_ms.max(KEPT_LEAST_MS));
        for _ in 0..PAGES {
            if ledger.note_ended(self.now_ms(), i64::try_from(PAGE).unwrap_or(i64::MAX)).await? < PAGE {
                break;
            }
        }
        let all = join_all(self.shards().iter().map(|shard| self.retire_from(shard, ledger, kept_ms))).await;
        all.into_iter().try_fold(0_usize, |retired, packets| Ok(retired.saturating_add(packets?)))
    }

    async fn retire_from(&self, shard: &Shard, ledger: &Ledger, kept_ms: i64) -> Result<usize, Error> {
        self.connect(shard).await?;
        let doubtful = || Error::Unavailable(format!("shard {} is in doubt", shard.number));
        let trusted = shard.trusted().ok_or_else(doubtful)?;
        let contents = format!("{}:{}", trusted.epoch, trusted.run_id);
        let now_ms = self.now_ms();
        let until_ms = now_ms.saturating_sub(kept_ms);
        let mut mark = ledger.retired(shard.number).await?;
        if mark.contents != contents || mark.place.0 > now_ms {
            let back_ms = until_ms.saturating_sub(kept_ms).saturating_sub(BACK_MS);
            let back = RetiredMark { place: mark.place.clone().min((back_ms, String::new())), contents };
            if !ledger.move_retired(shard.number, &mark, &back).await? {
                return Ok(0); // Another sweep is at it.
            }
            mark = back;
        }
        let ended = retire_ended(shard, ledger, &mut mark, until_ms).await?;
        let left_behind = retire_leftovers(shard, ledger, &mark.contents, until_ms).await?;
        Ok(usize::try_from(ended.saturating_add(left_behind)).unwrap_or_default())
    }
}

/// Removes what has ended after the mark and up to `until_ms`, a page at a time, and moves the mark behind it.
async fn retire_ended(shard: &Shard, ledger: &Ledger, mark: &mut RetiredMark, until_ms: i64) -> Result<i64, Error> {
    let mut retired = 0_i64;
    for _ in 0..PAGES {
        let page = ledger.ended(shard.number, &mark.place, until_ms, i64::try_from(PAGE).unwrap_or(i64::MAX)).await?;
        let Some((_, last)) = page.last() else { break };
        let next = RetiredMark { place: last.clone(), contents: mark.contents.clone() };
        let ids: Vec<_> = page.iter().map(|(id, _)| *id).collect();
        retired = retired.saturating_add(shard.retire(&ids).await?);
        if !ledger.move_retired(shard.number, mark, &next).await? || page.len() < PAGE {
            break;
        }
        *mark = next;
    }
    Ok(retired)
}

/// Looks through the shard's keys, some parts of them, for packets that another epoch left behind and that no shard has
/// to hold any more: an older copy may bring back packets that ended long before the mark, and the packets of a shard
/// that was given up are decided by the ledger.
async fn retire_leftovers(shard: &Shard, ledger: &Ledger, contents: &str, until_ms: i64) -> Result<i64, Error> {
    let mut retired = 0_i64;
    for _ in 0..PARTS {
        let Some(cursor) = shard.looked_through(contents).await? else { break };
        let found = shard.leftovers(&cursor, i64::try_from(PAGE).unwrap_or(i64::MAX)).await?;
        if !found.packets.is_empty() {
            let ids = ledger.not_to_hold(&found.packets, until_ms).await?;
            if !ids.is_empty() {
                retired = retired.saturating_add(shard.retire(&ids).await?);
            }
        }
        shard.note_looked_through(contents, &found.next).await?;
    }
    Ok(retired)
}
