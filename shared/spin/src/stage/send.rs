//! Stage 2, 发: takes the quote, funds the escrow in SQL, then loads the packet into the race.
//!
//! The money is in escrow before Redis knows the packet, so whatever Redis says later, SQL can never pay out more.
//! A retry with the same quote finds the same packet; a crash in between is completed by the retry or the sweep.

use hongbao_core::quote::Quote;
use hongbao_core::token::Person;
use hongbao_core::wire::{SendAnswer, SendRequest};
use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::Packet;
use crate::shard::Shard;

impl App {
    /// Sends the quoted packet; answers whether this call was the one that did, and the packet.
    ///
    /// # Errors
    /// [`Error::InvalidQuote`], [`Error::QuoteExpired`], [`Error::InsufficientBalance`], a daily
    /// [`Error::LimitExceeded`], and those of [`draft::check_recipient`](hongbao_core::draft::check_recipient), of [`App::may_send`] and of the shard's door.
    pub async fn send(&self, person: &Person, request: &SendRequest) -> Result<(bool, SendAnswer), Error> {
        let quote = Quote::unseal(self.signing_keys_of(&request.quote).await?, &request.quote, &person.user)?;
        let (now_ms, seed) = (self.now_ms(), self.random_32());
        let mut epoch = None;
        let packet = if now_ms < quote.expires_at_ms {
            match self.admit_send(person, &quote).await {
                // The sender has left the group since, or the quote is from before this was asked.
                Err(refused @ (Error::NotFound | Error::Invalid { .. })) => {
                    let _turn = self.ledger_turn()?;
                    self.ledger().await?.packet(quote.packet).await?.ok_or(refused)?
                }
                Ok(shard) => {
                    let limits = self.limits().await?;
                    epoch = self.shard_numbered(quote.packet.shard()).and_then(Shard::trusted_epoch);
                    self.ledger().await?.fund(&quote, &seed, shard, limits, now_ms).await?
                }
                // What was sent answers the same for ever, whatever is refused now.
                Err(refused) => self.sent_before(quote.packet).await.ok_or(refused)?,
            }
        } else {
            self.ledger().await?.packet(quote.packet).await?.ok_or(Error::QuoteExpired)?
        };
        let is_first = packet.facts.seed == seed;
        if !packet.is_over() && !packet.is_in_sql && !packet.is_loaded {
            self.load_sent(&packet, if is_first { epoch } else { None }).await?;
        }
        self.tell_counts(self.shard_numbered(quote.packet.shard())).await;
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

    /// Loads a packet that no shard has confirmed. What a shard may have held under an epoch before its present one comes
    /// back as vouchers from then want it; one that was funded under `epoch` was not there before.
    async fn load_sent(&self, packet: &Packet, epoch: Option<u32>) -> Result<(), Error> {
        let id = packet.facts.id;
        let load = async |shard: &Shard| {
            let now = shard.trusted_epoch();
            let is_new = (now.is_some() && now == epoch) || now.is_some_and(|now| !packet.is_from_before(now));
            if is_new { shard.load(&packet.facts).await.map(|_| true) } else { Ok(false) }
        };
        if !self.on_shard(id, load).await? && !self.on_shard(id, async |shard| shard.holds(id).await).await? {
            self.put_back(id).await?;
        }
        Ok(())
    }

    /// The packet, if it was sent and the ledger has a moment to say so: refusals must stay cheap.
    async fn sent_before(&self, id: PacketId) -> Option<Packet> {
        let _turn = self.ledger_turn().ok()?;
        self.ledger().await.ok()?.packet(id).await.ok()?
    }
}
