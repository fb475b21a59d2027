//! Whether a shard can be trusted, and how one that cannot is rebuilt.
//!
//! A shard's contents belong to an epoch, which every script compares. Contents that are gone, older than the
//! ledger or from elsewhere are fenced (epoch 0: every script refuses), and come back from the ledger under the next
//! epoch. A server that has been compared since it started carries its own run id as a mark, so that only the
//! first connection after a start has to ask the ledger.

use hongbao_core::race::Claim;
use hongbao_core::{Error, UserId};

use super::Shard;
use super::codec::{code, count, encode_facts};
use super::journal::GROUP;
use crate::ledger::Packet;
use crate::redis::{Argument, Failure, Script, binary, number, text};

static REBUILD: Script = Script::new(&[include_str!("../../lua/rebuild.lua")]);
static LIVE: Script = Script::new(&[include_str!("../../lua/live.lua")]);
static FENCE: Script = Script::new(&[include_str!("../../lua/fence.lua")]);
static UPKEEP: Script = Script::new(&[include_str!("../../lua/upkeep.lua")]);

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The epoch its contents belong to: 0 behind the fence, none for an empty server.
    pub epoch: Option<u32>,
    /// The running process.
    pub run_id: String,
    /// Whether the contents were compared with the ledger since the process started.
    pub is_compared: bool,
}

/// An entry's place in the stream: milliseconds, and the number within one.
pub type Place = (i64, i64);

impl Shard {
    fn mark(&self) -> String {
        format!("hb:{{{}}}:compared", self.number)
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer; so do all methods.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let known = self.call("MGET", vec![binary(&self.epoch), binary(self.mark())]).await?;
        let info = self.call("INFO", vec![binary("server")]).await?;
        let lines = info.first().and_then(text).unwrap_or_default().lines();
        let run_id = lines.filter_map(|line| line.strip_prefix("run_id:")).next();
        let run_id = run_id.ok_or_else(|| Error::Internal("redis does not tell its run_id".into()))?.trim().to_owned();
        Ok(Identity {
            epoch: known.first().and_then(number).and_then(|epoch| u32::try_from(epoch).ok()),
            is_compared: known.get(1).and_then(text) == Some(run_id.as_str()),
            run_id,
        })
    }

    /// Marks the running process as compared with the ledger.
    pub async fn set_compared(&self, run_id: &str) -> Result<(), Error> {
        Ok(self.upkeep(&self.mark(), &["SET", "@", run_id]).await?)
    }

    /// Runs a command on a full server too; `@` stands for the key.
    async fn upkeep(&self, key: &str, words: &[&str]) -> Result<(), Failure> {
        let words: Vec<Argument> = words.iter().map(binary).collect();
        self.run(&UPKEEP, &[key], &words).await.map(drop)
    }

    /// Makes the settlement's consumer group where there is none.
    pub(super) async fn make_group(&self) -> Result<(), Error> {
        match self.upkeep(&self.events, &["XGROUP", "CREATE", "@", GROUP, "0", "MKSTREAM"]).await {
            Err(Failure::Refused(text)) if text.contains("BUSYGROUP") => Ok(()),
            answer => Ok(answer?),
        }
    }

    /// Whether the entry at `place` was ever written to this journal. The highest id alone would not tell: a journal
    /// that has lost entries may have got later ones since.
    pub async fn has_written(&self, place: Place) -> Result<bool, Error> {
        // The entry before the mark: who settles it meanwhile deletes it, and then the mark is there.
        let id = written(place);
        let range = [&self.events, &id, &id].map(binary).to_vec();
        if !self.call("XRANGE", range).await?.is_empty() {
            return Ok(true);
        }
        Ok(place <= self.marks().await?.deleted)
    }

    /// Makes the journal one in which `place` was written, and in which later entries come after it: their ids are new
    /// to the ledger.
    pub async fn advance_to(&self, place: Place) -> Result<(), Error> {
        let marks = self.marks().await?;
        let (last, deleted) = (written(marks.last.max(place)), written(marks.deleted.max(place)));
        Ok(self.upkeep(&self.events, &["XSETID", "@", &last, "MAXDELETEDID", &deleted]).await?)
    }

    async fn marks(&self) -> Result<Marks, Error> {
        self.make_group().await?;
        let info = self.call("XINFO", vec![binary("STREAM"), binary(&self.events)]).await?;
        let told = |name: &str| {
            let mut words = info.iter().map(text);
            words.by_ref().find(|word| *word == Some(name));
            let place = words.next().flatten().and_then(place_of);
            place.ok_or_else(|| Error::Internal(format!("redis told {info:?} of the journal")))
        };
        Ok(Marks { last: told("last-generated-id")?, deleted: told("max-deleted-entry-id")? })
    }

