//! One packet as a person may see it: its state, a page of who got what, the best luck, and once it has ended, the seed.
//!
//! **Invariant:** what a person may not see is not read, and nothing that is read grows with the packet.
//!
//! **Invariant:** the seed and others' shares follow from what the shard or the ledger has decided, never from a clock.

use std::rc::Rc;

use hongbao_core::admit::Rates;
use hongbao_core::race::Claim;
use hongbao_core::split::{self, Kind};
use hongbao_core::token::Person;
use hongbao_core::wire::{PAGE_MAX, PacketAnswer, ShareAnswer};
use hongbao_core::{Error, Fen, PacketId, UserId, luck};

use crate::App;
use crate::ledger::{Packet, SharesPage};
use crate::memory::{Ended, Remembered};
use crate::shard::{Onlooker, Outcome, Shard};

/// Which page of a packet's shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Shares with a higher number only; all when absent.
    pub after: Option<u32>,
    /// The most shares.
    pub limit: i64,
}

impl Default for Asked {
    /// The first page, as long as a page may be.
    fn default() -> Self {
        Self { after: None, limit: PAGE_MAX }
    }
}

/// A packet at the moment of a look.
struct Moment {
    packet: Packet,
    /// The clock of whoever decides about the packet, Unix milliseconds.
    now_ms: i64,
    grabbed: u32,
    opened: u32,
    is_closed: bool,
    /// The reader's own share, opened.
    mine: Option<ShareAnswer>,
    /// All opened shares, where they were read with the rest.
    all: Option<Vec<ShareAnswer>>,
}

impl Moment {
    fn has_ended(&self) -> bool {
        self.packet.facts.has_ended(self.opened, self.is_closed)
    }
}

impl App {
    /// The packet `id` as `person` may see it, with the page of shares that is `asked` for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is not the person's to see and they have no share of it;
    /// [`Error::RateLimited`]; [`Error::Degraded`] while details are given up under load.
    pub async fn view(&self, person: &Person, id: PacketId, asked: Asked) -> Result<PacketAnswer, Error> {
        let known = self.any_packet(id).await?;
        if !known.facts.is_visible_to(person) && !self.has_share(&known, &person.user).await? {
            return Err(Error::NotFound);
        }
        self.may_look_back().await?;
        let mut moment = match from_memory(&known, &person.user) {
            Some(moment) => moment,
            None => self.moment(&known, person).await?,
        };
        let may_see_all = moment.has_ended() || moment.packet.facts.sender == person.user || moment.mine.is_some();
        let page = match moment.all.take() {
            _ if !may_see_all => SharesPage::default(),
            Some(all) => cut(all, asked),
            None => Rc::unwrap_or_clone(self.page(&known, asked).await?),
        };
        self.tell_counts(self.shard_numbered(id.shard())).await;
        Ok(answer(moment, page))
    }

    /// Whether `user`, who may not see the packet otherwise, has a share of it: who has left the group since they grabbed.
    /// One call of a cost that does not grow, as for an id that is nobody's; and none for whom the packet is for.
    async fn has_share(&self, known: &Remembered, user: &UserId) -> Result<bool, Error> {
        if let Some(moment) = from_memory(known, user) {
            return Ok(moment.mine.is_some());
        }
        let id = known.facts.id;
        // A rate would tell a stranger that there is such a packet.
        let onlooker = Onlooker { user, is_sender: false, rates: &Rates { view_user: 0, ..Rates::default() } };
        let lost = match self.on_shard(id, async |shard| shard.look(id, &onlooker).await).await {
            Ok(Outcome::Done(sight)) => return Ok(sight.mine.is_some()),
            Ok(Outcome::Missing) => None,
            Err(lost) => Some(lost),
        };
        let _turn = self.ledger_turn()?;
        let claim = self.ledger().await?.claim(id, user).await?;
        // While the shard is away, nobody knows what is not paid yet.
        lost.filter(|_| claim.is_none()).map_or(Ok(claim.is_some()), Err)
    }

    /// Reads the packet from the ledger, and from its shard what is ahead of it.
    async fn moment(&self, known: &Remembered, person: &Person) -> Result<Moment, Error> {
        let id = known.facts.id;
        let packet = match known.ended() {
            Some(ended) => ended.packet.clone(),
            None => self.ledger().await?.known_packet(id).await?,
        };
        let rates = self.rates().await?;
        let onlooker = Onlooker { user: &person.user, is_sender: packet.facts.sender == person.user, rates };
        let look = async |shard: &Shard| shard.look(id, &onlooker).await;
        let looked = match (packet.is_in_sql, packet.is_over()) {
            (true, _) => Ok(Outcome::Missing),
            (false, true) => self.on_shard(id, look).await,
            (false, false) => self.on_packet(id, look).await,
        };
        let sight = match looked {
            Ok(Outcome::Done(sight)) => sight,
            // The ledger knows all there is of a packet that is over, or under its authority.
            Err(lost @ Error::Unavailable(_)) if !packet.is_over() => return Err(lost),
            Err(Error::Unavailable(_)) | Ok(Outcome::Missing) => {
                return self.moment_of_ledger(known, packet, person).await;
            }
            Err(refused) => return Err(self.note_refusal(refused, person, id).await),
        };
        let mine = sight.mine.and_then(|claim| share(known, &person.user, claim));
        let all = sight.all.map(|all| {
            let mut all: Vec<_> = all.iter().filter_map(|(user, claim)| share(known, user, *claim)).collect();
            all.sort_unstable_by_key(|share| share.seq);
            all
        });
        let is_closed = sight.is_closed || packet.closed_at_ms.is_some();
        let (grabbed, opened) = (sight.grabbed, sight.opened);
        let mut moment = Moment { packet, now_ms: sight.now_ms, grabbed, opened, is_closed, mine, all };
        if opened >= moment.packet.facts.count {
            self.mark_best(&mut moment, &person.user).await?;
        }
        known.note_end(&moment.packet, grabbed);
        if let Some(all) = moment.all.as_ref().filter(|_| known.ended().is_some()) {
            let page = SharesPage { shares: all.clone(), next: None };
            known.keep_page(None, Rc::new(page), false, self.now_ms());
        }
        Ok(moment)
    }

