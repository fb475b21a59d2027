//! What Redis holds, as bytes: replies, a packet's facts, a user's claim.

use hongbao_core::packet::{Facts, Recipient};
use hongbao_core::race::Claim;
use hongbao_core::split::Kind;
use hongbao_core::{Error, Fen, PacketId, UserId};

use crate::redis::{Argument, Reply, binary, number, text};

pub(super) fn code(reply: &[Reply]) -> Result<&str, Error> {
    reply.first().and_then(text).ok_or_else(|| Error::Internal(format!("a script answered {reply:?}")))
}

pub(super) fn integer(reply: &[Reply], place: usize) -> Result<i64, Error> {
    let found = reply.get(place).and_then(number);
    found.ok_or_else(|| Error::Internal(format!("redis answered {reply:?}")))
}

pub(super) fn count(reply: &[Reply], place: usize) -> Result<u32, Error> {
    u32::try_from(integer(reply, place)?).map_err(|_| Error::Internal(format!("redis answered {reply:?}")))
}

/// The fields of a packet's hash that hold its facts. Short, because every packet has them; a user's claim
/// has the user's id as its field, which cannot be one of them.
pub const FACT_FIELDS: [&str; 9] = ["k", "t", "n", "to", "by", "seed", "s", "x", "pw"];

/// A packet's facts as fields and values of its hash, in turn.
#[must_use]
pub fn encode_facts(facts: &Facts) -> Vec<Argument> {
    let number = Argument::Int64;
    let values = [
        binary(facts.kind.as_str()),
        number(facts.total.get()),
        number(facts.count.into()),
        binary(facts.to.as_str()),
        binary(facts.sender.as_str()),
        binary(facts.seed),
        number(facts.starts_at_ms),
        number(facts.expires_at_ms),
    ];
    let password = facts.password_mac.as_ref().map(binary);
    let pairs = FACT_FIELDS.into_iter().zip(values.into_iter().chain(password));
    pairs.flat_map(|(field, value)| [binary(field), value]).collect()
}

/// The facts that the values of [`FACT_FIELDS`] tell; `None` when there is no such packet.
#[must_use]
pub fn decode_facts(id: PacketId, reply: &[Reply]) -> Option<Facts> {
    let [kind, total, shares, to, by, seed, starts, expires, password] = reply else { return None };
    let Reply::Binary(seed) = seed else { return None };
    Some(Facts {
        id,
        sender: UserId::parse(text(by)?)?,
        kind: Kind::parse(text(kind)?)?,
        total: Fen::new(number(total)?)?,
        count: u32::try_from(number(shares)?).ok()?,
        to: Recipient::parse(text(to)?)?,
        password_mac: text(password).map(str::to_owned),
        seed: seed.as_slice().try_into().ok()?,
        starts_at_ms: number(starts)?,
        expires_at_ms: number(expires)?,
    })
}

/// A claim's value: its seq, and once opened `seq:opened at ms`.
pub(super) fn decode_claim(value: &str) -> Option<Claim> {
    let (seq, opened_at) = value.split_once(':').map_or((value, None), |(seq, at)| (seq, Some(at)));
    Some(Claim { seq: seq.parse().ok()?, opened_at_ms: opened_at.map(str::parse).transpose().ok()? })
}
