//! The system in numbers, for people and for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::future::{join, join_all};
use hongbao_core::Error;
use hongbao_core::admit::Level;
use hongbao_core::wire::operator::{MoneyStats, PacketStats, ShardStats, StatsAnswer};

use crate::App;
use crate::count::Count;
use crate::gate::{Controls, LEDGER};
use crate::ledger::Refill;
use crate::shard::Shard;

/// The most packets of a shard that is not configured that are counted.
pub(super) const COUNTED: i64 = 10_000;

impl App {
    /// The system in numbers, as far as the ledger and the shards answer.
    pub async fn stats(&self) -> StatsAnswer {
        let (is_ledger_up, numbers) = match self.ledger_soon().await {
            Ok(ledger) => (true, ledger.stats(self.now_ms()).await),
            Err(away) => (false, Err(away)),
        };
        let numbers: Option<BTreeMap<_, _>> = match numbers {
            Ok(numbers) => Some(numbers.into_iter().collect()),
            Err(error) => {
                eprintln!("no numbers of the ledger: {error:?}");
                None
            }
        };
        let of = |name: &str| Some(numbers.as_ref()?.get(name).copied().unwrap_or_default());
        let of_shards = join_all(self.shards().iter().map(async |shard| {
            let stats = shard_stats(shard).await;
            // One that is away keeps its numbers to itself.
            let counted = if stats.is_up { shard.counters().await.unwrap_or_default() } else { vec![] };
            (stats, counted)
        }));
        let of_shards = of_shards.await;
        let mut counters: BTreeMap<_, _> = Count::ALL.iter().map(|count| (count.name().to_owned(), 0)).collect();
        let mut shards = Vec::new();
        for (stats, counted) in of_shards {
            for (name, number) in counted {
                let sum: &mut i64 = counters.entry(name).or_default();
                *sum = sum.saturating_add(number);
            }
            shards.push(stats);
        }
        let fullest = shards.iter().filter_map(|shard| shard.backlog).max();
        let ages: Option<Vec<_>> = shards.iter().map(|shard| shard.oldest_unsettled_ms).collect();
        StatsAnswer {
            is_ledger_up,
            packets: packets(of),
            money: money(of),
            exceptions_open: of("exceptions_open"),
            blacklisted: of("blacklisted"),
            audit_acts: of("acts"),
            level_by_load: Level::of_backlog(fullest.unwrap_or_default()).number(),
            oldest_unsettled_ms: ages.and_then(|ages| ages.into_iter().max()),
            counters,
            missing: missing(numbers.is_some(), shards.iter().map(|shard| (shard.shard, shard.is_up))),
            shards,
        }
    }

    /// The same for Prometheus.
    pub async fn metrics(&self) -> String {
        // Side by side: a ledger that hangs costs its deadline once.
        let ((stats, controls), orphans) =
            join(join(self.stats(), self.controls_to_show()), self.packets_of_no_shard()).await;
        let shards: Vec<u16> = stats.shards.iter().map(|shard| shard.shard).collect();
        let refills = if stats.is_ledger_up { self.refills(&shards).await } else { BTreeMap::new() };
        let page = prometheus(&stats, controls.ok().as_ref().map(|(controls, _)| controls), &refills);
        page + &orphaned(&orphans.unwrap_or_default())
    }

    /// The packets that wait for shards which are not configured, by shard, counted up to [`COUNTED`].
    pub(super) async fn packets_of_no_shard(&self) -> Result<Vec<(u16, i64)>, Error> {
        let configured: Vec<_> = self.shards().iter().map(|shard| shard.number).collect();
        self.ledger_soon().await?.orphans(&configured, COUNTED).await
    }
}

/// One shard's numbers; those of one that is away are absent.
pub(super) async fn shard_stats(shard: &Shard) -> ShardStats {
    let backlog = shard.backlog().await.ok();
    let holding = match backlog {
        Some(_) => shard.holding().await.ok(),
        None => None,
    };
    ShardStats {
        shard: shard.number,
        is_up: backlog.is_some(),
        backlog: backlog.map(|backlog| backlog.entries),
        oldest_unsettled_ms: backlog.map(|backlog| backlog.oldest_ms),
        race_packets: holding.map(|holding| holding.packets),
        race_bytes: holding.map(|holding| holding.bytes),
        race_bytes_max: holding.and_then(|holding| holding.bytes_max),
    }
}

/// The stores that did not answer, by name.
pub(super) fn missing(has_ledger: bool, shards: impl Iterator<Item = (u16, bool)>) -> Vec<String> {
    let away = shards.filter(|(_, is_up)| !is_up).map(|(shard, _)| format!("shard {shard}"));
    (!has_ledger).then(|| LEDGER.to_owned()).into_iter().chain(away).collect()
}

fn packets(of: impl Fn(&str) -> Option<i64>) -> Option<PacketStats> {
    Some(PacketStats {
        scheduled: of("scheduled")?,
        open: of("open")?,
        overdue: of("overdue")?,
        finished: of("finished")?,
        expired: of("expired")?,
        unloaded: of("unloaded")?,
        frozen: of("frozen")?,
    })
}

fn money(of: impl Fn(&str) -> Option<i64>) -> Option<MoneyStats> {
    Some(MoneyStats {
        escrow_fen: of("escrow_fen")?,
        wallets_fen: of("wallets_fen")?,
        suspense_fen: of("suspense_fen")?,
        world_fen: of("world_fen")?,
    })
}

