//! What the ledger knows of shards, and packets under its own authority.

use std::collections::BTreeMap;

use hongbao_core::race::Claim;
use hongbao_core::{Error, Fen, PacketId, UserId};

use super::Ledger;
use crate::shard::Place;
use crate::sql::Reader;

/// How long a new epoch may take to begin before another sweep may try, in milliseconds. The acts of operators know
/// it too (`schema/…_clocks.sql`).
pub const LEASE_MS: i64 = 15_000;

/// What the ledger knows of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRecord {
    /// The shard's number.
    pub shard: u16,
    /// The epoch its contents have to belong to.
    pub epoch: u32,
    /// The last entry of its journal that is settled.
    pub settled: Place,
    /// Until when a sweep is rebuilding it, Unix milliseconds.
    pub lease_ms: i64,
    /// Whether any packet was ever sent to it.
    pub has_packets: bool,
    /// The server process that was compared last: its run id.
    pub run_id: String,
    /// How far its packets are back in the race, while not all are.
    pub refill: Option<Refill>,
}

/// How far the packets of a shard are back in the race under its epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refill {
    /// Those up to this id are, in the order of ids; empty for none.
    pub after: String,
    /// How many that was.
    pub done: i64,
    /// How many had to come back.
    pub all: i64,
}

impl ShardRecord {
    /// Whether a packet that a shard has once confirmed has come back under this epoch.
    #[must_use]
    pub fn is_back(&self, id: PacketId) -> bool {
        self.refill.as_ref().is_none_or(|refill| id.to_string() <= refill.after)
    }

    /// Whether somebody is beginning an epoch at `now_ms`. A lease that ends later than one that begins now was taken by
    /// a clock that was ahead, and counts for nothing.
    #[must_use]
    pub const fn is_leased(&self, now_ms: i64) -> bool {
        self.lease_ms > now_ms && self.lease_ms <= now_ms.saturating_add(LEASE_MS)
    }
}

impl Ledger {
    /// What the ledger knows of `shard`; epoch 1 for one never seen before.
    pub async fn shard(&self, shard: u16) -> Result<ShardRecord, Error> {
        let number = || vec![i64::from(shard).into()];
        let row = match self.first(self.sql.shard, number()).await? {
            Some(row) => Some(row),
            None => {
                self.rows(self.sql.shard_make, number()).await?;
                self.first(self.sql.shard, number()).await?
            }
        };
        let mut row = row.ok_or_else(|| Error::Internal("a shard's record is gone".into()))?;
        let (epoch, settled) = (row.count()?, (row.int()?, row.int()?));
        let (lease_ms, has_packets, run_id) = (row.int()?, row.int()? != 0, row.text()?);
        let (after, done, all) = (row.optional_text()?, row.int()?, row.int()?);
        let refill = after.map(|after| Refill { after, done, all });
        Ok(ShardRecord { shard, epoch, settled, lease_ms, has_packets, run_id, refill })
    }

    /// Notes how many packets have to come back under the epoch of `record`.
    pub async fn count_refill(&self, record: &ShardRecord) -> Result<(), Error> {
        let parameters = vec![i64::from(record.shard).into(), i64::from(record.epoch).into()];
        self.rows(self.sql.refill_count, parameters).await.map(drop)
    }

    /// Notes that the packets after `after` and up to `last` (none: all the rest) are back under the epoch of `record`,
    /// `count` of them; changes nothing if somebody else was faster.
    pub async fn note_refill(
        &self,
        record: &ShardRecord,
        after: &str,
        last: Option<PacketId>,
        count: usize,
    ) -> Result<(), Error> {
        let (last, count) =
            (last.map(|id| id.to_string()).unwrap_or_default(), i64::try_from(count).unwrap_or(i64::MAX));
        let (shard, epoch) = (i64::from(record.shard), i64::from(record.epoch));
        let parameters = vec![shard.into(), epoch.into(), after.into(), last.into(), count.into()];
        self.rows(self.sql.refill, parameters).await.map(drop)
    }

    /// Notes that the server process `run_id` is about to be compared: what was read from another one is not settled
    /// any more.
    pub async fn meet(&self, shard: u16, run_id: &str) -> Result<(), Error> {
        self.rows(self.sql.meet, vec![i64::from(shard).into(), run_id.into()]).await.map(drop)
    }

    /// Gives up the opens that closed packets of a shard still wait for, at the start of the epoch of `record`: each
    /// packet gets an exception, and its refund.
    pub async fn forgo_lost(&self, record: &ShardRecord, now_ms: i64) -> Result<(), Error> {
        let parameters = vec![i64::from(record.shard).into(), i64::from(record.epoch).into(), now_ms.into()];
        self.rows(self.sql.forgo_lost, parameters).await.map(drop)
    }

    /// Begins the epoch after the one of `record`, with a lease until `lease_ms`: the new epoch for one caller,
    /// `None` for every other and while somebody's lease runs.
    pub async fn next_epoch(&self, record: &ShardRecord, now_ms: i64, lease_ms: i64) -> Result<Option<u32>, Error> {
        let parameters =
            vec![i64::from(record.shard).into(), i64::from(record.epoch).into(), now_ms.into(), lease_ms.into()];
        self.first(self.sql.epoch_next, parameters).await?.map(|mut row| row.count()).transpose()
    }

