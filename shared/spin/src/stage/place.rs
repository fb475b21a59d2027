//! Where a new packet goes: which shard of Redis, by weight and health, and whether it may go there.

use hongbao_core::admit::{Level, Operation};
use hongbao_core::guess::Guess;
use hongbao_core::quote::Quote;
use hongbao_core::risk::{Action, Rule};
use hongbao_core::token::Person;
use hongbao_core::{Error, PacketId, draft, route};

use crate::App;
use crate::count::Count;
use crate::shard::{Door, Shard, Visit};

impl App {
    /// The shard that a new packet is made for: by weight, of those that answer. When none does, by weight alone: then
    /// the packet will live under SQL authority.
    ///
    /// # Errors
    /// [`Error::Degraded`] when no shard takes new packets.
    pub(crate) async fn shard_for_new(&self, random: u64) -> Result<u16, Error> {
        let copy = self.controls(None).await;
        let weigh = |shard: &Shard| (shard.number, copy.controls.weight(shard.number));
        let all: Vec<(u16, u32)> = self.shards().iter().map(weigh).collect();
        let mut left = all.clone();
        while let Some(number) = route::pick(&left, random) {
            match self.shard_numbered(number) {
                Some(shard) if shard.pulse(self.now_ms()).await.is_some() => return Ok(number),
                _ => left.retain(|(other, _)| *other != number),
            }
        }
        route::pick(&all, random).ok_or(Error::Degraded)
    }

    /// Lets a quoted packet in: its shard, or none for the ledger itself while the shard is away. This is decided
    /// before any shard knows of the packet, and written down with the money, so that nobody can see it differently.
    ///
    /// # Errors
    /// Those of [`draft::check_recipient`] and [`App::may_send`], [`Error::RateLimited`], [`Error::RiskDenied`]; [`Error::QuoteExpired`] when the shard
    /// takes no new packets any more: wrap again.
    pub(crate) async fn admit_send(&self, person: &Person, quote: &Quote) -> Result<Option<u16>, Error> {
        draft::check_recipient(&quote.to, person)?;
        if let Err(refused) = self.may_send(&person.user).await {
            return Err(self.note_refusal(refused, person, quote.packet).await);
        }
        let (policy, copy) = (self.policy().await?, self.controls(None).await);
        let _in_hand = self.in_hand(&policy.rates)?;
        if copy.controls.weight(quote.packet.shard()) == 0 {
            return Err(Error::QuoteExpired);
        }
        let visit = Visit {
            door: Door::Send,
            user: &person.user,
            device: None,
            rates: &policy.rates,
            rules: copy.rules(&policy.rules),
            new_account: Action::Off,
            starts_at_ms: 0,
            guess: Guess::NotAsked,
        };
        let asked = self.on_shard(quote.packet, async |shard| {
            Ok((shard.number, shard.admit(quote.packet, &visit, self.now_ms()).await?))
        });
        match asked.await {
            Ok((_, waiting)) if Level::of_backlog(waiting).sheds(Operation::Send) => {
                self.counts.add(Count::Shed);
                Err(Error::Degraded)
            }
            Ok((shard, _)) => Ok(Some(shard)),
            Err(Error::Unavailable(_)) => self.ledger_turn().map(|_turn| None),
            Err(refused) => Err(self.note_refusal(refused, person, quote.packet).await),
        }
    }

    /// Counts a refusal at the door; that of somebody on the blacklist is put on record too.
    pub(crate) async fn note_refusal(&self, refused: Error, person: &Person, id: PacketId) -> Error {
        match refused {
            Error::RateLimited { .. } => self.counts.add(Count::Limited),
            Error::RiskDenied => self.counts.add(Count::Denied),
            Error::Blocked => {
                self.counts.add(Count::Denied);
                let (rule, action) = (Rule::Blacklist, Action::Deny);
                let report =
                    self.on_shard(id, async |shard| shard.report(id, &person.user, rule, action, "blocked").await);
                if let Err(error) = report.await {
                    eprintln!("a refusal of {} is not on record: {error:?}", person.user);
                }
            }
            _ => {}
        }
        refused
    }
}
