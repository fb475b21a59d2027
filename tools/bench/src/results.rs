//! What a run found, and the one JSON object that says it.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::machine::Machine;
use crate::model::{Costs, Model, model};
use crate::scenario::crowd::Crowded;
use crate::scenario::duel::{Duel, Round};
use crate::scenario::eve::Evening;
use crate::scenario::grow::Grown;
use crate::scenario::memory::Memory;
use crate::scenario::overload::{Overloaded, TIMES};
use crate::scenario::pace::Paced;
use crate::scenario::scale::Scaled;
use crate::scenario::settle::Settled;
use crate::site::Cpu;

/// Everything that was measured.
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) runtime: &'static str,
    pub(crate) effort: &'static str,
    pub(crate) lasted: Duration,
    pub(crate) duel: Duel,
    pub(crate) paced: Paced,
    pub(crate) storm: Crowded,
    pub(crate) rain: Crowded,
    pub(crate) eve: Evening,
    pub(crate) sqlite: Settled,
    /// None where PostgreSQL is not installed.
    pub(crate) postgres: Option<Settled>,
    pub(crate) sizes: Vec<Grown>,
    pub(crate) live: Vec<Grown>,
    pub(crate) memory: Memory,
    pub(crate) overload: Overloaded,
    pub(crate) scaled: Vec<Scaled>,
    /// What was left out, and why.
    pub(crate) skipped: Vec<String>,
}

/// A number that the project promises.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) target: String,
    pub(crate) value: f64,
    pub(crate) met: bool,
}

impl Results {
    /// A ratio within each round, and of the rounds the median.
    pub(crate) fn ratio(&self, over: impl Fn(&Round) -> f64, under: impl Fn(&Round) -> f64) -> f64 {
        self.duel.ratio(over, under)
    }

    /// Processor time of one grab, one open and one posting, in seconds.
    pub(crate) fn costs(&self) -> (Cpu, Cpu, Cpu) {
        let duel = &self.duel;
        (duel.grab_cpu.each(duel.grab.good), duel.open_cpu.each(duel.open.good), self.sqlite.cpu)
    }

    /// Seconds of all server processes for a million grabs, opens and settlements.
    pub(crate) fn cpu_s_per_million(&self) -> f64 {
        let (grab, open, settle) = self.costs();
        (grab.total() + open.total() + settle.total()) * 1e6
    }

    /// How much longer opening takes in the largest packet than in the smallest, on average.
    pub(crate) fn size_ratio(&self) -> f64 {
        let (first, last) = (self.sizes.first(), self.sizes.last());
        first.zip(last).map_or(0.0, |(first, last)| last.open_ms.mean / first.open_ms.mean.max(f64::EPSILON))
    }

    pub(crate) fn model(&self) -> Model {
        let (grab, open, settle) = self.costs();
        // A packet of the eve, without its shares' grabs, opens and settlements.
        let shares = 2.6;
        let send = (self.eve.cpu.total() - shares * (grab.total() + open.total() + settle.total())).max(0.0);
        let best = self.postgres.as_ref().unwrap_or(&self.sqlite);
        model(&Costs {
            send,
            grab: grab.http,
            open: open.http,
            redis: grab.redis + open.redis,
            settle: settle.total(),
            postings_per_s: best.rate(),
        })
    }

    pub(crate) fn targets(&self) -> Vec<Target> {
        let empty = |round: &Round| round.empty;
        let least =
            |name, value: f64, bound: f64| Target { name, target: format!("≥ {bound}"), value, met: value >= bound };
        let most =
            |name, value: f64, bound: f64| Target { name, target: format!("≤ {bound}"), value, met: value <= bound };
        let mut targets = vec![
            least("grab ÷ empty handler", self.ratio(|round| round.grab, empty), 0.6),
            least("open ÷ empty handler", self.ratio(|round| round.open, empty), 0.5),
            least("sold-out ÷ empty handler", self.ratio(|round| round.sold_out, empty), 0.9),
            least("grab ÷ plain native service", self.ratio(|round| round.grab, |round| round.native_grab), 0.4),
            most(
                "grab p99 at half the maximum rate, ms",
                self.paced.sides.get("grab").map_or(0.0, |side| side.1.p99),
                5.0,
            ),
            least("settlement on SQLite, postings/s", self.sqlite.rate().round(), 20_000.0),
        ];
        targets.extend(
            self.postgres
                .map(|settled| least("settlement on PostgreSQL, postings/s", settled.rate().round(), 20_000.0)),
        );
        targets.extend([
            most("settlement lag p99 in the eve, ms", self.eve.lag_ms.p99, 2_000.0),
            most("opening, largest ÷ smallest packet", self.size_ratio(), 1.5),
            most("Redis, 10-share packet all claimed, bytes", self.memory.claimed.round(), 1_024.0),
            most("CPU, s per million grab+open+settle", self.cpu_s_per_million(), 150.0),
        ]);
        targets
    }

    /// The highest drift of all scenarios; every one of them has checked that it is 0.
    fn drift_fen(&self) -> i64 {
        let checks = [
            self.duel.checked,
            self.paced.checked,
            self.storm.checked,
            self.rain.checked,
            self.eve.checked,
            self.sqlite.checked,
            self.overload.checked,
        ];
        checks.iter().map(|checked| checked.drift_fen).max().unwrap_or_default()
    }

