//! Stage 4, 拆: takes the voucher, works out the amount, and one script marks the share opened, journals it and
//! rings the doorbell. The wallet is credited later, by the settlement.

use hongbao_core::token::Person;
use hongbao_core::voucher::Voucher;
use hongbao_core::wire::{OpenAnswer, OpenRequest};
use hongbao_core::{Error, PacketId};

use crate::App;
use crate::shard::Outcome;

impl App {
    /// Opens the voucher's share of the packet `id`, or answers what was in it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidVoucher`], [`Error::NotGrabbed`], [`Error::Expired`].
    pub async fn open(&self, person: &Person, id: PacketId, request: &OpenRequest) -> Result<OpenAnswer, Error> {
        let packet = self.packet(id, person).await?;
        let key = &self.keys().await?.signing;
        let voucher = Voucher::unseal(key, &request.voucher, id, &person.user, self.now_ms())?;
        let seq = voucher.seq;
        let amount_fen = packet.amount(seq).ok_or(Error::InvalidVoucher)?;
        match self.shard(id).await?.open(&voucher).await? {
            Outcome::Done(opened_at_ms) => Ok(OpenAnswer { packet_id: id, seq, amount_fen, opened_at_ms }),
            Outcome::Missing => Err(self.why_missing(id).await),
        }
    }
}
