//! The check: what people were told against what they have in the end.
//!
//! **Invariant:** reads the history's lines as JSON and nothing else: no type and no sum of the application's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Kind, Line, Phase};

/// Everything people were told, and every contradiction in it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    purses_fen: BTreeMap<String, i64>,
    pub(crate) packets: BTreeMap<String, Sent>,
    /// Opened shares by packet, number and person: the amount.
    pub(crate) opens: BTreeMap<(String, i64, String), i64>,
    /// How many vouchers got the same answer again.
    pub(crate) same_again: u64,
    /// Packets and people whose voucher was good once and then refused, and how.
    refused_again: BTreeMap<(String, String), String>,
    findings: Vec<String>,
}

/// A packet that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) sender: String,
    total_fen: i64,
    expires_at_ms: i64,
    commitment: String,
}

/// Packets and people that the ledger has on record for an operator.
pub(crate) type OnRecord = BTreeSet<(String, String)>;

/// What the check found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Shares in their owner's statement, once.
    pub(crate) settled: u64,
    /// Shares somebody was told of, that an operator has to decide about.
    pub(crate) on_record: u64,
    pub(crate) refunds: u64,
    /// The deviation of every wallet, and of all money together, from what it must be.
    pub(crate) drift_fen: i64,
    pub(crate) findings: Vec<String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn fen(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

impl Told {
    /// Reads the history, all phases but the end.
    pub(crate) fn read(lines: &[Line]) -> Self {
        let mut told = Self::default();
        let mut totals = BTreeMap::new();
        for line in lines.iter().filter(|line| line.phase == Phase::Again) {
            let key = (line.packet.clone().unwrap_or_default(), line.person.clone());
            match line.error().or_else(|| (!line.is_granted()).then(|| text(&line.answer["error"]["code"]))) {
                Some(refusal) => _ = told.refused_again.insert(key, refusal),
                None => _ = told.refused_again.remove(&key), // It only had to be asked once more.
            }
        }
        for line in lines.iter().filter(|line| line.phase != Phase::End && line.is_granted()) {
            let answer = &line.answer;
            match line.call {
                Kind::Wrap => _ = totals.insert(text(&answer["quote"]), fen(&answer["total_fen"])),
                Kind::Send => told.sent(line, totals.get(&text(&line.request["quote"])).copied()),
                Kind::Open => told.opened(line),
                Kind::Me if line.phase == Phase::Arrival => {
                    told.purses_fen.insert(line.person.clone(), fen(&answer["balance_fen"]));
                }
                _ => {}
            }
        }
        told
    }

    fn sent(&mut self, line: &Line, total_fen: Option<i64>) {
        let Some(total_fen) = total_fen else {
            return self.findings.push(format!("{} sent a quote nobody gave", line.person));
        };
        let (id, expires_at_ms) = (text(&line.answer["packet_id"]), fen(&line.answer["expires_at_ms"]));
        let commitment = text(&line.answer["commitment"]);
        let sent = Sent { sender: line.person.clone(), total_fen, expires_at_ms, commitment };
        match self.packets.get(&id) {
            Some(first) if *first != sent => self.findings.push(format!("{id}: sent as {first:?} and as {sent:?}")),
            _ => _ = self.packets.insert(id, sent),
        }
    }

    fn opened(&mut self, line: &Line) {
        let (packet, seq, amount_fen) =
            (text(&line.answer["packet_id"]), fen(&line.answer["seq"]), fen(&line.answer["amount_fen"]));
        let key = (packet, seq, line.person.clone());
        match self.opens.get(&key) {
            Some(first) if *first != amount_fen => {
                self.findings.push(format!("{key:?}: held {first} fen and then {amount_fen}"));
            }
            Some(_) => self.same_again += u64::from(line.phase == Phase::Again),
            None => _ = self.opens.insert(key, amount_fen),
        }
    }

    /// Compares with what there is in the end.
    pub(crate) fn check(&self, end: &[Line], on_record: &OnRecord, now_ms: i64) -> Verdict {
        let mut verdict = Verdict { findings: self.findings.clone(), ..Verdict::default() };
        let credits = credits(end);
        let mut paid: BTreeMap<(&str, i64), (&str, i64)> = BTreeMap::new();
        let mut change_fen: BTreeMap<&str, i64> = BTreeMap::new();
        for ((packet, seq, person), amount_fen) in &self.opens {
            match credits.get(&(person.as_str(), format!("open:{packet}:{seq}"))).map(Vec::as_slice) {
                Some([credit]) if credit == amount_fen => verdict.settled += 1,
                None if on_record.contains(&(packet.clone(), person.clone())) => {
                    verdict.on_record += 1;
                    continue;
                }
                found => verdict.findings.push(format!(
                    "{person} was told of {amount_fen} fen in share {seq} of {packet} and was credited {found:?}"
                )),
            }
            *change_fen.entry(person).or_default() += amount_fen;
            if let Some((other, _)) = paid.insert((packet, *seq), (person, *amount_fen)) {
                verdict.findings.push(format!("share {seq} of {packet} was paid to {other} and to {person}"));
            }
        }
        for (key @ (packet, person), refusal) in &self.refused_again {
            if !on_record.contains(key) {
                verdict.findings.push(format!("{person} opened a share of {packet}, and then was refused: {refusal}"));
            }
        }
        let escrow_fen = self.check_packets(end, &paid, now_ms, &mut change_fen, &mut verdict);
        self.check_credits(&credits, &mut verdict);
        self.check_wallets(end, &change_fen, escrow_fen, &mut verdict);
        verdict
    }

    /// Every packet holds or gave back what was not opened; what all still hold together.
    fn check_packets<'a>(
        &'a self,
        end: &[Line],
        paid: &BTreeMap<(&str, i64), (&str, i64)>,
        now_ms: i64,
        change_fen: &mut BTreeMap<&'a str, i64>,
        verdict: &mut Verdict,
    ) -> i64 {
        let views = end.iter().filter(|line| line.call == Kind::Packet && line.is_granted());
        let views: BTreeMap<_, _> = views.map(|line| (text(&line.answer["packet_id"]), &line.answer)).collect();
        let mut escrow_fen = 0;
        for (id, sent) in &self.packets {
            let shares = paid.range((id.as_str(), 0)..=(id.as_str(), i64::MAX));
            let left_fen = sent.total_fen - shares.map(|(_, (_, amount_fen))| amount_fen).sum::<i64>();
            *change_fen.entry(&sent.sender).or_default() -= sent.total_fen;
            let Some(view) = views.get(id) else {
                verdict.findings.push(format!("{id}: its sender does not see it"));
                continue;
            };
            let refunded_fen = fen(&view["refunded_fen"]);
            *change_fen.entry(&sent.sender).or_default() += refunded_fen;
            verdict.refunds += u64::from(refunded_fen > 0);
            escrow_fen += left_fen - refunded_fen;
            if sent.expires_at_ms < now_ms && refunded_fen != left_fen {
                verdict.findings.push(format!("{id}: is over, {left_fen} fen are left and {refunded_fen} went back"));
            }
            if left_fen < 0 || (refunded_fen != 0 && refunded_fen != left_fen) {
                verdict.findings.push(format!("{id}: has {left_fen} fen left and gave {refunded_fen} back"));
            }
        }
        escrow_fen
    }

    /// Nobody got what nobody opened.
    fn check_credits(&self, credits: &BTreeMap<(&str, String), Vec<i64>>, verdict: &mut Verdict) {
        let told: BTreeSet<_> =
            self.opens.keys().map(|(packet, seq, person)| (person.as_str(), format!("open:{packet}:{seq}"))).collect();
        let strange = credits.keys().filter(|key| key.1.starts_with("open:") && !told.contains(*key));
        verdict.findings.extend(strange.map(|(person, id)| format!("{person} was credited {id} and never told")));
    }

    fn check_wallets(&self, end: &[Line], change_fen: &BTreeMap<&str, i64>, escrow_fen: i64, verdict: &mut Verdict) {
        let wallets = end.iter().filter(|line| line.call == Kind::Me && line.is_granted());
        let wallets: BTreeMap<_, _> =
            wallets.map(|line| (line.person.as_str(), fen(&line.answer["balance_fen"]))).collect();
        let mut all_fen = escrow_fen;
        for (person, purse_fen) in &self.purses_fen {
            let must_fen = purse_fen + change_fen.get(person.as_str()).copied().unwrap_or_default();
            let has_fen = wallets.get(person.as_str()).copied().unwrap_or_default();
            all_fen += has_fen - purse_fen;
            if has_fen != must_fen {
                verdict.drift_fen += (has_fen - must_fen).abs();
                verdict.findings.push(format!("{person} has {has_fen} fen instead of {must_fen}"));
            }
        }
        if all_fen != 0 {
            verdict.drift_fen += all_fen.abs();
            verdict.findings.push(format!("wallets and open packets hold {all_fen} fen more than there were"));
        }
    }
}

/// The amounts of everybody's statement, by person and posting.
fn credits(end: &[Line]) -> BTreeMap<(&str, String), Vec<i64>> {
    let mut credits: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for line in end.iter().filter(|line| line.call == Kind::Statement && line.is_granted()) {
        for posting in line.answer["postings"].as_array().into_iter().flatten() {
            let key = (line.person.as_str(), text(&posting["id"]));
            credits.entry(key).or_default().push(fen(&posting["change_fen"]));
        }
    }
    credits
}
