//! Stage 4, 拆: takes the voucher, works out the amount, and one script marks the share opened, journals it and
//! rings the doorbell. The wallet is credited later, by the settlement.

use hongbao_core::event::Event;
use hongbao_core::token::Person;
use hongbao_core::voucher::Voucher;
use hongbao_core::wire::{OpenAnswer, OpenRequest};
use hongbao_core::{Error, Fen, PacketId};

use crate::App;
use crate::settle::settlement;
use crate::shard::Outcome;

impl App {
    /// Opens the voucher's share of the packet `id`, or answers what was in it. The voucher is the right to it: who has left
    /// the group since they grabbed, opens what is theirs.
    ///
    /// # Errors
    /// [`Error::NotFound`] without a voucher of one's own or a right to see the packet, [`Error::InvalidVoucher`],
    /// [`Error::NotGrabbed`], [`Error::Expired`], [`Error::Contested`].
    pub async fn open(&self, person: &Person, id: PacketId, request: &OpenRequest) -> Result<OpenAnswer, Error> {
        let packet = self.any_packet(id).await?;
        let voucher = match self.voucher(person, id, request).await {
            Err(Error::InvalidVoucher) if !packet.facts.is_visible_to(person) => return Err(Error::NotFound),
            voucher => voucher?,
        };
        let seq = voucher.seq;
        let amount_fen = packet.amount(seq).ok_or(Error::InvalidVoucher)?;
        let opened_at_ms = match self.on_packet(id, async |shard| shard.open(&voucher).await).await {
            Ok(Outcome::Done((opened_at_ms, has_rung))) => {
                if has_rung {
                    self.pass_on_bell(id.shard()).await;
                }
                opened_at_ms
            }
            Ok(Outcome::Missing) => self.open_by_ledger(&voucher, amount_fen, Error::NotGrabbed).await?,
            Err(lost @ Error::Unavailable(_)) => self.open_by_ledger(&voucher, amount_fen, lost).await?,
            Err(refused) => return Err(refused),
        };
        Ok(OpenAnswer { packet_id: id, seq, amount_fen, opened_at_ms })
    }

    async fn voucher(&self, person: &Person, id: PacketId, request: &OpenRequest) -> Result<Voucher, Error> {
        let keys = self.signing_keys_of(&request.voucher).await?;
        Voucher::unseal(keys, &request.voucher, id, &person.user, self.now_ms())
    }

    /// The settlement hears the first shard's bell only, so another's is rung there too, at most once a second a shard.
    /// A bell that is not heard is made good by the sweep.
    async fn pass_on_bell(&self, number: u16) {
        if let Some(first) = self.shards().first().filter(|first| first.number != number)
            && let Err(error) = first.ring_for(number).await
        {
            eprintln!("the bell of shard {number} is not heard: {error:?}");
        }
    }

    /// An open that the shard cannot decide: the ledger does where it has the authority, and remembers what it paid.
    async fn open_by_ledger(&self, voucher: &Voucher, amount: Fen, why: Error) -> Result<i64, Error> {
        let _turn = self.ledger_turn()?;
        let ledger = self.ledger().await?;
        let packet = ledger.known_packet(voucher.packet).await?;
        let refusal = if packet.is_in_sql {
            match ledger.open_in_sql(voucher.packet, voucher.seq, &voucher.user, amount, self.now_ms()).await {
                Err(refusal @ (Error::Expired | Error::Contested)) => refusal,
                decided => return decided,
            }
        } else {
            let claim = ledger.claim(voucher.packet, &voucher.user).await?;
            match claim.filter(|claim| claim.seq == voucher.seq).and_then(|claim| claim.opened_at_ms) {
                Some(opened_at_ms) => return Ok(opened_at_ms),
                None if packet.is_over() => packet.refusal(why),
                None => return Err(packet.refusal(why)),
            }
        };
        self.record_receipt(voucher).await?;
        Err(refusal)
    }

    /// Puts a voucher on record that cannot be honoured any more, if its shard has lost contents since it was given:
    /// then its share may have been opened before.
    async fn record_receipt(&self, voucher: &Voucher) -> Result<(), Error> {
        let ledger = self.ledger().await?;
        let (packet, user) = (voucher.packet, voucher.user.clone());
        let epoch = ledger.shard(packet.shard()).await?.epoch;
        if voucher.epoch == 0 || voucher.epoch >= epoch {
            return Ok(());
        }
        let now_ms = self.now_ms();
        let event = Event::Contest { packet, epoch, seq: voucher.seq, user, at_ms: now_ms };
        let event_id = format!("voucher:{packet}:{}", voucher.user);
        Ok(ledger.settle(&[settlement(event_id, &event.to_string(), Some(event), None)], now_ms).await?)
    }
}
