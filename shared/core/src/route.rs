//! Which shard a new packet goes to.

/// The weight of a shard that nobody has weighed.
pub const USUAL_WEIGHT: u32 = 100;
/// The most that a shard may weigh.
pub const WEIGHT_MAX: i64 = 1_000;

/// One of `shards` (pairs of number and weight) for `random`: in the long run each gets packets in proportion to its
/// weight. `None` when all of them weigh nothing.
#[must_use]
pub fn pick(shards: &[(u16, u32)], random: u64) -> Option<u16> {
    let total: u64 = shards.iter().map(|(_, weight)| u64::from(*weight)).sum();
    let mut place = random.checked_rem(total)?;
    for (number, weight) in shards {
        match place.checked_sub(u64::from(*weight)) {
            Some(rest) => place = rest,
            None => return Some(*number),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::pick;

    #[test]
    fn shards_are_picked_by_their_weights() {
        let shards = [(0, 100), (1, 0), (2, 50)];
        let picked: Vec<_> = (0..300).map(|random| pick(&shards, random)).collect();
        let count = |number| picked.iter().filter(|picked| **picked == Some(number)).count();
        assert_eq!((count(0), count(1), count(2)), (200, 0, 100));
        assert_eq!((pick(&[(3, 0)], 7), pick(&[], 7)), (None, None));
    }
}