    /// Moves the end of a rebuild's lease; 0 gives it up.
    pub async fn renew_lease(&self, record: &ShardRecord, lease_ms: i64) -> Result<(), Error> {
        let parameters = vec![i64::from(record.shard).into(), i64::from(record.epoch).into(), lease_ms.into()];
        self.rows(self.sql.lease, parameters).await.map(drop)
    }

    /// Packets that `shard` has to hold, with ids after `after`: a packet's, or empty.
    pub async fn unfinished(&self, shard: u16, after: &str, limit: i64) -> Result<Vec<PacketId>, Error> {
        let parameters = vec![i64::from(shard).into(), after.into(), limit.into()];
        self.ids(self.sql.unfinished, parameters).await
    }

    /// `user`'s share of a packet, as far as the ledger knows: paid, or grabbed under its authority.
    pub async fn claim(&self, id: PacketId, user: &UserId) -> Result<Option<Claim>, Error> {
        let parameters = vec![id.to_string().into(), user.as_str().into()];
        let Some(mut row) = self.first(self.sql.claim, parameters).await? else { return Ok(None) };
        Ok(Some(Claim { seq: row.count()?, opened_at_ms: row.optional_int()? }))
    }

    /// How many shares of a packet others than `user` have, grabbed under SQL authority or paid. The user's own does not
    /// count: the same request may have come twice.
    pub async fn taken_from(&self, id: PacketId, user: &UserId) -> Result<u32, Error> {
        self.first(self.sql.taken, vec![id.to_string().into(), user.as_str().into()])
            .await?
            .map_or(Ok(0), |mut row| row.count())
    }

    /// Binds the next share to `user` under SQL authority, or answers the share the user has.
    ///
    /// # Errors
    /// [`Error::NotStarted`], [`Error::SoldOut`], [`Error::Expired`].
    pub async fn grab_in_sql(&self, id: PacketId, user: &UserId, now_ms: i64) -> Result<u32, Error> {
        self.rows(self.sql.grab_in_sql, vec![id.to_string().into(), user.as_str().into(), now_ms.into()]).await?;
        let claim = self.claim(id, user).await?;
        Ok(claim.ok_or_else(|| Error::Internal("a share grabbed in SQL is gone".into()))?.seq)
    }

    /// Opens and pays the share `seq` under SQL authority: when it was opened first.
    ///
    /// # Errors
    /// [`Error::Expired`], [`Error::Contested`] when somebody else has the share.
    pub async fn open_in_sql(
        &self,
        id: PacketId,
        seq: u32,
        user: &UserId,
        amount: Fen,
        now_ms: i64,
    ) -> Result<i64, Error> {
        let (packet, user_id) = (id.to_string(), user.as_str());
        let parameters = vec![packet.into(), i64::from(seq).into(), user_id.into(), amount.get().into(), now_ms.into()];
        self.rows(self.sql.open_in_sql, parameters).await?;
        let opened_at_ms = self.claim(id, user).await?.and_then(|claim| claim.opened_at_ms);
        opened_at_ms.ok_or_else(|| Error::Internal("a share opened in SQL is gone".into()))
    }

    /// Closes a packet under SQL authority if its time was over at `now_ms`; the refund follows from it.
    pub async fn close_in_sql(&self, id: PacketId, now_ms: i64) -> Result<(), Error> {
        self.rows(self.sql.close_in_sql, vec![id.to_string().into(), now_ms.into()]).await.map(drop)
    }

    /// How many packets have to be on each shard now.
    pub async fn shard_packets(&self) -> Result<BTreeMap<u16, i64>, Error> {
        let rows = self.rows(self.sql.shard_packets, vec![]).await?;
        let pair = |row| {
            let mut row = Reader::new(row);
            Ok((u16::try_from(row.int()?).unwrap_or(u16::MAX), row.int()?))
        };
        rows.into_iter().map(pair).collect()
    }

    /// The paid shares of these packets.
    pub async fn claims_of(&self, packets: &[PacketId]) -> Result<BTreeMap<PacketId, Vec<(UserId, Claim)>>, Error> {
        let ids: Vec<String> = packets.iter().map(PacketId::to_string).collect();
        let mut claims = BTreeMap::<_, Vec<_>>::new();
        for row in self.rows(self.sql.claims_of, vec![super::json(&ids)?]).await? {
            let mut row = Reader::new(row);
            let (packet, user) = (row.parsed(PacketId::parse)?, row.parsed(UserId::parse)?);
            let claim = Claim { seq: row.count()?, opened_at_ms: Some(row.int()?) };
            claims.entry(packet).or_default().push((user, claim));
        }
        Ok(claims)
    }

    /// Moves every unfinished packet of `shard` to SQL authority. The caller has begun the shard's next epoch, so
    /// that the shard is fenced when it returns.
    pub async fn move_to_sql(&self, shard: u16) -> Result<(), Error> {
        self.rows(self.sql.move_to_sql, vec![i64::from(shard).into()]).await.map(drop)
    }
}
