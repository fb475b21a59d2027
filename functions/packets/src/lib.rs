//! One packet: its state, who got what, the best luck, and once it is over the seed that proves it.

use std::rc::Rc;

use hongbao_core::packet::State;
use hongbao_core::race::Claim;
use hongbao_core::wire::{PacketAnswer, ShareAnswer};
use hongbao_core::{Error, Fen, UserId, split};
use hongbao_spin::app::Remembered;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::Packet;
use hongbao_spin::shard::Live;
use hongbao_spin::{App, sys};

hongbao_spin::http_component!(packets);

async fn packets(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("GET")?;
    let person = app.person(&call).await?;
    let id = call.packet_id()?;
    call.query(&[])?;
    let known = app.packet(id, &person).await?;
    let ledger = app.ledger().await?;
    let packet = ledger.packet(id).await?.ok_or(Error::NotFound)?;
    let live = match app.shard(id).await?.live(id).await? {
        Some(live) => live,
        None => settled(ledger.claims(id).await?),
    };
    Answer::ok(&answer(&packet, &known, &live, &person.user, sys::now_ms())?)
}

/// The live state of a packet that its shard does not hold: what is settled.
fn settled(claims: Vec<(UserId, Claim)>) -> Live {
    let opened = u32::try_from(claims.len()).unwrap_or(u32::MAX);
    Live { grabbed: opened, opened, is_closed: false, claims: claims.into_iter().collect() }
}

fn answer(
    packet: &Packet,
    known: &Remembered,
    live: &Live,
    reader: &UserId,
    now_ms: i64,
) -> Result<PacketAnswer, Error> {
    let facts = packet.facts.clone();
    let state = facts.state(live.opened, live.is_closed || packet.closed_at_ms.is_some(), now_ms);
    let mut shares = Vec::new();
    for (user, claim) in &live.claims {
        let Some(opened_at_ms) = claim.opened_at_ms else { continue };
        let amount_fen = known.amount(claim.seq).ok_or_else(|| Error::Internal("a share beyond the packet".into()))?;
        shares.push(ShareAnswer { user: user.clone(), seq: claim.seq, amount_fen, opened_at_ms, best: false });
    }
    shares.sort_unstable_by_key(|share| share.seq);
    if state == State::Finished {
        mark_best(&mut shares);
    }
    let may_see_all = state.is_over() || facts.sender == *reader || shares.iter().any(|share| share.user == *reader);
    shares.retain(|share| may_see_all || share.user == *reader);
    Ok(PacketAnswer {
        packet_id: facts.id,
        commitment: facts.commitment_hex(),
        seed: state.is_over().then(|| split::hex(&facts.seed)),
        sender: facts.sender,
        kind: facts.kind,
        total_fen: facts.total,
        count: facts.count,
        to: facts.to,
        greeting: packet.greeting.clone(),
        cover: packet.cover.clone(),
        has_password: facts.password_mac.is_some(),
        state,
        grabbed: live.grabbed,
        opened: live.opened,
        refunded_fen: packet.refunded.unwrap_or(Fen::ZERO),
        shares,
        created_at_ms: packet.created_at_ms,
        starts_at_ms: facts.starts_at_ms,
        expires_at_ms: facts.expires_at_ms,
    })
}

/// The largest share is the best luck; the earliest wins a tie.
fn mark_best(shares: &mut [ShareAnswer]) {
    let best = shares.iter_mut().max_by_key(|share| (share.amount_fen, std::cmp::Reverse(share.seq)));
    if let Some(best) = best {
        best.best = true;
    }
}
