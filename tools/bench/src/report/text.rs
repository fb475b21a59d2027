//! The report: ratios first, then what they are made of.

use std::fmt::{self, Write};

use crate::load::Latency;
use crate::results::{Results, Target};
use crate::scenario::crowd::Crowded;
use crate::scenario::duel::{Duel, Round};
use crate::scenario::grow::Grown;
use crate::scenario::overload::TIMES;
use crate::site::Cpu;

/// The whole report.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    // A String takes everything.
    let _ = write(&mut text, results);
    text
}

/// The duel alone.
pub(crate) fn rounds(duel: &Duel) -> String {
    let mut text = String::new();
    let _ = rates(&mut text, duel).and_then(|()| requests(&mut text, duel));
    text
}

fn write(out: &mut String, results: &Results) -> fmt::Result {
    machine(out, results)?;
    targets(out, &results.targets())?;
    rates(out, &results.duel)?;
    latencies(out, results)?;
    processor(out, results)?;
    crowds(out, results)?;
    growth(out, results)?;
    overload(out, results)?;
    model(out, results)?;
    for skipped in &results.skipped {
        writeln!(out, "skipped: {skipped}")?;
    }
    writeln!(out, "bench: {} s, drift_fen=0 ok", results.lasted.as_secs())
}

fn machine(out: &mut String, results: &Results) -> fmt::Result {
    let machine = &results.machine;
    writeln!(out, "{} cores of {}, {} GiB, Linux {}", machine.cores, machine.cpu, machine.memory_gib, machine.kernel)?;
    let postgres = machine.postgres.as_deref().unwrap_or("no PostgreSQL");
    writeln!(out, "Redis {} with appendfsync always, {postgres}; runtime: {}", machine.redis, results.runtime)?;
    writeln!(out, "the load, every server and both databases share these cores")
}

fn targets(out: &mut String, targets: &[Target]) -> fmt::Result {
    writeln!(out, "\n{:<46} {:>10} {:>10}", "", "target", "measured")?;
    for target in targets {
        let mark = if target.met { "✓" } else { "✗" };
        writeln!(out, "{:<46} {:>10} {:>10} {mark}", target.name, target.target, short(target.value))?;
    }
    Ok(())
}

