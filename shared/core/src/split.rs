//! How a packet is split: `share(seed, total, count, seq) -> fen`, a pure function.
//!
//! With `k` people and `R` fen left, the last one takes `R`; otherwise `r` is uniform in `0..=2(R-k)`, `s`
//! uniform in `0..=k-1`, and the share is `1 + (r + s) / k` in whole numbers. From it follow, exactly:
//!
//! - the shares sum to the total (the last takes what is left);
//! - no share is below 1 or above `(2R-1)/k`, "0.01 to twice the remaining average";
//! - every position's mean is `total / count`: `s` makes the division's rounding even, since the mean
//!   of `floor((r + s) / k)` over `s` is `r / k`.
//!
//! Randomness is the ChaCha20 keystream (RFC 8439, key = seed, nonce and counter zero), 16 bytes a draw:
//! two little-endian `u64`, each mapped to `0..bound` by the high half of the 128-bit product `x * bound`.
//! `docs/fairness.md` says it for other languages, with test vectors.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::{Fen, PacketId, json};

/// The secret that decides a packet's shares; shown when the packet is finished or closed.
pub type Seed = [u8; 32];

/// How the shares are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Random shares (拼手气).
    Lucky,
    /// Equal shares; the first `total % count` carry one fen more.
    Equal,
}

/// Read by hand: serde also takes `{"lucky":null}` for a name.
impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &[Kind::Lucky.as_str(), Kind::Equal.as_str()];
        json::one_of(deserializer, NAMES, Self::parse)
    }
}

impl Kind {
    /// The kind's name on the wire and in the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lucky => "lucky",
            Self::Equal => "equal",
        }
    }

    /// Reads a kind's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Lucky, Self::Equal].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The shares of one packet, in order of `seq`.
///
/// An iterator of exactly `count` amounts that sum to `total`.
pub struct Shares {
    kind: Kind,
    left_fen: i64,
    left_count: i64,
    keystream: ChaCha20,
}

impl Shares {
    /// The shares of a packet of `total` in `count` parts.
    ///
    /// `None` unless `1 <= count <= total`: every share is at least one fen.
    #[must_use]
    pub fn new(kind: Kind, seed: &Seed, total: Fen, count: u32) -> Option<Self> {
        let left_count = i64::from(count);
        if left_count < 1 || left_count > total.get() {
            return None;
        }
        let keystream = ChaCha20::new(seed.into(), &[0; 12].into());
        Some(Self { kind, left_fen: total.get(), left_count, keystream })
    }

    /// The next share's size in fen; `left_count >= 1` and `left_fen >= left_count`.
    fn next_fen(&mut self) -> Option<i64> {
        if self.left_count == 1 {
            return Some(self.left_fen);
        }
        match self.kind {
            // What is left stays evenly divided, so rounding up each time gives the extra fen to the first.
            Kind::Equal => self.left_fen.checked_add(self.left_count)?.checked_sub(1)?.checked_div(self.left_count),
            Kind::Lucky => {
                let spare = self.left_fen.checked_sub(self.left_count)?;
                let [r, s] = self.draw([spare.checked_mul(2)?.checked_add(1)?, self.left_count])?;
                r.checked_add(s)?.checked_div(self.left_count)?.checked_add(1)
            }
        }
    }

    /// Two numbers, each uniform below its bound, from the next 16 bytes of the keystream.
    fn draw(&mut self, bounds: [i64; 2]) -> Option<[i64; 2]> {
        let mut bytes = [[0_u8; 8]; 2];
        self.keystream.apply_keystream(bytes.as_flattened_mut());
        let [low, high] = bytes.map(u64::from_le_bytes);
        let [first, second] = bounds;
        Some([below(low, first)?, below(high, second)?])
    }
}

/// Maps a random `x` to `0..bound` by multiply-high.
fn below(x: u64, bound: i64) -> Option<i64> {
    let product = u128::from(x).checked_mul(u128::try_from(bound).ok()?)?;
    i64::try_from(product >> 64).ok()
}

impl Iterator for Shares {
    type Item = Fen;

    fn next(&mut self) -> Option<Fen> {
        if self.left_count == 0 {
            return None;
        }
        let fen = self.next_fen()?;
        self.left_fen = self.left_fen.checked_sub(fen)?;
        self.left_count = self.left_count.checked_sub(1)?;
        Fen::new(fen)
    }
}

/// The share number `seq` (from 0); `None` outside the packet.
#[must_use]
pub fn share(kind: Kind, seed: &Seed, total: Fen, count: u32, seq: u32) -> Option<Fen> {
    Shares::new(kind, seed, total, count)?.nth(usize::try_from(seq).ok()?)
}

/// What `send` publishes so that the seed cannot be changed afterwards: `SHA-256("hongbao/1" ‖ id ‖ seed)`,
/// where `id` is the packet id's text.
#[must_use]
pub fn commitment(id: PacketId, seed: &Seed) -> [u8; 32] {
    Sha256::new().chain_update("hongbao/1").chain_update(id.to_string()).chain_update(seed).finalize().into()
}

/// Lower-case hexadecimal, as seeds and commitments are written.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
