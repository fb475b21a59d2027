//! Everybody who grabs, with tokens made beforehand: making and sending them is not what is measured.

use std::time::Duration;

use anyhow::{Context, Result};
use hongbao_core::UserId;
use hongbao_stack::{Grant, Keys};

/// The group that all packets are for.
pub(crate) const GROUP: &str = "g_bench";

/// A crowd: users `us_b000000` and on.
pub(crate) struct People {
    users: Vec<UserId>,
    tokens: Vec<String>,
}

impl People {
    /// `count` people with tokens of these keys.
    ///
    /// # Errors
    /// Occurs when the keys cannot sign.
    pub(crate) fn new(keys: &Keys, count: u32) -> Result<Self> {
        let user = |number| UserId::parse(&format!("us_b{number:06}")).context("a malformed name");
        let users = (0..count).map(user).collect::<Result<Vec<_>>>()?;
        let token = |user: &UserId| keys.token(&Grant::person(user.as_str(), &[GROUP]));
        let tokens = users.iter().map(token).collect::<Result<_>>()?;
        Ok(Self { users, tokens })
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.users.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn user(&self, number: u32) -> &UserId {
        &self.users[number as usize]
    }

    pub(crate) fn token(&self, number: u32) -> &str {
        &self.tokens[number as usize]
    }

    /// Who takes the share `place` of the packet number `packet`: another one for each share of a packet, and the
    /// crowd's members in no order that a cache would like.
    pub(crate) fn taker(&self, packet: u32, place: u32) -> u32 {
        const PRIME: u64 = 7_919;
        let number = u64::from(packet) * PRIME + u64::from(place) * 31;
        u32::try_from(number % u64::from(self.count())).unwrap_or_default()
    }
}

/// A sender's token: a company, which may send large packets, for a whole run.
///
/// # Errors
/// Occurs when the keys cannot sign.
pub(crate) fn sender_token(keys: &Keys, user: &str) -> Result<String> {
    let ttl = Duration::from_secs(12 * 3600);
    keys.token(&Grant { company: true, ttl, ..Grant::person(user, &[GROUP]) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{People, UserId};

    #[test]
    fn nobody_takes_two_shares_of_a_packet() {
        let user = |number| UserId::parse(&format!("us_{number}")).expect("a name");
        let people = People { users: (0..10_000).map(user).collect(), tokens: Vec::new() };
        for packet in [0, 1, 77, 12_345] {
            let takers: BTreeSet<_> = (0..10_000).map(|place| people.taker(packet, place)).collect();
            assert_eq!(takers.len(), 10_000, "packet {packet}");
        }
    }
}
