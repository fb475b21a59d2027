//! Stage 3, 抢: one script lets the caller in and binds the next share; the answer is a signed voucher.

use hongbao_core::guess::Guess;
use hongbao_core::packet::Facts;
use hongbao_core::risk::{Action, Rule, Rules, Setting};
use hongbao_core::token::Person;
use hongbao_core::voucher::{KEPT_AFTER_END_MS, Voucher};
use hongbao_core::wire::{GrabAnswer, GrabRequest};
use hongbao_core::{Error, PacketId, UserId};

use crate::App;
use crate::count::Count;
use crate::ledger::{Counted, Packet, Sighting};
use crate::memory::Remembered;
use crate::shard::{Door, Outcome, Shard, Visit};

/// Nobody is told from memory that a packet opens later when it opens within this time, in milliseconds.
const NEAR_MS: i64 = 5_000;

impl App {
    /// Binds a share of the packet `id` to `person`, who asks from `device`, or answers the one bound before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongPassword`], [`Error::NotStarted`], [`Error::SoldOut`], [`Error::Expired`],
    /// [`Error::Blocked`], and those of the shard's door: [`Error::RateLimited`], [`Error::RiskDenied`],
    /// [`Error::Degraded`].
    pub async fn grab(
        &self,
        person: Person,
        device: Option<&str>,
        id: PacketId,
        request: &GrabRequest,
    ) -> Result<GrabAnswer, Error> {
        let (policy, packet) = (self.policy().await?, self.packet(id, &person).await?);
        let shard = self.shard_numbered(id.shard());
        let controls = match self.may_grab(&person.user, shard).await {
            Ok(controls) => controls,
            Err(refused) => return Err(self.note_refusal(refused, &person, id).await),
        };
        let _in_hand = self.in_hand(&policy.rates)?;
        packet.facts.admits(&person)?;
        let guess = self.guess(&packet.facts, request.password.as_deref()).await?;
        let bound = match self.remembered_refusal(&packet, &person.user, shard) {
            Some(refused) => Err(refused),
            None => {
                let rules = controls.rules(&policy.rules);
                let visit = Visit {
                    door: Door::Grab,
                    user: &person.user,
                    device,
                    rates: &policy.rates,
                    rules,
                    new_account: new_account(&person, rules, self.now_ms()),
                    starts_at_ms: packet.facts.starts_at_ms,
                    guess,
                };
                self.bind(&packet, &visit).await
            }
        };
        let bound = match bound {
            Ok(bound) => Ok(bound),
            Err(refused) => Err(self.note_refusal(refused, &person, id).await),
        };
        self.tell_counts(shard).await;
        let (seq, epoch) = bound?;
        let expires_at_ms = packet.facts.expires_at_ms.saturating_add(KEPT_AFTER_END_MS);
        let voucher = Voucher { packet: id, seq, epoch, expires_at_ms, user: person.user };
        Ok(GrabAnswer { packet_id: id, seq, voucher: voucher.seal(&self.keys().await?.signing) })
    }

    /// What `password` is to the packet. Nobody is told before it was counted.
    async fn guess(&self, facts: &Facts, password: Option<&str>) -> Result<Guess, Error> {
        let keys = match &facts.password_mac {
            Some(kept) => self.signing_keys_of(kept).await?,
            None => return Ok(Guess::NotAsked),
        };
        Ok(facts.guess(password, keys))
    }

    /// Why the user gets no share, as far as that needs no call.
    fn remembered_refusal(&self, packet: &Remembered, user: &UserId, shard: Option<&Shard>) -> Option<Error> {
        let now_ms = self.now_ms();
        if let Some(early_ms) = packet.early_ms(now_ms).filter(|early_ms| *early_ms > NEAR_MS) {
            return Some(Error::NotStarted { retry_after_ms: early_ms });
        }
        let refused = packet.refusal(user, shard.and_then(Shard::trusted_epoch), now_ms)?;
        self.counts.add(Count::OverHit);
        Some(refused)
    }

    async fn bind(&self, packet: &Remembered, visit: &Visit<'_>) -> Result<(u32, u32), Error> {
        let id = packet.facts.id;
        match self.on_packet(id, async |shard| shard.grab(id, visit).await).await {
            Ok(Outcome::Done(bound)) => {
                packet.note_holder(visit.user);
                Ok(bound)
            }
            // Who looked first may have learned that it is over.
            Ok(Outcome::Missing) => {
                match self.remembered_refusal(packet, visit.user, self.shard_numbered(id.shard())) {
                    Some(refused) => Err(refused),
                    None => self.grab_by_ledger(id, visit, Error::SoldOut).await,
                }
            }
            Err(lost @ Error::Unavailable(_)) => self.grab_by_ledger(id, visit, lost).await,
            Err(Error::NotStarted { retry_after_ms }) => {
                packet.note_early(retry_after_ms, self.now_ms());
                Err(Error::NotStarted { retry_after_ms })
            }
            Err(over @ (Error::SoldOut | Error::Expired)) => {
                self.learn_over(packet, &over).await;
                Err(over)
            }
            Err(refused) => Err(refused),
        }
    }

