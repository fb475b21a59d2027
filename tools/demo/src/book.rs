//! The independent bookkeeping: what people were told, and nothing else.
//!
//! **Invariant:** only answers of the application are written here, each as the person saw it. Two answers
//! that cannot both be true are written down as a contradiction.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hongbao_core::wire::{GrabAnswer, OpenAnswer, SendAnswer};
use hongbao_core::{PacketId, UserId};

/// Everything people were told.
#[derive(Debug, Default)]
pub struct Book {
    /// The packets that were sent.
    pub packets: BTreeMap<PacketId, Sent>,
    /// Who grabbed which share.
    pub grabs: BTreeMap<(PacketId, u32), UserId>,
    /// The shares that were opened.
    pub opens: BTreeMap<(PacketId, u32), Opened>,
    /// How often each refusal was the last word, by code.
    pub refusals: BTreeMap<String, u64>,
    /// How many answers were a repetition of an earlier one.
    pub repeated: u64,
    /// How many requests had no answer or had to come back later, and were asked again.
    pub asked_again: u64,
    /// What cannot be true.
    pub contradictions: Vec<String>,
}

/// A packet that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Who sent it.
    pub sender: UserId,
    /// The sum of its shares.
    pub total_fen: i64,
    /// The number of shares.
    pub count: u32,
    /// What `send` answered.
    pub answer: SendAnswer,
}

impl Sent {
    fn is_the_same_as(&self, other: &Self) -> bool {
        // A scheduled packet may have opened between the two answers.
        let answer = SendAnswer { state: self.answer.state, ..other.answer.clone() };
        *self == Self { answer, ..other.clone() }
    }
}

/// A share that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Who opened it.
    pub user: UserId,
    /// What was in it.
    pub amount_fen: i64,
    /// When it was opened first.
    pub opened_at_ms: i64,
}

impl Book {
    /// Writes down a packet; again, it has to be the same.
    pub fn sent(&mut self, sent: Sent) {
        let id = sent.answer.packet_id;
        match self.packets.entry(id) {
            Entry::Vacant(place) => {
                place.insert(sent);
            }
            Entry::Occupied(first) if first.get().is_the_same_as(&sent) => self.repeated += 1,
            Entry::Occupied(first) => {
                self.contradictions.push(format!("{id}: sent as {:?} and as {sent:?}", first.get()));
            }
        }
    }

    /// Writes down who has a share; again, it has to be the same person.
    pub fn grabbed(&mut self, user: &UserId, answer: &GrabAnswer) {
        match self.grabs.entry((answer.packet_id, answer.seq)) {
            Entry::Vacant(place) => {
                place.insert(user.clone());
            }
            Entry::Occupied(first) if first.get() == user => self.repeated += 1,
            Entry::Occupied(first) => {
                let (packet, seq) = first.key();
                self.contradictions.push(format!("{packet}: share {seq} went to {} and to {user}", first.get()));
            }
        }
    }

    /// Writes down what was in a share; again, it has to be the same.
    pub fn opened(&mut self, user: &UserId, answer: &OpenAnswer) {
        let (amount_fen, opened_at_ms) = (answer.amount_fen.get(), answer.opened_at_ms);
        let opened = Opened { user: user.clone(), amount_fen, opened_at_ms };
        match self.opens.entry((answer.packet_id, answer.seq)) {
            Entry::Vacant(place) => {
                place.insert(opened);
            }
            Entry::Occupied(first) if *first.get() == opened => self.repeated += 1,
            Entry::Occupied(first) => {
                let (packet, seq) = first.key();
                self.contradictions.push(format!("{packet}: share {seq} opened as {:?} and {opened:?}", first.get()));
            }
        }
    }

    /// Writes down a refusal that stands.
    pub fn refused(&mut self, code: &str) {
        *self.refusals.entry(code.to_owned()).or_default() += 1;
    }

    /// How often a refusal was the last word.
    #[must_use]
    pub fn refusals_of(&self, code: &str) -> u64 {
        self.refusals.get(code).copied().unwrap_or_default()
    }

    /// The opened shares of one packet.
    pub fn opens_of(&self, packet: PacketId) -> impl Iterator<Item = (u32, &Opened)> {
        self.opens.range((packet, 0)..=(packet, u32::MAX)).map(|((_, seq), opened)| (*seq, opened))
    }

    /// What is left of a packet: what has to go back to the sender.
    #[must_use]
    pub fn left_fen(&self, packet: PacketId) -> i64 {
        let total_fen = self.packets.get(&packet).map_or(0, |sent| sent.total_fen);
        total_fen - self.opens_of(packet).map(|(_, opened)| opened.amount_fen).sum::<i64>()
    }

    /// How a wallet has to change once everything is settled and refunded.
    #[must_use]
    pub fn change_fen(&self, user: &UserId) -> i64 {
        let opened: i64 = self.opens.values().filter(|opened| opened.user == *user).map(|open| open.amount_fen).sum();
        let mine = self.packets.iter().filter(|(_, sent)| sent.sender == *user);
        opened + mine.map(|(&id, sent)| self.left_fen(id) - sent.total_fen).sum::<i64>()
    }

    /// The most that happened within one second of the server's clock: opens.
    #[must_use]
    pub fn peak_opens_per_s(&self) -> u64 {
        peak_per_s(self.opens.values().map(|opened| opened.opened_at_ms))
    }

    /// The most packets wrapped within one second of the server's clock, as their ids say.
    #[must_use]
    pub fn peak_sends_per_s(&self) -> u64 {
        peak_per_s(self.packets.keys().map(|id| id.wrapped_at_ms()))
    }
}

fn peak_per_s(times_ms: impl Iterator<Item = i64>) -> u64 {
    let mut seconds: BTreeMap<i64, u64> = BTreeMap::new();
    for time_ms in times_ms {
        *seconds.entry(time_ms.div_euclid(1000)).or_default() += 1;
    }
    seconds.into_values().max().unwrap_or_default()
}
