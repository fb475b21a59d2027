//! The split: exhaustively where it is small, by random cases up to the limits where it is not.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that overflows or finds nothing has to fail"
)]

pub mod seeds;

use std::collections::BTreeSet;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use fastrand::Rng;
use hongbao_core::Fen;
use hongbao_core::split::{Kind, Seed, Shares, share};
use seeds::for_seeds;

/// The published formula for one draw: `left` fen for `people`, `r` in `0..=2(left-people)`, `s` in `0..people`.
fn formula(left: i64, people: i64, r: i64, s: i64) -> i64 {
    if people == 1 { left } else { 1 + (r + s) / people }
}

/// One step of a split, as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    left: i64,
    people: i64,
    r: i64,
    s: i64,
}

impl Step {
    fn fen(self) -> i64 {
        formula(self.left, self.people, self.r, self.s)
    }
}

/// The model of a lucky packet: the whole keystream first, then the formula, step by step.
fn model(seed: &Seed, total: i64, count: i64) -> Vec<Step> {
    let mut keystream = vec![[0_u8; 8]; 2 * usize::try_from(count).expect("small")];
    ChaCha20::new(seed.into(), &[0; 12].into()).apply_keystream(keystream.as_flattened_mut());
    let mut left = total;
    let steps = (0..count).zip(keystream.as_chunks::<2>().0).map(|(position, [first, second])| {
        let people = count - position;
        let below = |bytes: &[u8; 8], bound: i64| {
            let wide = u128::from(u64::from_le_bytes(*bytes)) * u128::try_from(bound).expect("positive");
            i64::try_from(wide >> 64).expect("below its bound")
        };
        let (r, s) = (below(first, 2 * (left - people) + 1), below(second, people));
        let step = Step { left, people, r, s };
        left -= step.fen();
        step
    });
    steps.collect()
}

fn split(kind: Kind, seed: &Seed, total: i64, count: i64) -> Vec<i64> {
    let total = Fen::new(total).expect("an amount");
    let shares = Shares::new(kind, seed, total, u32::try_from(count).expect("small")).expect("can be split");
    shares.map(Fen::get).collect()
}

/// Everything that holds of every packet.
fn check(kind: Kind, seed: &Seed, total: i64, count: i64) {
    let shares = split(kind, seed, total, count);
    let context = format!("{kind:?} {total} in {count}, seed {seed:02x?}");
    assert_eq!(shares.len(), usize::try_from(count).expect("small"), "{context}");
    assert_eq!(shares.iter().sum::<i64>(), total, "{context}");
    let mut left = total;
    for (people, &fen) in (1..=count).rev().zip(&shares) {
        assert!(fen >= 1, "{fen} for {people}: {context}");
        assert!(people == 1 || fen <= (2 * left - 1) / people, "{fen} of {left} for {people}: {context}");
        left -= fen;
    }
    let expected: Vec<i64> = match kind {
        Kind::Lucky => model(seed, total, count).into_iter().map(Step::fen).collect(),
        Kind::Equal => (0..count).map(|seq| total / count + i64::from(seq < total % count)).collect(),
    };
    assert_eq!(shares, expected, "{context}");
}

fn random_seed(random: &mut Rng) -> Seed {
    let mut seed = [0; 32];
    random.fill(&mut seed);
    seed
}

