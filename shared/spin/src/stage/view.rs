//! One packet as a person may see it: its state, who got what, the best luck, and once over, the seed.

use hongbao_core::packet::State;
use hongbao_core::race::Claim;
use hongbao_core::split::{self, Kind};
use hongbao_core::token::Person;
use hongbao_core::wire::{PacketAnswer, ShareAnswer};
use hongbao_core::{Error, Fen, PacketId, UserId, luck};

use crate::App;
use crate::ledger::Packet;
use crate::memory::Remembered;
use crate::shard::Live;

impl App {
    /// The packet `id` as `person` may see it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none or it is not the person's to see; [`Error::Degraded`] while details are
    /// given up under load.
    pub async fn view(&self, person: &Person, id: PacketId) -> Result<PacketAnswer, Error> {
        let known = self.packet(id, person).await?;
        self.may_look_back().await?;
        if let Some((packet, live)) = known.ended() {
            return answer(packet.clone(), &known, live, &person.user, self.now_ms());
        }
        let ledger = self.ledger().await?;
        let packet = ledger.packet(id).await?.ok_or(Error::NotFound)?;
        let live = match self.on_shard(id, async |shard| shard.live(id).await).await {
            Ok(Some(live)) if !packet.is_in_sql => live,
            // The ledger knows all there is of a packet that is over, or under its authority.
            Err(lost) if !packet.is_over() && !packet.is_in_sql => return Err(lost),
            _ => settled(ledger.claims(id).await?),
        };
        known.note_end(&packet, &live);
        self.tell_counts(self.shard_numbered(id.shard())).await;
        answer(packet, &known, &live, &person.user, self.now_ms())
    }
}

/// The live state of a packet that its shard does not hold: what is settled.
fn settled(claims: Vec<(UserId, Claim)>) -> Live {
    let opened = u32::try_from(claims.len()).unwrap_or(u32::MAX);
    Live { grabbed: opened, opened, is_closed: false, claims: claims.into_iter().collect() }
}

fn answer(
    packet: Packet,
    known: &Remembered,
    live: &Live,
    reader: &UserId,
    now_ms: i64,
) -> Result<PacketAnswer, Error> {
    let facts = packet.facts;
    let state = facts.state(live.opened, live.is_closed || packet.closed_at_ms.is_some(), now_ms);
    let mut shares = opened_shares(known, live)?;
    if state == State::Finished {
        mark_best(facts.kind, &mut shares);
    }
    let has_opened = shares.iter().any(|share| share.user == *reader);
    if !state.is_over() && facts.sender != *reader && !has_opened {
        shares.clear();
    }
    Ok(PacketAnswer {
        packet_id: facts.id,
        commitment: facts.commitment_hex(),
        seed: state.is_over().then(|| split::hex(&facts.seed)),
        sender: facts.sender,
        kind: facts.kind,
        total_fen: facts.total,
        count: facts.count,
        to: facts.to,
        greeting: packet.greeting,
        cover: packet.cover,
        has_password: facts.password_mac.is_some(),
        state,
        grabbed: live.grabbed,
        opened: live.opened,
        refunded_fen: packet.refunded.unwrap_or(Fen::ZERO),
        shares,
        created_at_ms: packet.created_at_ms,
        starts_at_ms: if facts.starts_at_ms == 0 { packet.created_at_ms } else { facts.starts_at_ms },
        expires_at_ms: facts.expires_at_ms,
    })
}

/// The opened shares, by number.
fn opened_shares(known: &Remembered, live: &Live) -> Result<Vec<ShareAnswer>, Error> {
    let mut shares = Vec::new();
    for (user, claim) in &live.claims {
        let Some(opened_at_ms) = claim.opened_at_ms else { continue };
        let amount_fen = known.amount(claim.seq).ok_or_else(|| Error::Internal("a share beyond the packet".into()))?;
        shares.push(ShareAnswer { user: user.clone(), seq: claim.seq, amount_fen, opened_at_ms, best: false });
    }
    shares.sort_unstable_by_key(|share| share.seq);
    Ok(shares)
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
