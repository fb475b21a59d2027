//! What a packet takes of Redis' memory: as it is sent, and with all its shares opened.

use anyhow::{Context, Result};
use hongbao_core::PacketId;
use redis::aio::MultiplexedConnection;
use redis::cmd;

use super::Stage;
use crate::race::{Race, connect};
use crate::site::Baselines;

const PACKETS: u32 = 2_000;
const SHARES: u32 = 10;

/// Bytes for each packet of ten shares, the key's own entry included: the server's whole memory, divided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) funded: f64,
    pub(crate) claimed: f64,
}

/// Loads packets, opens all their shares and asks the server what it holds before, between and after.
pub(crate) async fn run(stage: &Stage, baselines: &Baselines) -> Result<Memory> {
    let mut race = Race::connect(&baselines.redis.url()).await?;
    let mut redis = connect(baselines.redis.url()).await?;
    race.load(1, SHARES).await?; // What is there once, such as the scripts' own memory, is no packet's.
    let before = used(&mut redis).await?;
    let packets = race.load(PACKETS, SHARES).await?;
    let funded = used(&mut redis).await?;
    let people = &stage.people;
    let shares: Vec<(PacketId, u32)> = (0..SHARES)
        .flat_map(|place| packets.iter().zip(0..).map(move |(id, packet)| (*id, people.taker(packet, place))))
        .collect();
    let numbers = race.grab(&shares, people).await?;
    let shares: Vec<_> = shares.into_iter().zip(numbers).map(|((id, person), seq)| (id, person, seq)).collect();
    race.open(&shares, people).await?;
    race.forget_journal().await?;
    let claimed = used(&mut redis).await?;
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / f64::from(PACKETS);
    Ok(Memory { funded: each(funded), claimed: each(claimed) })
}

/// The bytes that the server's data takes, its buffers for clients and the disk left out.
pub(crate) async fn used(redis: &mut MultiplexedConnection) -> Result<u64> {
    let info: String = cmd("INFO").arg("memory").query_async(redis).await?;
    let number =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok());
    let bytes: Option<u64> = number("used_memory_dataset");
    bytes.context("redis does not tell its used_memory_dataset")
}