/// A seed made of a number, for tests that are the same every time.
fn numbered_seed(number: u64) -> Seed {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

#[test]
fn every_packet_up_to_60_fen_keeps_every_promise() {
    for_seeds(12, |random| {
        let seed = random_seed(random);
        for (total, count) in (1..=60).flat_map(|total| (1..=total).map(move |count| (total, count))) {
            check(Kind::Lucky, &seed, total, count);
            check(Kind::Equal, &seed, total, count);
        }
    });
}

#[test]
fn packets_up_to_the_limits_keep_every_promise() {
    for_seeds(300, |random| {
        let seed = random_seed(random);
        // Most packets are small; the sizes are spread over the orders of magnitude, limits included.
        let count = [random.i64(1..=100), random.i64(1..=10_000), 10_000][random.usize(..3)];
        let most = (count << random.u32(0..40)).min(Fen::MAX.get());
        let total = [count, random.i64(count..=most), most, Fen::MAX.get()][random.usize(..4)];
        check(Kind::Lucky, &seed, total, count);
        check(Kind::Equal, &seed, total, count);
    });
}

#[test]
fn a_share_asked_alone_is_the_share_in_the_row() {
    for_seeds(100, |random| {
        let seed = random_seed(random);
        let kind = *random.choice(&[Kind::Lucky, Kind::Equal]).expect("not empty");
        let count = random.u32(1..=200);
        let total = Fen::new(random.i64(i64::from(count)..=1_000_000)).expect("an amount");
        let row: Vec<Fen> = Shares::new(kind, &seed, total, count).expect("can be split").collect();
        for (seq, fen) in (0..).zip(&row) {
            assert_eq!(share(kind, &seed, total, count, seq), Some(*fen), "{seq} of {count}");
        }
        assert_eq!(share(kind, &seed, total, count, count), None);
        assert_eq!(share(kind, &seed, total, count, u32::MAX), None);
    });
}

#[test]
fn what_cannot_be_split_has_no_shares() {
    for kind in [Kind::Lucky, Kind::Equal] {
        for (total, count) in [(0, 0), (0, 1), (1, 0), (1, 2), (9_999, 10_000), (5, u32::MAX)] {
            let total = Fen::new(total).expect("an amount");
            assert!(Shares::new(kind, &[1; 32], total, count).is_none(), "{total} in {count}");
            assert_eq!(share(kind, &[1; 32], total, count, 0), None, "{total} in {count}");
        }
    }
    assert_eq!(share(Kind::Lucky, &[1; 32], Fen::MAX, 1, 0), Some(Fen::MAX));
}

/// Every step that a packet of up to 12 fen can take, taken by the crate at least once, gives the formula's
/// share: so what is proved of the formula below is proved of the crate.
#[test]
fn the_crate_follows_the_formula_on_every_point_of_the_draw() {
    const MOST: i64 = 12;
    let mut unseen = BTreeSet::new();
    for (left, people) in (2..=MOST).flat_map(|left| (2..=left).map(move |people| (left, people))) {
        let points = (0..=2 * (left - people)).flat_map(|r| (0..people).map(move |s| (r, s)));
        unseen.extend(points.map(|(r, s)| Step { left, people, r, s }));
    }
    for number in 0..2_000 {
        let seed = numbered_seed(number);
        for (total, count) in (2..=MOST).flat_map(|total| (2..=total).map(move |count| (total, count))) {
            let steps = model(&seed, total, count);
            let expected: Vec<i64> = steps.iter().copied().map(Step::fen).collect();
            assert_eq!(split(Kind::Lucky, &seed, total, count), expected, "{steps:?}");
            unseen.retain(|step| !steps.contains(step));
        }
        if unseen.is_empty() {
            return;
        }
    }
    panic!("never drawn: {unseen:?}");
}

/// Over 20,000 packets, the mean of every position is its expectation within 5 standard errors. All in whole
/// numbers, and the same seeds every time.
#[test]
fn every_position_is_as_lucky_as_the_others() {
    const PACKETS: i128 = 20_000;
    for (total, count) in [(1_000_i64, 5_i64), (20, 7), (100, 40), (20_000_000, 12)] {
        let mut sums = vec![(0_i128, 0_i128); usize::try_from(count).expect("small")];
        for number in 0..20_000 {
            for (sum, fen) in sums.iter_mut().zip(split(Kind::Lucky, &numbered_seed(number), total, count)) {
                let fen = i128::from(fen);
                *sum = (sum.0 + fen, sum.1 + fen * fen);
            }
        }
        let (total, count) = (i128::from(total), i128::from(count));
        for (seq, (sum, squares)) in sums.into_iter().enumerate() {
            let off = count * sum - PACKETS * total;
            let variance = PACKETS * squares - sum * sum; // Times PACKETS squared.
            assert!(variance > 0, "position {seq} of {total} in {count} is always the same");
            assert!(
                off * off * PACKETS <= 25 * count * count * variance,
                "position {seq} of {total} in {count} has a mean of {sum}/{PACKETS}"
            );
        }
    }
}
