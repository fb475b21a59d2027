//! A packet: what never changes once it is sent, and who may have a share.

use core::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::guess::Guess;
use crate::sign::SigningKeys;
use crate::split::{Kind, Seed, Shares};
use crate::token::Person;
use crate::{Error, Fen, GroupId, PacketId, UserId, text};

/// Who a packet is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Every member of a group, first come, first served.
    Group(GroupId),
    /// One named person (an exclusive packet).
    User(UserId),
}

impl Recipient {
    /// The recipient's id, as the stores keep it: its prefix tells the variant.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Group(group) => group.as_str(),
            Self::User(user) => user.as_str(),
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        UserId::parse(text).map(Self::User).or_else(|| GroupId::parse(text).map(Self::Group))
    }

    /// Whether `person` is one of those the packet is for.
    #[must_use]
    pub fn includes(&self, person: &Person) -> bool {
        match self {
            Self::Group(group) => person.groups.contains(group),
            Self::User(user) => *user == person.user,
        }
    }
}

/// Read by hand, for refusals that tell the two forms.
impl<'de> Deserialize<'de> for Recipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = Recipient;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"{"group":"g_…"} or {"user":"us_…"}"#)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Recipient, A::Error> {
                let other = |found: &str| de::Error::invalid_value(de::Unexpected::Other(found), &self);
                let recipient = match map.next_key::<String>()?.as_deref() {
                    Some("group") => Recipient::Group(map.next_value()?),
                    Some("user") => Recipient::User(map.next_value()?),
                    Some(_) => return Err(other("another field")),
                    None => return Err(other("an empty object")),
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(other("a second field"));
                }
                Ok(recipient)
            }
        }

        deserializer.deserialize_map(Forms)
    }
}

/// What never changes once a packet is sent: all that the race needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The packet's id.
    pub id: PacketId,
    /// Who sent it.
    pub sender: UserId,
    /// How the shares are made.
    pub kind: Kind,
    /// The sum of all shares.
    pub total: Fen,
    /// The number of shares.
    pub count: u32,
    /// Who it is for.
    pub to: Recipient,
    /// The password's MAC, where the packet has a password.
    pub password_mac: Option<String>,
    /// What decides the shares.
    pub seed: Seed,
    /// When it opens, Unix milliseconds.
    pub starts_at_ms: i64,
    /// When it ends, Unix milliseconds.
    pub expires_at_ms: i64,
}

impl Facts {
    /// Whether `person` may know that the packet exists: its recipients and its sender.
    #[must_use]
    pub fn is_visible_to(&self, person: &Person) -> bool {
        self.sender == person.user || self.to.includes(person)
    }

    /// Checks whether `person` is one of those the packet is for.
    ///
    /// # Errors
    /// [`Error::NotFound`] for who is not.
    pub fn admits(&self, person: &Person) -> Result<(), Error> {
        if self.to.includes(person) { Ok(()) } else { Err(Error::NotFound) }
    }

    /// What `password` is to this packet. It is told to nobody before the guess was counted where the share is decided.
    #[must_use]
    pub fn guess(&self, password: Option<&str>, keys: &SigningKeys) -> Guess {
        match (&self.password_mac, password) {
            (None, _) => Guess::NotAsked,
            // What is empty is no password, so it is no guess either.
            (Some(_), password) if password.is_none_or(|word| text::word(word).is_empty()) => Guess::None,
            (Some(kept), Some(word)) if keys.is_password(self.id, kept, word) => Guess::Right,
            (Some(_), _) => Guess::Wrong,
        }
    }

    /// The shares' amounts in order of `seq`; as many as `count`.
    #[must_use]
    pub fn amounts(&self) -> Vec<Fen> {
        Shares::new(self.kind, &self.seed, self.total, self.count).map(Iterator::collect).unwrap_or_default()
    }

    /// The commitment to the seed, as published by `send`: 64 hexadecimal digits.
    #[must_use]
    pub fn commitment_hex(&self) -> String {
        crate::split::hex(&crate::split::commitment(self.id, &self.seed))
    }

    /// Whether nothing can be grabbed or opened any more, ever: every share was opened, or the packet was closed. Then
    /// the seed may be shown. No clock is asked: two clocks differ, and one that is set back lets people grab again.
    #[must_use]
    pub const fn has_ended(&self, opened: u32, is_closed: bool) -> bool {
        is_closed || opened >= self.count
    }

    /// The packet's state for people, at `now_ms`, with `opened` shares opened.
    #[must_use]
    pub fn state(&self, opened: u32, closed: bool, now_ms: i64) -> State {
        State::of((opened, self.count), closed, (self.starts_at_ms, self.expires_at_ms), now_ms)
    }
}

/// A packet's state as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It opens later.
    Scheduled,
    /// Shares can be grabbed and opened.
    Open,
    /// Every share was opened.
    Finished,
    /// Its time is over, with something left. By a clock: it may not be closed yet ([`Facts::has_ended`]).
    Expired,
}

impl State {
    /// The state at `now_ms` of a packet of which `opened` of `count` shares were opened and whose time is `life_ms`.
    #[must_use]
    pub const fn of((opened, count): (u32, u32), closed: bool, life_ms: (i64, i64), now_ms: i64) -> Self {
        if opened >= count {
            Self::Finished
        } else if closed || now_ms >= life_ms.1 {
            Self::Expired
        } else if now_ms < life_ms.0 {
            Self::Scheduled
        } else {
            Self::Open
        }
    }

    /// Whether it is finished or expired.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Expired)
    }
}
