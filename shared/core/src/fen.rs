//! Money: whole fen (1/100 yuan).

use serde::{Deserialize, Serialize};

/// An amount of money in fen (1/100 yuan), never negative.
///
/// **Invariant:** `0 <= fen <= Fen::MAX`, far below 2^53, so that every JSON reader holds it exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Fen(i64);

impl Fen {
    /// The largest amount: 10 trillion yuan.
    pub const MAX: Self = Self(1_000_000_000_000_000);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `fen`, or `None` outside `0..=Fen::MAX`.
    #[must_use]
    pub const fn new(fen: i64) -> Option<Self> {
        if fen < 0 || fen > Self::MAX.0 { None } else { Some(Self(fen)) }
    }

    /// The number of fen.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or `None` above [`Fen::MAX`].
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::new)
    }
}

impl From<Fen> for i64 {
    fn from(fen: Fen) -> Self {
        fen.0
    }
}

impl TryFrom<i64> for Fen {
    type Error = String;

    fn try_from(fen: i64) -> Result<Self, String> {
        Self::new(fen).ok_or_else(|| format!("must be a whole number of fen from 0 to {}", Self::MAX.0))
    }
}

impl core::fmt::Display for Fen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} fen", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Fen;

    #[test]
    fn amounts_stay_inside_their_bounds() {
        assert_eq!(Fen::new(-1), None);
        assert_eq!(Fen::new(Fen::MAX.get()).and_then(|max| max.checked_add(Fen(1))), None);
        assert_eq!(Fen(3).checked_sub(Fen(4)), None);
        assert_eq!(Fen(3).checked_sub(Fen(3)), Some(Fen::ZERO));
    }
}