fn rates(out: &mut String, duel: &Duel) -> fmt::Result {
    writeln!(out, "\nRequests a second, closed loop, medians of {} rounds", duel.rounds.len())?;
    type Side = (&'static str, fn(&Round) -> f64);
    let sides: [Side; 9] = [
        ("empty handler", |round| round.empty),
        ("grab", |round| round.grab),
        ("open", |round| round.open),
        ("open, the settlement at work", |round| round.open_settling),
        ("sold out", |round| round.sold_out),
        ("plain native service: grab", |round| round.native_grab),
        ("plain native service: open", |round| round.native_open),
        ("Redis alone, pipelined: grab", |round| round.redis_grab),
        ("Redis alone, pipelined: open", |round| round.redis_open),
    ];
    for (name, side) in sides {
        let to_empty = duel.ratio(side, |round| round.empty);
        writeln!(out, "  {name:<32} {:>9.0}  {to_empty:>5.2} × empty", duel.median(side))?;
    }
    Ok(())
}

fn latencies(out: &mut String, results: &Results) -> fmt::Result {
    writeln!(out, "\nLatency in ms, open loop at half the highest rate, from when a request was due")?;
    writeln!(out, "  {:<24} {:>8} {:>7} {:>7} {:>7} {:>7} {:>8}", "", "a second", "p50", "p90", "p99", "p99.9", "max")?;
    for (name, (rate, latency)) in &results.paced.sides {
        writeln!(out, "  {name:<24} {rate:>8.0} {}", percentiles(latency))?;
    }
    let eve = &results.eve;
    let rate = eve.sent + eve.opened;
    writeln!(out, "  {:<24} {rate:>8.0} {}", "eve, 1 sent : 2.6 opened", percentiles(&eve.latency_ms))?;
    writeln!(out, "  {:<24} {:>8} {}", "eve, settlement's lag", "", percentiles(&eve.lag_ms))
}

fn processor(out: &mut String, results: &Results) -> fmt::Result {
    requests(out, &results.duel)?;
    let (_, open, settle) = results.costs();
    line(out, "one posting, SQLite", settle)?;
    if let Some(postgres) = &results.postgres {
        line(out, "one posting, PostgreSQL", postgres.cpu)?;
    }
    let million = results.cpu_s_per_million();
    writeln!(out, "  {million:.0} s of all server processes for a million grabs, opens and settlements")?;
    let opens = (open.total() + settle.total()) * 1e6;
    writeln!(out, "  {opens:.0} s for a million opens, settled")?;
    let memory = &results.memory;
    writeln!(
        out,
        "\nRedis: {:.0} bytes for a packet of ten shares as sent, {:.0} with all opened",
        memory.funded, memory.claimed
    )?;
    writeln!(out, "Settlement: {:.0} postings/s on SQLite", results.sqlite.rate())?;
    results
        .postgres
        .iter()
        .try_for_each(|settled| writeln!(out, "            {:.0} postings/s on PostgreSQL", settled.rate()))
}

fn requests(out: &mut String, duel: &Duel) -> fmt::Result {
    writeln!(out, "\nProcessor time in µs            components   Redis  settlement   database")?;
    let empty = duel.empty_cpu / duel.empty.good.max(1) as f64;
    line(out, "one empty request", Cpu { http: empty, ..Cpu::default() })?;
    line(out, "one grab", duel.grab_cpu.each(duel.grab.good))?;
    line(out, "one open", duel.open_cpu.each(duel.open.good))?;
    line(out, "one sold out", duel.sold_out_cpu.each(duel.sold_out.good))?;
    let native = |(service, redis): (f64, f64), count: u64| Cpu { http: service, redis, ..Cpu::default() }.each(count);
    line(out, "one native grab", native(duel.native_grab_cpu, duel.native_grab.good))?;
    line(out, "one native open", native(duel.native_open_cpu, duel.native_open.good))
}

fn line(out: &mut String, name: &str, cpu: Cpu) -> fmt::Result {
    let [http, redis, settlement, sql] = [cpu.http, cpu.redis, cpu.settlement, cpu.sql].map(|seconds| seconds * 1e6);
    writeln!(out, "  {name:<28} {http:>11.1} {redis:>7.1} {settlement:>11.1} {sql:>10.1}")
}

fn crowds(out: &mut String, results: &Results) -> fmt::Result {
    let crowd = |out: &mut String, name: &str, crowd: &Crowded| {
        let rate = crowd.requests as f64 / crowd.lasted.as_secs_f64();
        let Crowded { packets, people, opened, sold_out, .. } = crowd;
        writeln!(out, "{name}: {packets} packets, {people} people at each: {opened} opened, {sold_out} too late")?;
        writeln!(
            out,
            "  {rate:.0} requests/s for {:.2} s; p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
            crowd.lasted.as_secs_f64(),
            crowd.latency_ms.p50,
            crowd.latency_ms.p99,
            crowd.latency_ms.max
        )
    };
    writeln!(out)?;
    crowd(out, "Storm", &results.storm)?;
    crowd(out, "Rain", &results.rain)?;
    let eve = &results.eve;
    writeln!(out, "Eve: at most {:.0} sent and {:.0} opened a second", eve.highest.0, eve.highest.1)
}

fn growth(out: &mut String, results: &Results) -> fmt::Result {
    let table = |out: &mut String, title: &str, rows: &[Grown]| {
        writeln!(
            out,
            "\n{title:<24} {:>9} {:>9} {:>9} {:>9} {:>12}",
            "grab p50", "p99", "open p50", "p99", "Redis MiB"
        )?;
        rows.iter().try_for_each(|row| {
            let (grab, open, mib) = (row.grab_ms, row.open_ms, row.redis_bytes / (1 << 20));
            writeln!(
                out,
                "  {:<22} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {mib:>12}",
                row.size, grab.p50, grab.p99, open.p50, open.p99
            )
        })
    };
    table(out, "Shares of a packet", &results.sizes)?;
    table(out, "Live packets", &results.live)?;
    writeln!(out, "\nShards  processes   grabs/s   opens/s   µs a grab   µs an open")?;
    results.scaled.iter().try_for_each(|scaled| {
        let (grab, open) = (scaled.grab_cpu.total() * 1e6, scaled.open_cpu.total() * 1e6);
        let (shards, processes) = (scaled.shards, scaled.processes);
        writeln!(
            out,
            "{shards:>6} {processes:>10} {:>9.0} {:>9.0} {grab:>11.1} {open:>12.1}",
            scaled.grabs, scaled.opens
        )
    })
}

fn overload(out: &mut String, results: &Results) -> fmt::Result {
    let overload = &results.overload;
    writeln!(out, "\nOverload: {TIMES} times the highest rate, {:.0} requests a second offered", overload.offered)?;
    writeln!(
        out,
        "  accepted {}, refused {} (opens: {}), turned away by the load itself {}, broken {}",
        overload.accepted, overload.refused, overload.opens_refused, overload.unsent, overload.broken
    )?;
    writeln!(
        out,
        "  accepted: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms; before: p99 {:.1} ms",
        overload.latency_ms.p50, overload.latency_ms.p99, overload.latency_ms.max, overload.before_ms.p99
    )?;
    match overload.recovered_after {
        Some(after) => writeln!(out, "  as before {} ms after its end", after.as_millis()),
        None => writeln!(out, "  not as before within 6 s after its end"),
    }
}

fn model(out: &mut String, results: &Results) -> fmt::Result {
    let model = results.model();
    writeln!(
        out,
        "\nFor WeChat's {:.0} a second of 2017 ({:.0} sent, {:.0} opened), servers 70 % busy:",
        model.peak_per_s, model.sends_per_s, model.opens_per_s
    )?;
    writeln!(
        out,
        "  {:.0} cores of components, {:.0} Redis shards of a core, {:.0} cores of settlement and databases",
        model.application_cores, model.redis_shards, model.settlement_cores
    )?;
    writeln!(
        out,
        "  {:.0} databases like this one, split by packet id, to settle at the peak's own rate",
        model.databases
    )
}

fn percentiles(latency: &Latency) -> String {
    let Latency { p50, p90, p99, p999, max, .. } = latency;
    format!("{p50:>7.2} {p90:>7.2} {p99:>7.2} {p999:>7.2} {max:>8.2}")
}

fn short(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
