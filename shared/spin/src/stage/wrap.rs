//! Stage 1, 包: checks a packet and the wallet, and answers a signed quote. Writes nothing.

use hongbao_core::quote::Quote;
use hongbao_core::token::Person;
use hongbao_core::wire::{WrapAnswer, WrapRequest};
use hongbao_core::{Error, PacketId, draft};

use crate::App;

impl App {
    /// A quote for the packet that `person` wants to send.
    ///
    /// # Errors
    /// Those of [`draft::check`] and [`draft::check_recipient`], [`Error::InsufficientBalance`], and those of [`App::may_send`].
    pub async fn wrap(&self, person: Person, request: WrapRequest) -> Result<WrapAnswer, Error> {
        self.may_send(&person.user).await?;
        let now_ms = self.now_ms();
        draft::check(&request, self.limits().await?, person.company, now_ms)?;
        draft::check_recipient(&request.to, &person)?;
        let balance_fen = self.ledger().await?.balance(&person.user).await?;
        if draft::total(&request)? > balance_fen {
            return Err(Error::InsufficientBalance);
        }
        let random = self.random_u64();
        let packet = PacketId::new(now_ms.unsigned_abs(), self.shard_for_new(random).await?, random);
        let keys = &self.keys().await?.signing;
        let quote = Quote::new(request, person.user, packet, keys, now_ms)?;
        Ok(WrapAnswer {
            quote: quote.seal(keys)?,
            total_fen: quote.total,
            count: quote.count,
            balance_fen,
            quote_expires_at_ms: quote.expires_at_ms,
        })
    }
}
