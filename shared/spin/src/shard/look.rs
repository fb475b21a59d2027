//! Reading a packet: as one person may see it, and all of it in steps.

use std::collections::BTreeMap;

use hongbao_core::admit::{Rates, USER_BURST_S, bucket_us};
use hongbao_core::race::Claim;
use hongbao_core::wire::PAGE_MAX;
use hongbao_core::{Error, PacketId, UserId};

use super::codec::{code, count, decode_claim, integer};
use super::{Outcome, Shard};
use crate::redis::{Argument, Reply, Script, binary, number, text};

/// Reads a packet as one person may see it.
pub(super) static LOOK: Script = Script::new(&[include_str!("../../lua/look.lua")]);

/// The fields of a packet that one step of reading all of it asks for: others' calls go in between.
const STEP: i64 = 500;

/// A person who looks at a packet.
pub struct Onlooker<'a> {
    /// The person's id.
    pub user: &'a UserId,
    /// Whether the person sent the packet, and sees every share.
    pub is_sender: bool,
    /// The rates.
    pub rates: &'a Rates,
}

/// A packet's race as one person may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The shard's clock, Unix milliseconds.
    pub now_ms: i64,
    /// The number of shares grabbed.
    pub grabbed: u32,
    /// The number of shares opened.
    pub opened: u32,
    /// Whether the packet was closed.
    pub is_closed: bool,
    /// The person's own share.
    pub mine: Option<Claim>,
    /// Everybody's shares, where the person may see them and they fit on a page.
    pub all: Option<BTreeMap<UserId, Claim>>,
}

/// Everybody's shares of a packet.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The number of shares grabbed.
    pub grabbed: u32,
    /// Each person's share.
    pub claims: BTreeMap<UserId, Claim>,
}

impl Shard {
    /// A packet as one person may see it: one call, whose cost does not grow with the packet.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn look(&self, id: PacketId, onlooker: &Onlooker<'_>) -> Result<Outcome<Sight>, Error> {
        let bucket = format!("hb:{{{}}}:rate:view:{}", self.number, onlooker.user);
        let (token_us, full_us) = bucket_us(onlooker.rates.view_user, USER_BURST_S);
        let arguments = [
            self.expected_epoch(),
            binary(onlooker.user.as_str()),
            Argument::Int64(onlooker.is_sender.into()),
            Argument::Int64(PAGE_MAX),
            Argument::Int64(token_us),
            Argument::Int64(full_us),
        ];
        let reply = self.run(&LOOK, &[&self.packet_key(id), &self.epoch, &bucket], &arguments).await?;
        match code(&reply)? {
            "ok" => sight(&reply).map(Outcome::Done),
            "missing" => Ok(Outcome::Missing),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Everybody's shares of a packet, read in steps; `None` when the shard does not hold it. A share that was bound
    /// before the first step is among them; one that is bound meanwhile may be.
    pub async fn live(&self, id: PacketId) -> Result<Option<Live>, Error> {
        let (mut live, mut cursor) = (Live::default(), b"0".to_vec());
        loop {
            let arguments = vec![binary(self.packet_key(id)), binary(&cursor), binary("COUNT"), Argument::Int64(STEP)];
            let reply = self.call("HSCAN", arguments).await?;
            let Some((Reply::Binary(next), fields)) = reply.split_first() else {
                return Err(Error::Internal(format!("redis answered {reply:?}")));
            };
            for (field, value) in pairs(fields) {
                match field {
                    "g" => live.grabbed = value.parse().unwrap_or_default(),
                    user => live.claims.extend(UserId::parse(user).zip(decode_claim(value))),
                }
            }
            if next == b"0" {
                break;
            }
            cursor.clone_from(next);
        }
        // What another epoch left behind, or puts in its place meanwhile, is not the packet's state.
        Ok(self.holds(id).await?.then_some(live))
    }

    /// Whether the shard holds a packet, under the epoch that this instance trusts.
    pub async fn holds(&self, id: PacketId) -> Result<bool, Error> {
        let reply = self.call("HGET", vec![binary(self.packet_key(id)), binary("e")]).await?;
        let epoch = reply.first().and_then(number).and_then(|epoch| u32::try_from(epoch).ok());
        Ok(epoch.is_some() && epoch == self.trusted_epoch())
    }
}

fn sight(reply: &[Reply]) -> Result<Sight, Error> {
    let claim = |(user, value): (&str, &str)| UserId::parse(user).zip(decode_claim(value));
    Ok(Sight {
        now_ms: integer(reply, 1)?,
        grabbed: count(reply, 2)?,
        opened: count(reply, 3)?,
        is_closed: integer(reply, 4)? != 0,
        mine: reply.get(5).and_then(text).and_then(decode_claim),
        all: reply.get(6..).filter(|fields| !fields.is_empty()).map(|all| pairs(all).filter_map(claim).collect()),
    })
}

/// The fields and values of a hash that are text.
fn pairs(reply: &[Reply]) -> impl Iterator<Item = (&str, &str)> {
    reply.as_chunks::<2>().0.iter().filter_map(|[field, value]| Some((text(field)?, text(value)?)))
}