    /// A packet that its shard does not hold: what is settled.
    async fn moment_of_ledger(&self, known: &Remembered, packet: Packet, person: &Person) -> Result<Moment, Error> {
        let mine = self.ledger().await?.share(packet.facts.id, &person.user).await?;
        let grabbed = known.ended().map_or(packet.settled, |ended| ended.grabbed);
        known.note_end(&packet, grabbed);
        let (opened, is_closed) = (packet.settled, packet.closed_at_ms.is_some());
        Ok(Moment { packet, now_ms: self.now_ms(), grabbed, opened, is_closed, mine, all: None })
    }

    /// Marks the best luck of a finished packet: among all shares, or as the ledger has it, once it has.
    async fn mark_best(&self, moment: &mut Moment, reader: &UserId) -> Result<(), Error> {
        match &mut moment.all {
            Some(all) => {
                mark_best(moment.packet.facts.kind, all);
                moment.mine = all.iter().find(|share| share.user == *reader).cloned();
            }
            None if moment.mine.is_some() => {
                let paid = self.ledger().await?.share(moment.packet.facts.id, reader).await?;
                moment.mine = paid.or(moment.mine.take());
            }
            None => {}
        }
        Ok(())
    }

    /// A page of the shares that are paid. Of a large packet whole pages are kept for a moment, for whoever else looks,
    /// and of one that has ended for good.
    async fn page(&self, known: &Remembered, asked: Asked) -> Result<Rc<SharesPage>, Error> {
        let was_running = known.ended().is_none();
        let is_large = i64::from(known.facts.count) > PAGE_MAX;
        let is_kept = asked.limit == PAGE_MAX && (is_large || !was_running);
        if let Some(page) = known.page(asked.after, self.now_ms()).filter(|_| is_kept) {
            return Ok(page);
        }
        let page = Rc::new(self.ledger().await?.shares(known.facts.id, asked.after, asked.limit).await?);
        if is_kept {
            known.keep_page(asked.after, page.clone(), was_running, self.now_ms());
        }
        Ok(page)
    }
}

/// A packet that has ended, if all its shares are remembered.
fn from_memory(known: &Remembered, reader: &UserId) -> Option<Moment> {
    let Ended { packet, grabbed } = known.ended()?.clone();
    let page = known.page(None, 0).filter(|page| page.next.is_none())?;
    let all = page.shares.clone();
    let mine = all.iter().find(|share| share.user == *reader).cloned();
    let (opened, is_closed) = (packet.settled, packet.closed_at_ms.is_some());
    // Its state needs no clock any more.
    Some(Moment { packet, now_ms: i64::MAX, grabbed, opened, is_closed, mine, all: Some(all) })
}

/// A share that was opened.
fn share(known: &Remembered, user: &UserId, claim: Claim) -> Option<ShareAnswer> {
    let (opened_at_ms, amount_fen) = (claim.opened_at_ms?, known.amount(claim.seq)?);
    Some(ShareAnswer { user: user.clone(), seq: claim.seq, amount_fen, opened_at_ms, best: false })
}

/// The page of `all` that is asked for.
fn cut(mut all: Vec<ShareAnswer>, asked: Asked) -> SharesPage {
    all.retain(|share| asked.after.is_none_or(|after| share.seq > after));
    SharesPage::of(all, asked.limit)
}

/// Marks the best luck of a finished packet.
fn mark_best(kind: Kind, shares: &mut [ShareAnswer]) {
    let opened = |share: &ShareAnswer| luck::Opened {
        seq: share.seq,
        amount: share.amount_fen,
        opened_at_ms: share.opened_at_ms,
    };
    let best = luck::best(kind, &shares.iter().map(opened).collect::<Vec<_>>());
    for share in shares {
        share.best = Some(share.seq) == best;
    }
}

fn answer(moment: Moment, page: SharesPage) -> PacketAnswer {
    let (has_ended, packet) = (moment.has_ended(), moment.packet);
    let facts = packet.facts;
    PacketAnswer {
        packet_id: facts.id,
        state: facts.state(moment.opened, moment.is_closed, moment.now_ms),
        commitment: facts.commitment_hex(),
        seed: has_ended.then(|| split::hex(&facts.seed)),
        sender: facts.sender,
        kind: facts.kind,
        total_fen: facts.total,
        count: facts.count,
        to: facts.to,
        greeting: packet.greeting,
        cover: packet.cover,
        has_password: facts.password_mac.is_some(),
        grabbed: moment.grabbed,
        opened: moment.opened,
        refunded_fen: packet.refunded.unwrap_or(Fen::ZERO),
        my_share: moment.mine,
        shares: page.shares,
        next: page.next,
        created_at_ms: packet.created_at_ms,
        starts_at_ms: if facts.starts_at_ms == 0 { packet.created_at_ms } else { facts.starts_at_ms },
        expires_at_ms: facts.expires_at_ms,
    }
}
