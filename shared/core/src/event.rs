//! The journal's entries: what a script decided, for the settlement to write down.
//!
//! One line of text an entry, fields separated by spaces, so that the stream stays small and a person can
//! read it. Amounts are deliberately absent: the settlement works them out from the ledger's own seed.

use crate::risk::{Action, Rule};
use crate::{PacketId, UserId};

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A packet was loaded into the shard.
    Load {
        /// The packet.
        packet: PacketId,
        /// The shard's epoch.
        epoch: u32,
    },
    /// A share was opened.
    Open {
        /// The packet.
        packet: PacketId,
        /// The shard's epoch.
        epoch: u32,
        /// The share's number, from 0.
        seq: u32,
        /// Who opened it.
        user: UserId,
        /// When, Unix milliseconds.
        opened_at_ms: i64,
    },
    /// A receipt from before a rebuild was presented for a share that somebody else has.
    Contest {
        /// The packet.
        packet: PacketId,
        /// The shard's epoch.
        epoch: u32,
        /// The share's number, from 0.
        seq: u32,
        /// Who has the receipt.
        user: UserId,
        /// When it was presented, Unix milliseconds.
        at_ms: i64,
    },
    /// A packet was closed: nothing can be opened any more.
    Close {
        /// The packet.
        packet: PacketId,
        /// The shard's epoch.
        epoch: u32,
        /// How many shares were opened.
        opened: u32,
        /// When, Unix milliseconds.
        closed_at_ms: i64,
    },
    /// A risk rule fired.
    Risk {
        /// The packet that was asked for.
        packet: PacketId,
        /// The shard's epoch.
        epoch: u32,
        /// Who asked.
        user: UserId,
        /// When, Unix milliseconds.
        at_ms: i64,
        /// The rule.
        rule: Rule,
        /// What was done.
        action: Action,
        /// What the rule saw: words without blanks, such as `users=6`.
        fact: String,
    },
}

impl Event {
    /// Reads an entry; `None` for what no script writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (name, packet, epoch) = (words.next()?, PacketId::parse(words.next()?)?, words.next()?.parse().ok()?);
        let event = match name {
            "load" => Self::Load { packet, epoch },
            "open" => Self::Open {
                packet,
                epoch,
                seq: words.next()?.parse().ok()?,
                user: UserId::parse(words.next()?)?,
                opened_at_ms: words.next()?.parse().ok()?,
            },
            "contest" => Self::Contest {
                packet,
                epoch,
                seq: words.next()?.parse().ok()?,
                user: UserId::parse(words.next()?)?,
                at_ms: words.next()?.parse().ok()?,
            },
            "close" => Self::Close {
                packet,
                epoch,
                opened: words.next()?.parse().ok()?,
                closed_at_ms: words.next()?.parse().ok()?,
            },
            "risk" => Self::Risk {
                packet,
                epoch,
                user: UserId::parse(words.next()?)?,
                at_ms: words.next()?.parse().ok()?,
                rule: Rule::parse(words.next()?)?,
                action: Action::parse(words.next()?)?,
                fact: words.next()?.to_owned(),
            },
            _ => return None,
        };
        if words.next().is_some() { None } else { Some(event) }
    }

    /// Reads the entry that an exception's evidence begins with.
    #[must_use]
    pub fn of_evidence(evidence: &str) -> Option<Self> {
        Self::parse(evidence.lines().next()?)
    }

    /// An entry's text as evidence, and behind it a line of why it could not be settled.
    #[must_use]
    pub fn with_words(text: &str, words: &str) -> String {
        const MOST: usize = 500;
        let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
        format!("{text}\n{words}")
    }

    /// When it happened, by the clock of the script that wrote it: Unix milliseconds. None for a load.
    #[must_use]
    pub const fn at_ms(&self) -> Option<i64> {
        match self {
            Self::Load { .. } => None,
            Self::Open { opened_at_ms: at_ms, .. }
            | Self::Close { closed_at_ms: at_ms, .. }
            | Self::Contest { at_ms, .. }
            | Self::Risk { at_ms, .. } => Some(*at_ms),
        }
    }

    /// The packet the entry is about.
    #[must_use]
    pub const fn packet(&self) -> PacketId {
        match self {
            Self::Load { packet, .. }
            | Self::Open { packet, .. }
            | Self::Contest { packet, .. }
            | Self::Close { packet, .. }
            | Self::Risk { packet, .. } => *packet,
        }
    }
}

impl core::fmt::Display for Event {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Load { packet, epoch } => write!(f, "load {packet} {epoch}"),
            Self::Open { packet, epoch, seq, user, opened_at_ms } => {
                write!(f, "open {packet} {epoch} {seq} {user} {opened_at_ms}")
            }
            Self::Contest { packet, epoch, seq, user, at_ms } => {
                write!(f, "contest {packet} {epoch} {seq} {user} {at_ms}")
            }
            Self::Close { packet, epoch, opened, closed_at_ms } => {
                write!(f, "close {packet} {epoch} {opened} {closed_at_ms}")
            }
            Self::Risk { packet, epoch, user, at_ms, rule, action, fact } => {
                write!(f, "risk {packet} {epoch} {user} {at_ms} {} {} {fact}", rule.id(), action.as_str())
            }
        }
    }
}
