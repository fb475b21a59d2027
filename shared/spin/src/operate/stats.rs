//! The system in numbers, for people and for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hongbao_core::Error;
use hongbao_core::admit::Level;
use hongbao_core::wire::operator::{MoneyStats, PacketStats, ShardStats, StatsAnswer};

use crate::App;
use crate::count::Count;
use crate::gate::Controls;

impl App {
    /// The system in numbers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer. A shard that does not is told as down.
    pub async fn stats(&self) -> Result<StatsAnswer, Error> {
        let numbers: BTreeMap<_, _> = self.ledger().await?.stats(self.now_ms()).await?.into_iter().collect();
        let of = |name: &str| numbers.get(name).copied().unwrap_or_default();
        let (mut shards, mut counters) = (Vec::new(), BTreeMap::new());
        counters.extend(Count::ALL.map(|count| (count.name().to_owned(), 0)));
        for shard in self.shards() {
            let backlog = shard.backlog().await.ok();
            // A shard that is away keeps its numbers to itself.
            for (name, number) in shard.counters().await.unwrap_or_default() {
                let sum: &mut i64 = counters.entry(name).or_default();
                *sum = sum.saturating_add(number);
            }
            shards.push(ShardStats {
                shard: shard.number,
                is_up: backlog.is_some(),
                backlog: backlog.map(|backlog| backlog.entries),
                oldest_unsettled_ms: backlog.map(|backlog| backlog.oldest_ms),
            });
        }
        let fullest = shards.iter().filter_map(|shard| shard.backlog).max();
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
            level_by_load: Level::of_backlog(fullest.unwrap_or_default()).number(),
            shards,
            oldest_unsettled_ms: ages.and_then(|ages| ages.into_iter().max()),
            counters,
        })
    }
}

/// The numbers in Prometheus' text format, version 0.0.4.
#[must_use]
pub fn prometheus(stats: &StatsAnswer, controls: &Controls) -> String {
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
    page.family("hongbao_sends_on", "Whether packets can be sent.", [(String::new(), i64::from(controls.sends))]);
    let level = controls.ladder.unwrap_or(stats.level_by_load);
    page.family("hongbao_ladder_level", "What is given up: 0 nothing … 3 new shares.", [(String::new(), level)]);
    let by_shard = |number: fn(&ShardStats) -> Option<i64>| {
        let known = |shard: &ShardStats| Some((label("shard", &shard.shard.to_string()), number(shard)?));
        stats.shards.iter().filter_map(known).collect::<Vec<_>>()
    };
    page.family("hongbao_shard_up", "Whether the shard answers.", by_shard(|shard| Some(i64::from(shard.is_up))));
    page.family("hongbao_journal_entries", "Entries that wait to be settled.", by_shard(|shard| shard.backlog));
    let oldest = by_shard(|shard| shard.oldest_unsettled_ms);
    page.family("hongbao_journal_oldest_ms", "Age of the oldest entry that waits, in milliseconds.", oldest);
    let counter = |name: &str| stats.counters.get(name).copied().unwrap_or_default();
    let caches = ["packet", "over", "controls"];
    let of_caches = |what: &str| caches.map(|cache| (label("cache", cache), counter(&format!("{cache}_{what}"))));
    page.counters("hongbao_cache_hits_total", "Answers from an instance's memory.", of_caches("hit"));
    page.counters("hongbao_cache_misses_total", "Answers that were not in memory.", of_caches("miss"));
    let refused = ["limited", "shed", "denied"].map(|why| (label("why", why), counter(why)));
    page.counters("hongbao_refused_total", "Requests refused at the door.", refused);
    page.0
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}

struct Page(String);

impl Page {
    /// One gauge with its samples: pairs of labels and value.
    fn family(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (String, i64)>) {
        self.samples("gauge", name, help, samples);
    }

    /// One counter with its samples.
    fn counters(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (String, i64)>) {
        self.samples("counter", name, help, samples);
    }

    fn samples(&mut self, kind: &str, name: &str, help: &str, samples: impl IntoIterator<Item = (String, i64)>) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}