    /// The one object.
    pub(crate) fn json(&self) -> Value {
        let empty = |round: &Round| round.empty;
        let (grab, open, settle) = self.costs();
        let mut settle_rates = Map::from_iter([("sqlite".to_owned(), json!(self.sqlite.rate().round()))]);
        settle_rates.extend(self.postgres.map(|settled| ("postgres".to_owned(), json!(settled.rate().round()))));
        let latency = self.paced.sides.iter().map(|(name, (rate, latency))| {
            let mut latency = json!(latency);
            latency["per_s"] = json!(rate.round());
            ((*name).to_owned(), latency)
        });
        let mut latency: Map<String, Value> = latency.collect();
        latency.insert("storm".to_owned(), json!(self.storm.latency_ms));
        latency.insert("rain".to_owned(), json!(self.rain.latency_ms));
        latency.insert("eve".to_owned(), json!(self.eve.latency_ms));
        latency.insert("settlement_lag".to_owned(), json!(self.eve.lag_ms));
        let rates: fn(&Duel) -> [(&'static str, f64); 8] = |duel| {
            [
                ("empty", duel.median(|round| round.empty)),
                ("grab", duel.median(|round| round.grab)),
                ("open", duel.median(|round| round.open)),
                ("open_settling", duel.median(|round| round.open_settling)),
                ("sold_out", duel.median(|round| round.sold_out)),
                ("native_grab", duel.median(|round| round.native_grab)),
                ("native_open", duel.median(|round| round.native_open)),
                ("redis_grab", duel.median(|round| round.redis_grab)),
            ]
        };
        let rates = rates(&self.duel).map(|(name, rate)| (name.to_owned(), json!(rate.round())));
        json!({
            "machine": self.machine,
            "runtime": self.runtime,
            "effort": self.effort,
            "seconds": self.lasted.as_secs(),
            "drift_fen": self.drift_fen(),
            "ratios": {
                "grab_vs_empty": self.ratio(|round| round.grab, empty),
                "open_vs_empty": self.ratio(|round| round.open, empty),
                "open_settling_vs_empty": self.ratio(|round| round.open_settling, empty),
                "sold_out_vs_empty": self.ratio(|round| round.sold_out, empty),
                "grab_vs_native": self.ratio(|round| round.grab, |round| round.native_grab),
                "open_vs_native": self.ratio(|round| round.open, |round| round.native_open),
                "grab_vs_redis": self.ratio(|round| round.grab, |round| round.redis_grab),
                "open_vs_redis": self.ratio(|round| round.open, |round| round.redis_open),
                "open_largest_vs_smallest_packet": self.size_ratio(),
            },
            "requests_per_s": Map::from_iter(rates),
            "latency_ms": latency,
            "settle_postings_per_s": settle_rates,
            "cpu_s_per_million": self.cpu_s_per_million(),
            "cpu_us": {"grab": by_process(grab), "open": by_process(open), "settle": by_process(settle),
                "empty": self.duel.empty_cpu / self.duel.empty.good.max(1) as f64 * 1e6},
            "redis_bytes_per_packet": self.memory.claimed.round(),
            "redis_bytes_per_packet_funded": self.memory.funded.round(),
            "storm": crowd(&self.storm),
            "rain": crowd(&self.rain),
            "eve": {"highest_sent_per_s": self.eve.highest.0, "highest_opened_per_s": self.eve.highest.1,
                "sent_per_s": self.eve.sent, "opened_per_s": self.eve.opened},
            "overload": overload(&self.overload),
            "scaling": self.scaled.iter().map(scaled).collect::<Vec<_>>(),
            "packet_sizes": self.sizes.iter().map(grown).collect::<Vec<_>>(),
            "live_packets": self.live.iter().map(grown).collect::<Vec<_>>(),
            "capacity_model": self.model(),
            "targets": self.targets(),
            "skipped": self.skipped,
        })
    }
}

fn by_process(cpu: Cpu) -> Value {
    let us = |seconds: f64| (seconds * 1e7).round() / 10.0;
    json!({"http": us(cpu.http), "redis": us(cpu.redis), "settlement": us(cpu.settlement), "sql": us(cpu.sql)})
}

fn crowd(crowd: &Crowded) -> Value {
    json!({"packets": crowd.packets, "people_a_packet": crowd.people, "requests": crowd.requests,
        "opened": crowd.opened, "sold_out": crowd.sold_out, "seconds": crowd.lasted.as_secs_f64(),
        "requests_per_s": crowd.requests as f64 / crowd.lasted.as_secs_f64(), "cpu_us": by_process(crowd.cpu)})
}

/// What the overload came to.
pub(crate) fn overload(overload: &Overloaded) -> Value {
    json!({"times_capacity": TIMES, "offered_per_s": overload.offered.round(), "accepted": overload.accepted,
        "refused": overload.refused, "opens_refused": overload.opens_refused, "unsent": overload.unsent,
        "broken": overload.broken, "before_ms": overload.before_ms, "accepted_ms": overload.latency_ms,
        "recovered_after_ms": overload.recovered_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX))})
}

fn scaled(scaled: &Scaled) -> Value {
    json!({"shards": scaled.shards, "processes": scaled.processes, "grabs_per_s": scaled.grabs.round(),
        "opens_per_s": scaled.opens.round(), "grab_cpu_us": by_process(scaled.grab_cpu),
        "open_cpu_us": by_process(scaled.open_cpu)})
}

fn grown(grown: &Grown) -> Value {
    json!({"size": grown.size, "grab_ms": grown.grab_ms, "open_ms": grown.open_ms, "redis_bytes": grown.redis_bytes})
}
