//! The system in numbers, for people and for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hongbao_core::Error;
use hongbao_core::wire::operator::{MoneyStats, PacketStats, ShardStats, StatsAnswer};

use crate::App;

impl App {
    /// The system in numbers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer. A shard that does not is told as down.
    pub async fn stats(&self) -> Result<StatsAnswer, Error> {
        let numbers: BTreeMap<_, _> = self.ledger().await?.stats(self.now_ms()).await?.into_iter().collect();
        let of = |name: &str| numbers.get(name).copied().unwrap_or_default();
        let mut shards = Vec::new();
        for shard in self.shards() {
            let backlog = shard.backlog().await.ok();
            shards.push(ShardStats {
                shard: shard.number,
                is_up: backlog.is_some(),
                backlog: backlog.map(|backlog| backlog.entries),
                oldest_unsettled_ms: backlog.map(|backlog| backlog.oldest_ms),
            });
        }
        let ages: Option<Vec<_>> = shards.iter().map(|shard| shard.oldest_unsettled_ms).collect();
        Ok(StatsAnswer {
            packets: PacketStats {
                scheduled: of("scheduled"),
                open: of("open"),
                overdue: of("overdue"),
                finished: of("finished"),
                expired: of("expired"),
                unloaded: of("unloaded"),
                frozen: of("frozen"),
            },
            money: MoneyStats {
                escrow_fen: of("escrow_fen"),
                wallets_fen: of("wallets_fen"),
                suspense_fen: of("suspense_fen"),
                world_fen: of("world_fen"),
            },
            exceptions_open: of("exceptions_open"),
            blacklisted: of("blacklisted"),
            audit_acts: of("acts"),
            shards,
            oldest_unsettled_ms: ages.and_then(|ages| ages.into_iter().max()),
        })
    }
}

/// The numbers in Prometheus' text format, version 0.0.4.
#[must_use]
pub fn prometheus(stats: &StatsAnswer, sends: bool) -> String {
    let PacketStats { scheduled, open, overdue, finished, expired, unloaded, frozen } = stats.packets;
    let MoneyStats { escrow_fen, wallets_fen, suspense_fen, world_fen } = stats.money;
    let mut page = Page(String::new());
    let states =
        [("scheduled", scheduled), ("open", open), ("overdue", overdue), ("finished", finished), ("expired", expired)];
    page.family("hongbao_packets", "Packets by state.", states.map(|(state, number)| (label("state", state), number)));
    page.family(
        "hongbao_packets_unloaded",
        "Packets funded and confirmed by no shard yet.",
        [(String::new(), unloaded)],
    );
    page.family("hongbao_packets_frozen", "Packets whose refund is stopped.", [(String::new(), frozen)]);
    let money = [("escrow", escrow_fen), ("wallets", wallets_fen), ("suspense", suspense_fen), ("world", world_fen)];
    page.family("hongbao_money_fen", "Where the money is, in fen.", money.map(|(at, fen)| (label("account", at), fen)));
    page.family(
        "hongbao_exceptions_open",
        "Exceptions nobody has dealt with.",
        [(String::new(), stats.exceptions_open)],
    );
    page.family("hongbao_blacklisted", "Blocked users.", [(String::new(), stats.blacklisted)]);
    page.family("hongbao_audit_acts", "Acts in the audit.", [(String::new(), stats.audit_acts)]);
    page.family("hongbao_sends_on", "Whether packets can be sent.", [(String::new(), i64::from(sends))]);
    let by_shard = |number: fn(&ShardStats) -> Option<i64>| {
        let known = |shard: &ShardStats| Some((label("shard", &shard.shard.to_string()), number(shard)?));
        stats.shards.iter().filter_map(known).collect::<Vec<_>>()
    };
    page.family("hongbao_shard_up", "Whether the shard answers.", by_shard(|shard| Some(i64::from(shard.is_up))));
    page.family("hongbao_journal_entries", "Entries that wait to be settled.", by_shard(|shard| shard.backlog));
    let oldest = by_shard(|shard| shard.oldest_unsettled_ms);
    page.family("hongbao_journal_oldest_ms", "Age of the oldest entry that waits, in milliseconds.", oldest);
    page.0
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}

struct Page(String);

impl Page {
    /// One gauge with its samples: pairs of labels and value.
    fn family(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (String, i64)>) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}