/// The numbers in Prometheus' text format, version 0.0.4. A number that could not be had has no sample.
fn prometheus(stats: &StatsAnswer, controls: Option<&Controls>, refills: &BTreeMap<u16, Refill>) -> String {
    let mut page = Page(String::new());
    page.one("hongbao_ledger_up", "Whether the ledger answers.", Some(i64::from(stats.is_ledger_up)));
    page.packets(stats.packets.as_ref());
    page.money(stats.money.as_ref());
    page.one("hongbao_exceptions_open", "Exceptions nobody has dealt with.", stats.exceptions_open);
    page.one("hongbao_blacklisted", "Blocked users.", stats.blacklisted);
    page.one("hongbao_audit_acts", "Acts in the audit.", stats.audit_acts);
    let sends = controls.map(|controls| i64::from(controls.sends));
    page.one("hongbao_sends_on", "Whether packets can be sent.", sends);
    let level = controls.and_then(|controls| controls.ladder).unwrap_or(stats.level_by_load);
    page.one("hongbao_ladder_level", "What is given up: 0 nothing … 3 new shares.", Some(level));
    let by_shard = |number: fn(&ShardStats) -> Option<i64>| {
        let known = |shard: &ShardStats| Some((label("shard", &shard.shard.to_string()), number(shard)?));
        stats.shards.iter().filter_map(known).collect::<Vec<_>>()
    };
    page.family("hongbao_shard_up", "Whether the shard answers.", by_shard(|shard| Some(i64::from(shard.is_up))));
    page.family("hongbao_journal_entries", "Entries that wait to be settled.", by_shard(|shard| shard.backlog));
    let oldest = by_shard(|shard| shard.oldest_unsettled_ms);
    page.family("hongbao_journal_oldest_ms", "Age of the oldest entry that waits, in milliseconds.", oldest);
    page.family("hongbao_race_packets", "Packets that Redis holds.", by_shard(|shard| shard.race_packets));
    page.family("hongbao_race_bytes", "Bytes of memory that Redis uses.", by_shard(|shard| shard.race_bytes));
    let most = by_shard(|shard| shard.race_bytes_max);
    page.family("hongbao_race_bytes_max", "Bytes of memory that Redis may use, where there is a limit.", most);
    let refill = |number: fn(&Refill) -> i64| {
        refills.iter().map(|(shard, refill)| (label("shard", &shard.to_string()), number(refill))).collect::<Vec<_>>()
    };
    let back = "Packets back in the race since the shard lost its contents, while not all are.";
    page.family("hongbao_shard_rebuilt", back, refill(|refill| refill.done));
    page.family("hongbao_shard_to_rebuild", "How many that will be.", refill(|refill| refill.all));
    let counter = |name: &str| stats.counters.get(name).copied().unwrap_or_default();
    let caches = ["packet", "over", "controls"];
    let of_caches = |what: &str| caches.map(|cache| (label("cache", cache), counter(&format!("{cache}_{what}"))));
    page.counters("hongbao_cache_hits_total", "Answers from an instance's memory.", of_caches("hit"));
    page.counters("hongbao_cache_misses_total", "Answers that were not in memory.", of_caches("miss"));
    let refused = ["limited", "shed", "denied"].map(|why| (label("why", why), counter(why)));
    page.counters("hongbao_refused_total", "Requests refused at the door.", refused);
    page.0
}

fn orphaned(orphans: &[(u16, i64)]) -> String {
    let mut page = Page(String::new());
    let samples = orphans.iter().map(|(shard, packets)| (label("shard", &shard.to_string()), *packets));
    page.family("hongbao_packets_of_no_shard", "Packets that wait for a shard that is not configured.", samples);
    page.0
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}

struct Page(String);

impl Page {
    fn packets(&mut self, packets: Option<&PacketStats>) {
        let states = |packets: &PacketStats| {
            [
                ("scheduled", packets.scheduled),
                ("open", packets.open),
                ("overdue", packets.overdue),
                ("finished", packets.finished),
                ("expired", packets.expired),
            ]
        };
        let states = packets.map(states).into_iter().flatten();
        let states = states.map(|(state, number)| (label("state", state), number));
        self.family("hongbao_packets", "Packets by state.", states);
        let unloaded = packets.map(|packets| packets.unloaded);
        self.one("hongbao_packets_unloaded", "Packets funded and confirmed by no shard yet.", unloaded);
        let frozen = packets.map(|packets| packets.frozen);
        self.one("hongbao_packets_frozen", "Packets whose refund is stopped.", frozen);
    }

    fn money(&mut self, money: Option<&MoneyStats>) {
        let accounts = |money: &MoneyStats| {
            [
                ("escrow", money.escrow_fen),
                ("wallets", money.wallets_fen),
                ("suspense", money.suspense_fen),
                ("world", money.world_fen),
            ]
        };
        let accounts = money.map(accounts).into_iter().flatten();
        let accounts = accounts.map(|(account, fen)| (label("account", account), fen));
        self.family("hongbao_money_fen", "Where the money is, in fen.", accounts);
    }

    /// One gauge without labels; no sample where there is no number.
    fn one(&mut self, name: &str, help: &str, number: Option<i64>) {
        self.family(name, help, number.map(|number| (String::new(), number)));
    }

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
