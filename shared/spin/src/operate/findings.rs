//! What a reconciliation has looked at and found so far, check by check.

use std::collections::BTreeMap;

use hongbao_core::PacketId;
use hongbao_core::books::{Check, Fault};
use hongbao_core::wire::operator::{CheckAnswer, ReconcileAnswer};

use crate::ledger::Drift;

/// The most faults that a check's detail names.
const NAMED: usize = 5;

/// What was looked at and found.
#[derive(Default)]
pub struct Findings {
    looked: BTreeMap<Check, Vec<String>>,
    /// Faults, by the packet or account that they concern.
    faults: BTreeMap<String, Vec<Fault>>,
    /// What could not be looked at, or is wrong with no packet or account to blame.
    problems: Vec<(Check, i64, String)>,
}

impl Findings {
    /// Says what `check` looked at.
    pub fn looked(&mut self, check: Check, what: String) {
        self.looked.entry(check).or_default().push(what);
    }

    /// Adds faults of a packet or an account.
    pub fn blame(&mut self, subject: &str, faults: Vec<Fault>) {
        if !faults.is_empty() {
            self.faults.entry(subject.to_owned()).or_default().extend(faults);
        }
    }

    /// Adds something wrong that no packet or account is to blame for.
    pub fn problem(&mut self, check: Check, drift_fen: i64, text: String) {
        self.problems.push((check, drift_fen, text));
    }

    /// What is to be put on record: a row for each packet or account. An escrow's fault is its packet's.
    #[must_use]
    pub fn drifts(&self) -> Vec<Drift> {
        let mut by_subject: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (account, faults) in &self.faults {
            let packet = account.strip_prefix("packet:").filter(|id| PacketId::parse(id).is_some());
            by_subject.entry(packet.unwrap_or(account)).or_default().extend(faults.iter().map(|fault| &*fault.text));
        }
        let drift = |(subject, texts): (&str, Vec<&str>)| {
            let packet = PacketId::parse(subject).map_or("", |_| subject);
            Drift { subject: subject.to_owned(), packet: packet.to_owned(), evidence: texts.join("; ") }
        };
        by_subject.into_iter().map(drift).collect()
    }

    /// The answer, with where to go on.
    #[must_use]
    pub fn answer(&self, next: Option<String>) -> ReconcileAnswer {
        let all = Check::ALL.map(|check| self.check(check));
        let drift_fen = all.iter().map(|(drift_fen, _)| *drift_fen).max().unwrap_or_default();
        let checks: Vec<_> = all.into_iter().map(|(_, check)| check).collect();
        ReconcileAnswer { ok: checks.iter().all(|check| check.ok), drift_fen, checks, next }
    }

    /// How much money a check misses, and what it tells.
    fn check(&self, check: Check) -> (i64, CheckAnswer) {
        let (mut drift_fen, mut wrong) = (0_i64, Vec::new());
        for (subject, faults) in &self.faults {
            let of_check = || faults.iter().filter(|fault| fault.check == check);
            // Several faults of one subject are one difference seen from several sides.
            drift_fen = drift_fen.saturating_add(of_check().map(|fault| fault.drift_fen).max().unwrap_or_default());
            wrong.extend(of_check().map(|fault| format!("{subject}: {}", fault.text)));
        }
        for (_, fen, text) in self.problems.iter().filter(|(of, _, _)| *of == check) {
            drift_fen = drift_fen.saturating_add(*fen);
            wrong.push(text.clone());
        }
        let detail = match wrong.len() {
            0 => self.looked.get(&check).map(|looked| looked.join(", ")).unwrap_or_default(),
            1..=NAMED => wrong.join("; "),
            more => format!("{}; and {} more", wrong[..NAMED].join("; "), more - NAMED),
        };
        (drift_fen, CheckAnswer { name: check.name().to_owned(), ok: wrong.is_empty(), detail })
    }
}
