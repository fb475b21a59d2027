//! What the page needs to check a packet by itself, without asking the server: `hongbao-core` through wasm-bindgen.
//!
//! Built for `wasm32-unknown-unknown` by the build script of `functions/web`, which embeds the result.
//!
//! **Invariant:** no formula stands here. The page verifies with the very code that the server splits with;
//! `docs/fairness.py` is the independent one.

use hongbao_core::split::{self, Kind, Seed, Shares};
use hongbao_core::{Fen, PacketId};
use wasm_bindgen::prelude::wasm_bindgen;

/// The most shares whose distribution is simulated in one go: a page must stay responsive.
const DRAWS_MAX: u64 = 2_000_000;

/// The commitment that `send` must have published for this packet and seed: 64 hexadecimal digits.
///
/// # Errors
/// Occurs when the id or the seed is malformed; the text says which.
#[wasm_bindgen]
pub fn commitment(packet_id: &str, seed: &str) -> Result<String, String> {
    let id = PacketId::parse(packet_id).ok_or("not the id of a packet")?;
    Ok(split::hex(&split::commitment(id, &parse_seed(seed)?)))
}

/// The amounts of all shares in fen, in order of `seq`.
///
/// # Errors
/// Occurs when the kind, the seed, the total or the count is none that a packet can have; the text says which.
#[wasm_bindgen]
pub fn amounts(kind: &str, seed: &str, total_fen: i64, count: u32) -> Result<Vec<i64>, String> {
    let (kind, total) = parse(kind, total_fen)?;
    let shares = Shares::new(kind, &parse_seed(seed)?, total, count).ok_or("a share of less than one fen")?;
    Ok(shares.map(Fen::get).collect())
}

/// What the share number `seq` would have held with `rounds` other seeds, derived from `start`: for a picture of how
/// lucky an amount was. Fewer rounds than asked for where each is long.
///
/// # Errors
/// As for [`amounts`], and when `seq` is outside the packet.
#[wasm_bindgen]
pub fn simulate(
    kind: &str,
    start: &str,
    total_fen: i64,
    count: u32,
    seq: u32,
    rounds: u32,
) -> Result<Vec<i64>, String> {
    let (kind, total) = parse(kind, total_fen)?;
    let start = parse_seed(start)?;
    let rounds = u64::from(rounds).min((DRAWS_MAX / (u64::from(seq) + 1)).max(1));
    let round = |number: u64| {
        let seed = split::commitment(PacketId::new(number, 0, 0), &start);
        split::share(kind, &seed, total, count, seq).map(Fen::get).ok_or_else(|| "a share outside the packet".into())
    };
    (0..rounds).map(round).collect()
}

fn parse(kind: &str, total_fen: i64) -> Result<(Kind, Fen), String> {
    let kind = Kind::parse(kind).ok_or("a kind is lucky or equal")?;
    Ok((kind, Fen::new(total_fen).ok_or("a total is not below zero")?))
}

fn parse_seed(hex: &str) -> Result<Seed, String> {
    let digits: Option<Vec<u8>> =
        hex.bytes().map(|digit| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64).ok_or("a seed has 64 hexadecimal digits")?;
    let mut seed = [0; 32];
    for (byte, pair) in seed.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::{amounts, commitment, simulate};

    const ID: &str = "hb_01hjz3s2g0000zzzzzzzzzzzzz";
    const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    /// The example of docs/fairness.md.
    #[test]
    fn the_published_example_is_computed_as_published() {
        assert_eq!(
            commitment(ID, SEED).as_deref(),
            Ok("b9eabbb4dbcff30d6a6912dff90ae23105139789bd9cbd53c9975e2ddf605ce0")
        );
        assert_eq!(amounts("lucky", SEED, 1000, 5), Ok(vec![166, 333, 223, 50, 228]));
    }

    #[test]
    fn what_no_packet_has_is_refused() {
        for (kind, seed, total, count) in [
            ("x", SEED, 1, 1),
            ("lucky", "00", 1, 1),
            ("lucky", SEED, -1, 1),
            ("lucky", SEED, 1, 2),
            ("equal", SEED, 1, 0),
        ] {
            assert!(amounts(kind, seed, total, count).is_err(), "{kind} {seed} {total} {count}");
        }
        assert!(commitment("hb_x", SEED).is_err() && simulate("lucky", SEED, 10, 2, 2, 5).is_err());
    }

    #[test]
    fn a_simulation_keeps_within_the_packet_and_ends() {
        let many = simulate("lucky", SEED, 1000, 5, 1, 500).expect("amounts");
        assert!(many.len() == 500 && many.iter().all(|fen| (1..=996).contains(fen)), "{many:?}");
        assert_eq!(simulate("equal", SEED, 1000, 3, 0, 2), Ok(vec![334, 334]));
        assert!(simulate("lucky", SEED, 1_000_000, 10_000, 9_999, 100_000).expect("amounts").len() <= 200);
    }
}
