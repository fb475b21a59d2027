//! What a shard holds, and packets that leave it.

use hongbao_core::{Error, PacketId};

use super::Shard;
use super::codec::{code, integer};
use crate::redis::{Argument, Script, binary, number, text};

static RETIRE: Script = Script::new(&[include_str!("../../lua/retire.lua")]);
static LEFTOVERS: Script = Script::new(&[include_str!("../../lua/leftovers.lua")]);

/// How much a shard holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// Packets, of whatever epoch: counted by the scripts that load, rebuild and retire them.
    pub packets: i64,
    /// Bytes of memory in use.
    pub bytes: i64,
    /// The most bytes that the server may use; none for no limit.
    pub bytes_max: Option<i64>,
}

/// A part of a shard's keys that was looked through for packets of other epochs.
pub(crate) struct Leftovers {
    /// The packets.
    pub packets: Vec<PacketId>,
    /// Where the next part goes on; `0` after the last.
    pub next: String,
}

impl Shard {
    /// How much the shard holds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer, or is another than was compared; so do all methods.
    pub async fn holding(&self) -> Result<Holding, Error> {
        let packets = self.call("HGET", vec![binary(&self.held), binary("packets")]).await?;
        let info = self.call("INFO", vec![binary("memory")]).await?;
        let info = info.first().and_then(text).unwrap_or_default();
        let fact = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse::<i64>().ok())
        };
        let unknown = || Error::Internal("redis does not tell its used_memory".into());
        Ok(Holding {
            packets: packets.first().and_then(number).unwrap_or_default().max(0),
            bytes: fact("used_memory").ok_or_else(unknown)?,
            bytes_max: fact("maxmemory").filter(|bytes| *bytes > 0),
        })
    }

    /// Removes packets; answers how many of them were there.
    pub(crate) async fn retire(&self, packets: &[PacketId]) -> Result<i64, Error> {
        let packets: Vec<String> = packets.iter().map(|id| self.packet_key(*id)).collect();
        let keys: Vec<&str> = [&self.epoch, &self.held].into_iter().chain(&packets).map(String::as_str).collect();
        let reply = self.run(&RETIRE, &keys, &[self.expected_epoch()]).await?;
        match code(&reply)? {
            "ok" => integer(&reply, 1),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// The packets of other epochs among the next `count` keys after `cursor`.
    pub(crate) async fn leftovers(&self, cursor: &str, count: i64) -> Result<Leftovers, Error> {
        let arguments = [self.expected_epoch(), binary(cursor), binary(self.packet_keys()), Argument::Int64(count)];
        let reply = self.run(&LEFTOVERS, &[&self.epoch], &arguments).await?;
        match code(&reply)? {
            "ok" => {
                let next = reply.get(1).and_then(text).unwrap_or("0").to_owned();
                let packets = reply.iter().skip(2).filter_map(text).filter_map(PacketId::parse).collect();
                Ok(Leftovers { packets, next })
            }
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// How far the shard was looked through as `contents` (an epoch and a server process): where to go on, `0` at the
    /// start; nothing when all was.
    pub(crate) async fn looked_through(&self, contents: &str) -> Result<Option<String>, Error> {
        let found = self.call("HMGET", [&self.held, "looked", "cursor"].map(binary).to_vec()).await?;
        let [looked, cursor] = [0, 1].map(|place| found.get(place).and_then(text));
        match (looked == Some(contents), cursor) {
            (true, Some(ALL)) => Ok(None),
            (true, Some(cursor)) => Ok(Some(cursor.to_owned())),
            _ => Ok(Some("0".to_owned())),
        }
    }

    /// Notes how far the shard was looked through as `contents`.
    pub(crate) async fn note_looked_through(&self, contents: &str, cursor: &str) -> Result<(), Error> {
        let cursor = if cursor == "0" { ALL } else { cursor };
        let words = [self.held.as_str(), "looked", contents, "cursor", cursor].map(binary);
        Ok(self.call("HSET", words.to_vec()).await.map(drop)?)
    }
}

/// The cursor of a shard that was looked through to its end.
const ALL: &str = "all";
