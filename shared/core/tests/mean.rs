//! The proof by enumeration: every position's mean is exactly `total / count`.
//!
//! Every draw of every packet up to 60 fen is enumerated, and the means are added up as fractions, from
//! the last person back to the first. `split.rs` holds the crate to this formula.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that overflows has to fail"
)]

use std::collections::BTreeMap;
use std::iter;

/// The largest packet that is enumerated.
const MOST: i128 = 60;

/// A fraction in lowest terms, with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(over: i128, under: i128) -> Self {
        let (mut common, mut rest) = (over, under);
        while rest != 0 {
            (common, rest) = (rest, common % rest);
        }
        Self(over / common, under / common)
    }

    fn plus_times(self, other: Self, times: i128) -> Self {
        Self::new(self.0 * other.1 + times * other.0 * self.1, self.1 * other.1)
    }

    fn over(self, by: i128) -> Self {
        Self::new(self.0, self.1 * by)
    }
}

/// How often each share comes up over all draws, for `people > 1` and `left` fen.
type Outcomes = fn(left: i128, people: i128) -> BTreeMap<i128, i128>;

/// The split's formula over all its draws.
fn of_the_split(left: i128, people: i128) -> BTreeMap<i128, i128> {
    let draws = (0..=2 * (left - people)).flat_map(|r| (0..people).map(move |s| 1 + (r + s) / people));
    tally(draws)
}

/// The usual formula, `1 + random % (2 R / k - 1)`.
fn of_the_usual_formula(left: i128, people: i128) -> BTreeMap<i128, i128> {
    tally(1..=(2 * left / people - 1).max(1))
}

/// The split's formula without `s`, so that the division always rounds down.
fn of_rounding_down(left: i128, people: i128) -> BTreeMap<i128, i128> {
    tally((0..=2 * (left - people)).map(|r| 1 + r / people))
}

fn tally(shares: impl Iterator<Item = i128>) -> BTreeMap<i128, i128> {
    let mut times = BTreeMap::new();
    shares.for_each(|share| *times.entry(share).or_default() += 1);
    times
}

/// Finds a position whose mean is not exactly `left / people`, for any `left` and `people` up to [`MOST`].
fn find_uneven(outcomes: Outcomes) -> Option<String> {
    // means[people][left][position], by induction over the number of people.
    let mut means: BTreeMap<(i128, i128), Vec<Fraction>> = BTreeMap::new();
    for people in 1..=MOST {
        for left in people..=MOST {
            let here = match people {
                1 => vec![Fraction::new(left, 1)],
                _ => means_of(&outcomes(left, people), left, people, &means),
            };
            if let Some(position) = here.iter().position(|mean| *mean != Fraction::new(left, people)) {
                return Some(format!("{left} for {people}: position {position} has {:?}", here[position]));
            }
            means.insert((people, left), here);
        }
    }
    None
}

fn means_of(
    outcomes: &BTreeMap<i128, i128>,
    left: i128,
    people: i128,
    means: &BTreeMap<(i128, i128), Vec<Fraction>>,
) -> Vec<Fraction> {
    let all: i128 = outcomes.values().sum();
    let mean = |of: &dyn Fn(i128) -> Fraction| {
        let zero = Fraction::new(0, 1);
        outcomes.iter().fold(zero, |sum, (&share, &times)| sum.plus_times(of(share), times)).over(all)
    };
    let first = mean(&|share| Fraction::new(share, 1));
    let later = (0..).take(usize::try_from(people - 1).expect("small"));
    let later = later.map(|position: usize| mean(&|share| means[&(people - 1, left - share)][position]));
    iter::once(first).chain(later).collect()
}

#[test]
fn every_position_has_exactly_the_same_mean() {
    assert_eq!(find_uneven(of_the_split), None);
}

/// The canaries: what the enumeration is there to find, it finds.
#[test]
fn the_usual_formulas_are_found_uneven() {
    assert!(find_uneven(of_the_usual_formula).is_some());
    assert!(find_uneven(of_rounding_down).is_some());
}

/// The bounds of a share are reached, and never passed.
#[test]
fn a_share_reaches_from_one_fen_to_twice_the_average_less_a_fraction() {
    for (left, people) in (2..=MOST).flat_map(|left| (2..=left).map(move |people| (left, people))) {
        let outcomes = of_the_split(left, people);
        let bounds = (outcomes.first_key_value().map(|first| *first.0), outcomes.last_key_value().map(|last| *last.0));
        assert_eq!(bounds, (Some(1), Some((2 * left - 1) / people)), "{left} for {people}");
        // Whoever comes later gets at least one fen each.
        assert!(bounds.1.is_some_and(|most| left - most >= people - 1), "{left} for {people}");
    }
}