    /// Remembers that nobody gets a share any more, and who has one. It saves calls, so it may fail.
    async fn learn_over(&self, packet: &Remembered, why: &Error) {
        self.counts.add(Count::OverMiss);
        let id = packet.facts.id;
        let epoch = self.shard_numbered(id.shard()).and_then(Shard::trusted_epoch);
        if !epoch.is_some_and(|epoch| packet.note_refusal(why, epoch, self.now_ms())) {
            return;
        }
        let asked = self.on_shard(id, async |shard| Ok((shard.live(id).await?, shard.trusted_epoch()))).await;
        if let Ok((Some(live), Some(epoch))) = asked {
            packet.note_over(why, epoch, &live, self.now_ms());
        }
    }

    /// A grab that the shard cannot decide: the ledger does where it has the authority, and knows of packets that
    /// are over. Vouchers of the ledger carry epoch 0: no shard's.
    ///
    /// Without that authority nobody is told what their guess at a password was: there is no share to be had.
    async fn grab_by_ledger(&self, id: PacketId, visit: &Visit<'_>, why: Error) -> Result<(u32, u32), Error> {
        let _turn = self.ledger_turn()?;
        let (ledger, user) = (self.ledger().await?, visit.user);
        let packet = ledger.known_packet(id).await?;
        if (!packet.is_in_sql || visit.guess != Guess::NotAsked)
            && let Some(claim) = ledger.claim(id, user).await?
        {
            return Ok((claim.seq, 0));
        }
        if !packet.is_in_sql {
            return Err(packet.refusal(why));
        }
        self.judge_by_ledger(&packet, visit).await?;
        Ok((ledger.grab_in_sql(id, user, self.now_ms()).await?, 0))
    }

    /// Judges a guess at the password of a packet that the ledger has the authority over, by the rules of `grab.lua` and
    /// in their order: whoever could get no share anyhow is told that, whatever the guess. It is counted before it is
    /// judged, since each of the two is a statement of its own: so a right one counts too, but is nothing to record.
    async fn judge_by_ledger(&self, packet: &Packet, visit: &Visit<'_>) -> Result<(), Error> {
        if visit.guess == Guess::NotAsked {
            return Ok(());
        }
        let (facts, now_ms) = (&packet.facts, self.now_ms());
        let early_ms = facts.starts_at_ms.saturating_sub(now_ms);
        if early_ms > 0 {
            return Err(Error::NotStarted { retry_after_ms: early_ms });
        }
        if self.ledger().await?.taken_from(facts.id, visit.user).await? >= facts.count {
            return Err(Error::SoldOut);
        }
        if packet.is_over() || now_ms >= facts.expires_at_ms {
            return Err(Error::Expired);
        }
        let rule = visit.rules.of(Rule::PasswordGuess);
        if visit.guess != Guess::None && rule.action != Action::Off {
            self.count_guess(facts, visit, rule, now_ms).await?;
        }
        if visit.guess == Guess::Right { Ok(()) } else { Err(Error::WrongPassword) }
    }

    async fn count_guess(&self, facts: &Facts, visit: &Visit<'_>, rule: Setting, now_ms: i64) -> Result<(), Error> {
        let (ledger, user) = (self.ledger().await?, visit.user);
        let tries = match ledger.count_guess(facts, user, rule.bound, now_ms).await? {
            Counted::Waits { retry_after_ms } if rule.action == Action::Slow => {
                return Err(Error::RateLimited { retry_after_ms });
            }
            Counted::Waits { .. } if rule.action == Action::Deny => return Err(Error::RiskDenied),
            Counted::Waits { .. } => return Ok(()),
            Counted::Tried(tries) => tries,
        };
        if tries < rule.bound || visit.guess == Guess::Right {
            return Ok(());
        }
        let (packet, user) = (facts.id.to_string(), user.to_string());
        ledger
            .record_risks(&[Sighting {
                event: format!("guess:{packet}:{user}:{tries}"),
                rule: Rule::PasswordGuess.id(),
                user,
                packet,
                action: rule.action.as_str(),
                detail: format!("misses={tries}"),
                at_ms: now_ms,
            }])
            .await?;
        Ok(())
    }
}

/// What the rule for new accounts does about this person: nothing where nobody knows how old the account is.
fn new_account(person: &Person, rules: &Rules, now_ms: i64) -> Action {
    let setting = rules.of(Rule::NewAccount);
    let is_new = person.since.is_some_and(|since| now_ms.div_euclid(1000).saturating_sub(since) < setting.bound);
    if is_new { setting.action } else { Action::Off }
}