    /// Makes an empty server, of which the ledger knows no packet, belong to `epoch`, which begins under the process
    /// `run_id`.
    pub async fn adopt(&self, epoch: u32, run_id: &str) -> Result<(), Error> {
        self.make_group().await?;
        let epoch = vec![binary(&self.epoch), Argument::Int64(epoch.into()), binary("NX")];
        let is_first = self.call("SET", epoch).await?.first().and_then(text).is_some();
        if is_first {
            self.call("SET", vec![binary(&self.origin), binary(run_id)]).await?;
        }
        Ok(())
    }

    /// Notes that the epoch has been served by more than one process: one of them may have forgotten something.
    pub async fn forget_origin(&self) -> Result<(), Error> {
        Ok(self.call("DEL", vec![binary(&self.origin)]).await.map(drop)?)
    }

    /// The epoch under which the shard is live now, which is the one that this instance trusts.
    pub async fn live_epoch(&self) -> Result<u32, Error> {
        let reply = self.call("GET", vec![binary(&self.epoch)]).await?;
        let epoch = reply.first().and_then(number).and_then(|epoch| u32::try_from(epoch).ok());
        match epoch.filter(|epoch| Some(*epoch) == self.trusted_epoch()) {
            Some(epoch) => Ok(epoch),
            None => Err(self.refusal("fenced", &reply)),
        }
    }

    /// Makes every script refuse, unless the epoch is no longer the one `found`.
    pub async fn fence(&self, found: Option<u32>) -> Result<(), Error> {
        self.doubt();
        let found = found.map(|epoch| epoch.to_string()).unwrap_or_default();
        self.run(&FENCE, &[&self.epoch], &[binary(found)]).await?;
        Ok(())
    }

    /// Puts packets back into the race with their settled shares, which were read from the ledger when the shard was
    /// live under `epoch` already. Answers how many were not there.
    pub async fn put_back(&self, packets: &[(&Packet, &[(UserId, Claim)])], epoch: u32) -> Result<u32, Error> {
        let number = |count: usize| Argument::Int64(i64::try_from(count).unwrap_or(i64::MAX));
        let keys: Vec<String> = packets.iter().map(|(packet, _)| self.packet_key(packet.facts.id)).collect();
        let keys: Vec<&str> =
            [&self.epoch, &self.events, &self.held].into_iter().chain(&keys).map(String::as_str).collect();
        let mut arguments = vec![Argument::Int64(epoch.into())];
        for (packet, claims) in packets {
            let (facts, encoded) = (&packet.facts, encode_facts(&packet.facts));
            arguments.extend([binary(facts.id.to_string()), Argument::Int64(packet.is_loaded.into())]);
            arguments.extend([Argument::Int64(facts.count.into()), number(encoded.len() / 2), number(claims.len())]);
            arguments.extend(encoded);
            for (user, claim) in *claims {
                let opened_at_ms = Argument::Int64(claim.opened_at_ms.unwrap_or_default());
                arguments.extend([binary(user.as_str()), Argument::Int64(claim.seq.into()), opened_at_ms]);
            }
        }
        let reply = self.run(&REBUILD, &keys, &arguments).await?;
        match code(&reply)? {
            "ok" => count(&reply, 1),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Takes the fence down: from here on the shard is live under `epoch`. Answers `false` when the server is not the
    /// process `run_id` any more: it has to be compared first.
    pub async fn go_live(&self, epoch: u32, run_id: &str) -> Result<bool, Error> {
        let mark = self.mark();
        let keys = [&self.epoch, &mark, &self.origin];
        let reply =
            self.run(&LIVE, &keys.map(String::as_str), &[Argument::Int64(epoch.into()), binary(run_id)]).await?;
        let is_live = code(&reply)? == "ok";
        if is_live {
            self.trust(epoch, run_id);
        }
        Ok(is_live)
    }
}

/// The highest ids that a journal has ever written, and ever deleted.
struct Marks {
    last: Place,
    deleted: Place,
}

fn written((ms, number): Place) -> String {
    format!("{ms}-{number}")
}

/// Reads an entry's id, `<ms>-<number>`.
#[must_use]
pub fn place_of(id: &str) -> Option<Place> {
    let (ms, number) = id.split_once('-')?;
    Some((ms.parse().ok()?, number.parse().ok()?))
}
