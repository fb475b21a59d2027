//! What the tables must hold by themselves: double entry, and every packet's fen accounted for.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{Claim, Packet, Posting, Tables};
use super::{Moment, Violation, violation};

pub(super) fn check(tables: &Tables, moment: Moment, found: &mut Vec<Violation>) {
    balances(tables, found);
    natural_ids(tables, found);
    for packet in &tables.packets {
        one_packet(tables, packet, moment, found);
    }
    for claim in tables.claims.iter().filter(|claim| tables.packet(&claim.packet).is_none()) {
        violation(found, "claim without packet", format!("{claim:?}"));
    }
}

/// Every balance is the sum of its postings, none but the world's is negative, and together they are nothing.
fn balances(tables: &Tables, found: &mut Vec<Violation>) {
    let mut sums = BTreeMap::<&str, i128>::new();
    for posting in &tables.postings {
        if posting.amount_fen <= 0 || posting.debit == posting.credit {
            violation(found, "senseless posting", format!("{posting:?}"));
        }
        *sums.entry(&posting.debit).or_default() -= i128::from(posting.amount_fen);
        *sums.entry(&posting.credit).or_default() += i128::from(posting.amount_fen);
    }
    let mut total = 0;
    for account in &tables.accounts {
        let balance = i128::from(account.balance_fen);
        total += balance;
        let sum = sums.remove(account.id.as_str()).unwrap_or_default();
        if balance != sum {
            violation(found, "balance is not its postings", format!("{}: {balance} instead of {sum}", account.id));
        }
        if balance < 0 && account.id != "world" {
            violation(found, "negative balance", format!("{}: {balance}", account.id));
        }
    }
    for (account, sum) in sums {
        violation(found, "posting without account", format!("{account}: {sum}"));
    }
    if total != 0 {
        violation(found, "wrong total", format!("all balances together are {total}"));
    }
}

/// A natural id is used once.
fn natural_ids(tables: &Tables, found: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for posting in &tables.postings {
        if !seen.insert(&posting.id) {
            violation(found, "posted twice", posting.id.clone());
        }
    }
}

/// Funded = settled + refunded + escrow, each share once, each user once, a refund once and last.
fn one_packet(tables: &Tables, packet: &Packet, moment: Moment, found: &mut Vec<Violation>) {
    let id = &packet.id;
    let claims: Vec<&Claim> = tables.claims.iter().filter(|claim| claim.packet == *id).collect();
    claims_alone(packet, &claims, found);
    let escrow = format!("packet:{id}");
    let (mut into, mut out): (Vec<&Posting>, Vec<&Posting>) = (Vec::new(), Vec::new());
    for posting in &tables.postings {
        into.extend((posting.credit == escrow).then_some(posting));
        out.extend((posting.debit == escrow).then_some(posting));
    }
    match into.as_slice() {
        [fund] if fund.amount_fen == packet.total_fen && fund.debit == format!("wallet:{}", packet.sender) => {}
        other => violation(found, "not funded once", format!("{id}: {other:?}")),
    }
    let (refunds, opens): (Vec<&Posting>, Vec<&Posting>) =
        out.into_iter().partition(|posting| posting.id == format!("refund:{id}"));
    let paid = |posting: &&&Posting| (posting.credit.clone(), posting.amount_fen);
    let mut posted: Vec<_> = opens.iter().map(|posting| paid(&posting)).collect();
    let mut claimed: Vec<_> = claims.iter().map(|claim| (format!("wallet:{}", claim.user), claim.amount_fen)).collect();
    posted.sort();
    claimed.sort();
    if posted != claimed {
        violation(found, "claims are not payouts", format!("{id}: claims {claimed:?}, postings {posted:?}"));
    }
    let settled_fen: i64 = claims.iter().map(|claim| claim.amount_fen).sum();
    let refunded_fen: i64 = refunds.iter().map(|refund| refund.amount_fen).sum();
    if refunds.len() > 1 || packet.refunded_fen.unwrap_or(0) != refunded_fen {
        violation(found, "refunded more than once", format!("{id}: {:?}, {refunds:?}", packet.refunded_fen));
    }
    if let Some(refund) = refunds.first() {
        if settled_fen + refunded_fen != packet.total_fen || refund.credit != format!("wallet:{}", packet.sender) {
            violation(
                found,
                "wrong refund",
                format!("{id}: {settled_fen} paid, {refund:?}, {} sent", packet.total_fen),
            );
        }
        if let Some(late) = opens.iter().find(|open| open.number > refund.number) {
            violation(found, "refund before all opens", format!("{refund:?}, then {late:?}"));
        }
        if refund.at_ms < packet.expires_at_ms {
            violation(found, "refund before the end", format!("{refund:?}, the end is {}", packet.expires_at_ms));
        }
    }
    let is_finished = i64::try_from(claims.len()) == Ok(packet.count);
    if is_finished && settled_fen != packet.total_fen {
        violation(found, "wrong total", format!("{id}: {settled_fen} paid of {}", packet.total_fen));
    }
    if moment == Moment::Settled && !is_finished && refunds.is_empty() {
        violation(found, "never refunded", format!("{id}: {} of {} settled", claims.len(), packet.count));
    }
}

fn claims_alone(packet: &Packet, claims: &[&Claim], found: &mut Vec<Violation>) {
    let (mut shares, mut users) = (BTreeSet::new(), BTreeSet::new());
    for claim in claims {
        if !shares.insert(claim.seq) {
            violation(found, "share twice", format!("{claim:?}"));
        }
        if !users.insert(&claim.user) {
            violation(found, "user twice", format!("{claim:?}"));
        }
        if !(0..packet.count).contains(&claim.seq) || claim.amount_fen < 1 {
            violation(found, "no such share", format!("{claim:?}"));
        }
        // Under SQL authority the application's clock decides, which may have jumped.
        let has_own_clock = packet.shard < 0;
        if !has_own_clock && !(packet.starts_at_ms..packet.expires_at_ms).contains(&claim.opened_at_ms) {
            let (start, end) = (packet.starts_at_ms, packet.expires_at_ms);
            violation(found, "opened outside its time", format!("{claim:?}: it was open from {start} to {end}"));
        }
        let base = packet.total_fen / packet.count;
        let extra = i64::from(claim.seq < packet.total_fen % packet.count);
        if packet.kind == "equal" && claim.amount_fen != base + extra {
            violation(found, "unequal share", format!("{claim:?}: {base} + {extra} is right"));
        }
    }
}
