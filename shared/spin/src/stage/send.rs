//! Stage 2, 发: takes the quote, funds the escrow in SQL, then loads the packet into the race.
//!
//! The money is in escrow before Redis knows the packet, so whatever Redis says later, SQL can never pay out more.
//! A retry with the same quote finds the same packet; a crash in between is completed by the retry or the sweep.

use hongbao_core::quote::Quote;
use hongbao_core::token::Person;
use hongbao_core::wire::{SendAnswer, SendRequest};
use hongbao_core::{Error, PacketId};

use crate::App;

/// The most entries a journal may have waiting before new packets are refused: opening comes first.
const WAITING_MAX: i64 = 200_000;

impl App {
    /// Sends the quoted packet; answers whether this call was the one that did, and the packet.
    ///
    /// # Errors
    /// [`Error::InvalidQuote`], [`Error::QuoteExpired`], [`Error::InsufficientBalance`], a daily
    /// [`Error::LimitExceeded`], and those of [`App::may_send`].
    pub async fn send(&self, person: &Person, request: &SendRequest) -> Result<(bool, SendAnswer), Error> {
        self.may_send(&person.user).await?;
        let quote = Quote::unseal(&self.keys().await?.signing, &request.quote, &person.user)?;
        let (ledger, now_ms, seed) = (self.ledger().await?, self.now_ms(), self.random_32());
        let packet = if now_ms < quote.expires_at_ms {
            let shard = self.home(quote.packet).await?;
            ledger.fund(&quote, &seed, shard, self.limits().await?, now_ms).await?
        } else {
            // Sent in time, it answers the same for ever.
            ledger.packet(quote.packet).await?.ok_or(Error::QuoteExpired)?
        };
        if !packet.is_over() && !packet.is_in_sql && !packet.is_loaded {
            self.on_shard(quote.packet, async |shard| shard.load(&packet.facts).await.map(drop)).await?;
        }
        let is_first = packet.facts.seed == seed;
        // A twin of this request may have started later and sent the packet first: it is not scheduled for that.
        let now_ms = now_ms.max(packet.created_at_ms);
        let answer = SendAnswer {
            packet_id: packet.facts.id,
            commitment: packet.facts.commitment_hex(),
            state: packet.facts.state(packet.settled, packet.closed_at_ms.is_some(), now_ms),
            expires_at_ms: packet.facts.expires_at_ms,
        };
        Ok((is_first, answer))
    }

    /// Where a new packet will live: its shard, or the ledger itself while the shard is away. This is decided before
    /// any shard knows of the packet, and written down with the money, so that nobody can see it differently.
    async fn home(&self, id: PacketId) -> Result<Option<u16>, Error> {
        let asked = self.on_shard(id, async |shard| Ok((shard.number, shard.waiting().await?))).await;
        match asked {
            Ok((_, waiting)) if waiting > WAITING_MAX => Err(Error::Degraded),
            Ok((shard, _)) => Ok(Some(shard)),
            Err(_) => self.ledger_turn().map(|_turn| None),
        }
    }
}
