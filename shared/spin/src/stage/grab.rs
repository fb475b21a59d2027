//! Stage 3, 抢: one script binds the next share to the caller; the answer is a signed voucher.

use hongbao_core::token::Person;
use hongbao_core::voucher::{KEPT_AFTER_END_MS, Voucher};
use hongbao_core::wire::{GrabAnswer, GrabRequest};
use hongbao_core::{Error, PacketId};

use crate::App;
use crate::shard::Outcome;

impl App {
    /// Binds a share of the packet `id` to `person`, or answers the one bound before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongPassword`], [`Error::NotStarted`], [`Error::SoldOut`], [`Error::Expired`].
    pub async fn grab(&self, person: Person, id: PacketId, request: &GrabRequest) -> Result<GrabAnswer, Error> {
        let packet = self.packet(id, &person).await?;
        let key = &self.keys().await?.signing;
        packet.facts.admits(&person, request.password.as_deref(), key)?;
        let (seq, epoch) = match self.shard(id).await?.grab(id, &person.user).await? {
            Outcome::Done(bound) => bound,
            Outcome::Missing => return Err(self.why_missing(id).await),
        };
        let expires_at_ms = packet.facts.expires_at_ms.saturating_add(KEPT_AFTER_END_MS);
        let voucher = Voucher { packet: id, seq, epoch, expires_at_ms, user: person.user };
        Ok(GrabAnswer { packet_id: id, seq, voucher: voucher.seal(key) })
    }
}
