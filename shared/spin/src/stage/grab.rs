//! Stage 3, 抢: one script binds the next share to the caller; the answer is a signed voucher.

use hongbao_core::token::Person;
use hongbao_core::voucher::{KEPT_AFTER_END_MS, Voucher};
use hongbao_core::wire::{GrabAnswer, GrabRequest};
use hongbao_core::{Error, PacketId, UserId};

use crate::App;
use crate::shard::Outcome;

impl App {
    /// Binds a share of the packet `id` to `person`, or answers the one bound before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongPassword`], [`Error::NotStarted`], [`Error::SoldOut`], [`Error::Expired`],
    /// [`Error::Blocked`].
    pub async fn grab(&self, person: Person, id: PacketId, request: &GrabRequest) -> Result<GrabAnswer, Error> {
        let packet = self.packet(id, &person).await?;
        self.may_grab(&person.user, self.shards().get(usize::from(id.shard()))).await?;
        let key = &self.keys().await?.signing;
        packet.facts.admits(&person, request.password.as_deref(), key)?;
        let (seq, epoch) = match self.on_shard(id, async |shard| shard.grab(id, &person.user).await).await {
            Ok(Outcome::Done(bound)) => bound,
            Ok(Outcome::Missing) => self.grab_by_ledger(id, &person.user, Error::SoldOut).await?,
            Err(lost @ Error::Unavailable(_)) => self.grab_by_ledger(id, &person.user, lost).await?,
            Err(refused) => return Err(refused),
        };
        let expires_at_ms = packet.facts.expires_at_ms.saturating_add(KEPT_AFTER_END_MS);
        let voucher = Voucher { packet: id, seq, epoch, expires_at_ms, user: person.user };
        Ok(GrabAnswer { packet_id: id, seq, voucher: voucher.seal(key) })
    }

    /// A grab that the shard cannot decide: the ledger does where it has the authority, and knows of packets that
    /// are over. Vouchers of the ledger carry epoch 0: no shard's.
    async fn grab_by_ledger(&self, id: PacketId, user: &UserId, why: Error) -> Result<(u32, u32), Error> {
        let _turn = self.ledger_turn()?;
        let ledger = self.ledger().await?;
        let packet = ledger.packet(id).await?.ok_or(Error::NotFound)?;
        if packet.is_in_sql {
            return Ok((ledger.grab_in_sql(id, user, self.now_ms()).await?, 0));
        }
        if let Some(claim) = ledger.claim(id, user).await? {
            return Ok((claim.seq, 0));
        }
        Err(packet.refusal(why))
    }
}
