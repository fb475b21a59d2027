//! What people were answered, against each other and against the tables.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::history::{Call, Fault, Line};
use super::tables::{Claim, Tables};
use super::{Moment, Violation, violation};

struct Evidence<'a> {
    calls: Vec<&'a Call>,
    faults: Vec<&'a Fault>,
    tables: &'a Tables,
    moment: Moment,
}

pub(super) fn check(history: &[Line], tables: &Tables, moment: Moment, found: &mut Vec<Violation>) {
    let (mut calls, mut faults) = (Vec::new(), Vec::new());
    for line in history {
        match line {
            Line::Call(call) => calls.push(call),
            Line::Fault(fault) => faults.push(fault),
        }
    }
    let evidence = Evidence { calls, faults, tables, moment };
    evidence.opens(found);
    evidence.grabs(found);
    evidence.sends(found);
    evidence.sold_out(found);
    evidence.views(found);
    evidence.seeds(found);
    evidence.claims(found);
    evidence.exceptions(found);
}

impl Evidence<'_> {
    fn named<'a>(&'a self, op: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().copied().filter(move |call| call.op == op)
    }

    /// Whether the packet's shard lost what was decided between these times.
    fn may_be_lost(&self, packet: &str, from_ms: i64, to_ms: i64) -> bool {
        let shard = self.tables.packet(packet).map(|packet| packet.shard);
        self.faults.iter().any(|fault| {
            let is_here = fault.shard.is_none() || shard.is_none() || fault.shard == shard;
            fault.loses_data() && is_here && fault.from_ms <= to_ms && fault.at_ms >= from_ms
        })
    }

    /// Whether what was granted by `before` may have been lost when `after` was: the shard lost data between them, or it
    /// went on under another epoch because it had lost data, which may be noticed much later.
    fn may_be_granted_anew(&self, packet: &str, before: &Call, after: &Call) -> bool {
        let is_other_epoch = epoch(before) != epoch(after) && self.may_be_lost(packet, 0, after.end_ms);
        is_other_epoch || self.may_be_lost(packet, before.start_ms, after.end_ms)
    }

    /// An open that was answered is a claim of exactly this share; asked again, it is answered the same.
    fn opens(&self, found: &mut Vec<Violation>) {
        let mut first = BTreeMap::<(&str, &str), &Call>::new();
        for call in self.named("open").filter(|call| call.is_ok()) {
            let Some(packet) = call.packet.as_deref() else { continue };
            let answer = ["seq", "amount_fen", "opened_at_ms"].map(|field| call.number(field));
            let before = first.entry((packet, &call.user)).or_insert(call);
            let may_differ = self.may_be_lost(packet, before.start_ms, call.end_ms);
            if answer != ["seq", "amount_fen", "opened_at_ms"].map(|field| before.number(field)) && !may_differ {
                violation(found, "answered differently", format!("{before:?}, then {call:?}"));
            }
            self.answered_open(call, packet, found);
        }
    }

    fn answered_open(&self, call: &Call, packet: &str, found: &mut Vec<Violation>) {
        let is_mine = |claim: &&Claim| claim.packet == packet && claim.user == call.user;
        match self.tables.claims.iter().find(is_mine) {
            Some(claim) => {
                let settled = (claim.seq, claim.amount_fen, claim.opened_at_ms);
                let answered = (call.number("seq"), call.number("amount_fen"), call.number("opened_at_ms"));
                let is_same_share = (Some(settled.0), Some(settled.1)) == (answered.0, answered.1);
                if is_same_share && (Some(settled.2) == answered.2 || self.may_be_lost(packet, call.start_ms, i64::MAX))
                {
                    return;
                }
                if !self.may_be_lost(packet, call.start_ms, i64::MAX) {
                    violation(found, "answered and settled differently", format!("{call:?}, but {claim:?}"));
                }
            }
            None if self.moment == Moment::Running => {}
            None if self.is_on_record(packet, &call.user) || self.may_be_lost(packet, call.start_ms, i64::MAX) => {}
            None => violation(found, "answered but missing", format!("{call:?}")),
        }
    }

    fn is_on_record(&self, packet: &str, user: &str) -> bool {
        let is_about = |evidence: &str| {
            evidence.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).any(|word| word == user)
        };
        let has_cause = self.faults.iter().any(|fault| fault.loses_data());
        has_cause
            && self
                .tables
                .exceptions
                .iter()
                .any(|exception| exception.packet == packet && is_about(&exception.evidence))
    }

    /// A user keeps one share of a packet, a share has one user, and only shares that exist are handed out.
    fn grabs(&self, found: &mut Vec<Violation>) {
        let mut of_user = BTreeMap::<(&str, &str), (i64, &Call)>::new();
        let mut of_share = BTreeMap::<(&str, i64), &Call>::new();
        for call in self.named("grab").filter(|call| call.is_ok()) {
            let (Some(packet), Some(seq)) = (call.packet.as_deref(), call.number("seq")) else { continue };
            let (mine, before) = of_user.entry((packet, &call.user)).or_insert((seq, call));
            if *mine != seq && !self.may_be_granted_anew(packet, before, call) {
                violation(found, "user holds two shares", format!("{before:?}, then {call:?}"));
            }
            let owner = of_share.entry((packet, seq)).or_insert(call);
            // Who grabs anew after a loss and then opens by the receipt from before gives the new share back.
            let has_given_back =
                self.named("open").filter(|open| open.is_ok() && open.user == owner.user).any(|open| {
                    open.packet.as_deref() == Some(packet)
                        && open.number("seq") != Some(seq)
                        && open.start_ms <= call.end_ms
                });
            let is_lost = has_given_back || self.may_be_granted_anew(packet, owner, call);
            if owner.user != call.user && !is_lost {
                violation(found, "share has two holders", format!("{owner:?}, then {call:?}"));
            }
            if self.tables.packet(packet).is_none_or(|packet| !(0..packet.count).contains(&seq)) {
                violation(found, "no such share", format!("{call:?}"));
            }
        }
    }

    /// A send that was answered is a packet; sent again, it is the same one. What was only refused is none.
    fn sends(&self, found: &mut Vec<Violation>) {
        let mut first = BTreeMap::<&str, &Call>::new();
        let facts = |call: &Call| ["packet_id", "commitment"].map(|field| call.text(field).map(str::to_owned));
        for call in self.named("send").filter(|call| call.is_ok()) {
            let Some(quote) = call.request.get("quote").and_then(|quote| quote.as_str()) else { continue };
            let before = first.entry(quote).or_insert(call);
            let is_same =
                facts(before) == facts(call) && before.number("expires_at_ms") == call.number("expires_at_ms");
            if !is_same {
                violation(found, "sent differently", format!("{before:?}, then {call:?}"));
            }
            let packet = call.text("packet_id").and_then(|id| self.tables.packet(id));
            if packet.is_none_or(|packet| packet.sender != call.user) {
                violation(found, "sent but missing", format!("{call:?}"));
            }
        }
        let known: BTreeSet<&str> = first.values().filter_map(|call| call.text("packet_id")).collect();
        let unsure: BTreeSet<&str> = self
            .named("send")
            .filter(|call| call.status.is_none_or(|status| status >= 500))
            .map(|call| &*call.user)
            .collect();
        for packet in &self.tables.packets {
            // A request that arrived twice may have been done by the copy that nobody was answered.
            let may_be = known.contains(&*packet.id) || unsure.contains(&*packet.sender);
            if !may_be && !self.named("send").any(|call| call.user == packet.sender) {
                violation(found, "packet nobody sent", format!("{packet:?}"));
            }
        }
    }

    /// Who was told "sold out" was told so after as many others had asked as there are shares.
    fn sold_out(&self, found: &mut Vec<Violation>) {
        for call in self.named("grab").filter(|call| call.code() == Some("sold_out")) {
            let Some(packet) = call.packet.as_deref() else { continue };
            let Some(count) = self.tables.packet(packet).map(|packet| packet.count) else { continue };
            let asked = self.named("grab").filter(|other| other.packet.as_deref() == Some(packet));
            let others: BTreeSet<&str> = asked
                .filter(|other| other.start_ms <= call.end_ms && other.user != call.user)
                .map(|other| &*other.user)
                .collect();
            let is_lost = self.may_be_lost(packet, i64::MIN, call.end_ms);
            if i64::try_from(others.len()).is_ok_and(|others| others < count) && !is_lost {
                violation(
                    found,
                    "sold out too early",
                    format!("{call:?}: {} others of {count} had asked", others.len()),
                );
            }
        }
    }

    /// A packet shows each share and user once, and no more than it holds.
    fn views(&self, found: &mut Vec<Violation>) {
        for call in self.named("view").filter(|call| call.is_ok()) {
            let Some(shares) = call.body.get("shares").and_then(|shares| shares.as_array()) else { continue };
            let (mut seqs, mut users, mut sum) = (BTreeSet::new(), BTreeSet::new(), 0);
            for share in shares {
                let is_new = seqs.insert(share["seq"].as_i64()) && users.insert(share["user"].as_str());
                sum += share["amount_fen"].as_i64().unwrap_or_default();
                if !is_new {
                    violation(found, "shown twice", format!("{call:?}"));
                }
            }
            let total = call.number("total_fen").unwrap_or_default();
            let is_finished = call.text("state") == Some("finished");
            if sum > total || (is_finished && sum != total) {
                violation(found, "shown a wrong total", format!("{call:?}"));
            }
        }
    }

    /// Once a packet's seed was shown, nobody who asks afterwards gets a share of it or opens one.
    fn seeds(&self, found: &mut Vec<Violation>) {
        let mut shown = BTreeMap::<&str, &Call>::new();
        for call in self.named("view").filter(|call| call.is_ok() && call.text("seed").is_some()) {
            let Some(packet) = call.packet.as_deref() else { continue };
            let first = shown.entry(packet).or_insert(call);
            if call.end_ms < first.end_ms {
                *first = call;
            }
        }
        for (packet, seed) in shown {
            for op in ["grab", "open"] {
                let asked = |call: &&Call| call.packet.as_deref() == Some(packet);
                // A request may have been carried out before its answer was lost.
                let before: BTreeSet<&str> = self
                    .named(op)
                    .filter(|call| asked(call) && call.start_ms <= seed.end_ms)
                    .map(|call| &*call.user)
                    .collect();
                let late = self.named(op).filter(asked).find(|call| call.is_ok() && !before.contains(&*call.user));
                if let Some(late) = late.filter(|late| !self.may_be_lost(packet, i64::MIN, late.end_ms)) {
                    violation(found, "shown a seed too early", format!("{seed:?}, then {late:?}"));
                }
            }
        }
    }

    /// A claim is of somebody who asked to open this packet.
    fn claims(&self, found: &mut Vec<Violation>) {
        for claim in &self.tables.claims {
            let asked = |call: &Call| call.packet.as_deref() == Some(&*claim.packet) && call.user == claim.user;
            if !self.named("open").any(asked) {
                violation(found, "claim nobody asked for", format!("{claim:?}"));
            }
        }
    }

    /// An exception has a cause that was put there on purpose.
    fn exceptions(&self, found: &mut Vec<Violation>) {
        let lost = self.faults.iter().any(|fault| fault.loses_data());
        let poisoned = self.faults.iter().any(|fault| fault.kind == "poison");
        for exception in &self.tables.exceptions {
            let has_cause =
                lost || (poisoned && (exception.reason == "poison" || exception.reason == "unknown_packet"));
            if !has_cause {
                violation(
                    found,
                    "exception without cause",
                    format!("{} of {}: {exception:?}", exception.id, exception.packet),
                );
            }
        }
    }
}

/// The epoch under which a grab was granted: in its voucher, behind the key's name and a dot, the bytes 20 to 23.
fn epoch(grab: &Call) -> Option<[u8; 4]> {
    let voucher = grab.body.get("voucher")?.as_str()?;
    let payload = Base64UrlUnpadded::decode_vec(voucher.split_once('.')?.1).ok()?;
    payload.get(20..24)?.try_into().ok()
}
