//! Best luck (手气最佳): the largest share of a lucky packet of which everything was opened.
//!
//! The ledger marks it too, where the last share is settled (`sql/*/schema/*_luck.sql`); a test runs both rules over the
//! same packets.

use core::cmp::Reverse;

use crate::Fen;
use crate::split::Kind;

/// An opened share, as far as luck goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The share's number, from 0.
    pub seq: u32,
    /// The amount that was in it.
    pub amount: Fen,
    /// Its opening, Unix milliseconds.
    pub opened_at_ms: i64,
}

/// The number of the best share among `shares`, all of a packet of `kind`. Of equal amounts the earliest opening wins,
/// and of one millisecond the lower number. `None` where nothing was drawn by lot: for an equal packet, and for a
/// packet of one share.
#[must_use]
pub fn best(kind: Kind, shares: &[Opened]) -> Option<u32> {
    if kind != Kind::Lucky || shares.len() < 2 {
        return None;
    }
    let rank = |share: &&Opened| (share.amount, Reverse(share.opened_at_ms), Reverse(share.seq));
    shares.iter().max_by_key(rank).map(|share| share.seq)
}

#[cfg(test)]
mod tests {
    use super::{Opened, best};
    use crate::Fen;
    use crate::split::Kind;

    #[test]
    fn the_largest_share_wins_then_the_earliest_opening_then_the_lower_number() {
        type Case<'a> = (Kind, &'a [(i64, i64)], Option<u32>);
        let cases: [Case<'_>; 7] = [
            (Kind::Lucky, &[(3, 9), (7, 8), (5, 1)], Some(1)),
            (Kind::Lucky, &[(7, 9), (7, 8), (5, 1)], Some(1)),
            (Kind::Lucky, &[(7, 8), (7, 8), (7, 8)], Some(0)),
            (Kind::Lucky, &[(7, 8)], None),
            (Kind::Lucky, &[], None),
            (Kind::Equal, &[(4, 9), (4, 8)], None),
            (Kind::Equal, &[(7, 8)], None),
        ];
        for (kind, shares, expected) in cases {
            let share = |(seq, (fen, opened_at_ms)): (u32, &(i64, i64))| {
                Fen::new(*fen).map(|amount| Opened { seq, amount, opened_at_ms: *opened_at_ms })
            };
            let shares: Vec<Opened> = (0..).zip(shares).filter_map(share).collect();
            assert_eq!(best(kind, &shares), expected, "{kind:?} {shares:?}");
        }
    }
}
