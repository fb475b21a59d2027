//! Exceptions: what no rule could decide is shown with its evidence, and an operator retries, compensates or dismisses.

use hongbao_core::event::Event;
use hongbao_core::wire::operator::{Evidence, ExceptionAnswer, ExceptionState, ExceptionsAnswer, PacketSummary};
use hongbao_core::{Error, Fen, PacketId, UserId};
use serde_json::json;

use crate::ledger::{By, Exception};
use crate::{App, settle};

/// What an operator does about an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Settle it again.
    Retry,
    /// Pay this much, or what the share holds.
    Compensate(Option<Fen>),
    /// Nothing is owed.
    Dismiss,
}

impl Remedy {
    const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Compensate(_) => "compensate",
            Self::Dismiss => "dismiss",
        }
    }

    /// Whether `exception` was resolved by this remedy, for this reason.
    fn resolved(self, exception: &Exception, reason: &str) -> bool {
        let Some(resolution) = &exception.resolution else { return false };
        let is_same_amount = match self {
            Self::Compensate(Some(amount)) => resolution.amount_fen == Some(amount),
            _ => true,
        };
        resolution.act == self.name() && resolution.reason == reason && is_same_amount
    }
}

impl App {
    /// A page of exceptions, newest first, with their evidence.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn exceptions(&self, state: ExceptionState, before: &str, limit: i64) -> Result<ExceptionsAnswer, Error> {
        let (exceptions, next) = self.ledger().await?.exceptions(state, before, limit).await?;
        Ok(ExceptionsAnswer { exceptions: self.with_evidence(exceptions).await?, next })
    }

    /// One exception with its evidence.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn exception(&self, id: &str) -> Result<ExceptionAnswer, Error> {
        let exception = self.ledger().await?.exception(id).await?.ok_or(Error::NotFound)?;
        self.with_evidence(vec![exception]).await?.pop().ok_or(Error::NotFound)
    }

    /// Applies `remedy` to an exception, once; answers the exception as it stands then. A retry that settles nothing
    /// leaves it open.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it was resolved in another way or for another reason;
    /// [`Error::Invalid`] for a compensation that says neither whom nor how much.
    pub async fn resolve(&self, by: By<'_>, id: &str, remedy: Remedy) -> Result<ExceptionAnswer, Error> {
        let ledger = self.ledger().await?;
        let exception = ledger.exception(id).await?.ok_or(Error::NotFound)?;
        if exception.resolution.is_none() {
            match remedy {
                Remedy::Retry => ledger.retry(by, id, self.again(&exception).await?).await?,
                Remedy::Dismiss => ledger.dismiss(by, id).await?,
                Remedy::Compensate(amount) => {
                    let evidence = self.exception(id).await?.evidence;
                    let user = evidence.user.ok_or_else(|| Error::invalid("id", NOBODY))?;
                    let amount =
                        amount.or(evidence.amount_fen).ok_or_else(|| Error::invalid("amount_fen", NO_SHARE))?;
                    ledger.compensate(by, id, &user, amount).await?;
                }
            }
        }
        let now = ledger.exception(id).await?.ok_or(Error::NotFound)?;
        let is_done = remedy.resolved(&now, by.reason) || (now.resolution.is_none() && remedy == Remedy::Retry);
        if is_done { self.exception(id).await } else { Err(Error::Conflict) }
    }

    /// What a retry goes by: the settlement of the recorded entry, with amounts from the packet's seed; or of a drift,
    /// what the books say now.
    async fn again(&self, exception: &Exception) -> Result<String, Error> {
        if let Some(subject) = drifting(exception) {
            let faults = self.faults_of(subject).await?;
            let found: Vec<_> = faults.iter().map(|fault| &fault.text).collect();
            let is_sound = i64::from(faults.is_empty());
            return Ok(
                json!({"kind": "drift", "packet": exception.packet, "is_sound": is_sound, "found": found}).to_string()
            );
        }
        let event = Event::of_evidence(&exception.entry);
        let packet = match &event {
            Some(event) => self.ledger().await?.packet(event.packet()).await?,
            None => None,
        };
        let amounts = packet.map(|packet| packet.facts.amounts());
        let event_id = exception.id.strip_prefix("ex_").unwrap_or(&exception.id).to_owned();
        let settlement = settle::settlement(event_id, &exception.entry, event, amounts.as_deref());
        serde_json::to_string(&settlement).map_err(|error| Error::Internal(error.to_string()))
    }

    async fn with_evidence(&self, exceptions: Vec<Exception>) -> Result<Vec<ExceptionAnswer>, Error> {
        let ledger = self.ledger().await?;
        let mut ids: Vec<_> = exceptions.iter().filter_map(packet_of).collect();
        ids.sort_unstable();
        ids.dedup();
        let opens: Vec<_> = exceptions.iter().filter_map(open_of).collect();
        let summaries = ledger.summaries(&ids).await?;
        let packets = ledger.packets(&ids).await?;
        let conflicts = ledger.conflicts(&opens).await?;
        let answer = |exception: Exception| {
            let (id, open) = (packet_of(&exception), open_of(&exception));
            let packet = summaries.iter().find(|packet| Some(packet.packet_id) == id).cloned();
            let facts = packets.iter().map(|packet| &packet.facts).find(|facts| Some(facts.id) == id);
            let share =
                |(_, seq, _): &(PacketId, u32, UserId)| facts?.amounts().get(usize::try_from(*seq).ok()?).copied();
            let stands_in_the_way = |(packet, paid): &&(PacketId, _)| {
                let paid: &hongbao_core::wire::operator::PaidShare = paid;
                open.as_ref().is_some_and(|(id, seq, user)| packet == id && (paid.seq == *seq || paid.user == *user))
            };
            ExceptionAnswer {
                state: if exception.resolution.is_some() { ExceptionState::Resolved } else { ExceptionState::Open },
                packet_id: id,
                evidence: Evidence {
                    user: concerned(&exception, open.as_ref(), packet.as_ref()),
                    amount_fen: open.as_ref().and_then(share),
                    conflicts: conflicts.iter().filter(stands_in_the_way).map(|(_, paid)| paid.clone()).collect(),
                    packet,
                    entry: exception.entry,
                },
                id: exception.id,
                reason: exception.reason,
                created_at_ms: exception.created_at_ms,
                resolution: exception.resolution,
            }
        };
        Ok(exceptions.into_iter().map(answer).collect())
    }
}

const NOBODY: &str = "names nobody who could be paid: dismiss it, or pay by a deposit";
const NO_SHARE: &str = "must be given: the entry names no share of a known packet";

/// The packet that an exception is about.
fn packet_of(exception: &Exception) -> Option<PacketId> {
    Event::of_evidence(&exception.entry).map(|event| event.packet()).or_else(|| PacketId::parse(&exception.packet))
}

/// The share that an exception is about, where somebody opened one or claims to have.
fn open_of(exception: &Exception) -> Option<(PacketId, u32, UserId)> {
    match Event::of_evidence(&exception.entry)? {
        Event::Open { packet, seq, user, .. } | Event::Contest { packet, seq, user, .. } => Some((packet, seq, user)),
        Event::Load { .. } | Event::Close { .. } | Event::Risk { .. } => None,
    }
}

/// The packet or account that drifts; `None` for other exceptions.
fn drifting(exception: &Exception) -> Option<&str> {
    exception.id.strip_prefix("ex_drift:")?.rsplit_once(':').map(|(subject, _)| subject)
}

/// Whom an exception concerns: who opened the share, whose wallet drifts, else who sent the packet.
fn concerned(
    exception: &Exception,
    open: Option<&(PacketId, u32, UserId)>,
    packet: Option<&PacketSummary>,
) -> Option<UserId> {
    let wallet = || drifting(exception)?.strip_prefix("wallet:").and_then(UserId::parse);
    open.map(|(_, _, user)| user.clone()).or_else(wallet).or_else(|| packet.map(|packet| packet.sender.clone()))
}
