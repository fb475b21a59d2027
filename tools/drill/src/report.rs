//! What is printed: a few lines for people, a last line for machines, a table of all in the end.

use crate::history::Kind;
use crate::run::Outcome;

/// The most findings that are printed.
const FINDINGS_MAX: usize = 12;

/// What users saw and what was checked.
pub(crate) fn details(outcome: &Outcome) {
    let Outcome { seen, verdict, told, rest, .. } = outcome;
    let permille = (seen.errors() * 1000).checked_div(seen.calls).unwrap_or_default();
    let errors: Vec<_> = seen.errors.iter().map(|(error, times)| format!("{times} × {error}")).collect();
    println!("  {} calls, {}.{} % errors: {}", seen.calls, permille / 10, permille % 10, errors.join(", "));
    let stall = |kind: Kind| format!("{} {}", kind.name(), seen.stalls_ms.get(&kind).copied().unwrap_or_default());
    let stalls = Kind::OF_THE_LOAD.map(stall).join(", ");
    println!("  longest stall in ms: {stalls}; slowest answer {} ms", seen.slowest_ms);
    println!(
        "  at rest {} ms after the load: {} packets, {} opens ({} paid, {} on record for an operator), {} refunds, \
         {} vouchers presented again and answered the same",
        rest.as_millis(),
        told.packets.len(),
        told.opens.len(),
        verdict.settled,
        verdict.on_record,
        verdict.refunds,
        told.same_again,
    );
    for finding in verdict.findings.iter().take(FINDINGS_MAX) {
        println!("  WRONG: {finding}");
    }
    if let Some(more) = verdict.findings.len().checked_sub(FINDINGS_MAX + 1) {
        println!("  WRONG: and {} more", more + 1);
    }
}

/// The last line. It ends in `ok` exactly when nothing is wrong.
pub(crate) fn last_line(outcome: &Outcome) -> String {
    let Outcome { name, seen, verdict, .. } = outcome;
    let recovery_ms = seen.recovery_ms.map_or_else(|| "never".to_owned(), |ms| ms.to_string());
    let end = match verdict.findings.first() {
        None => "ok".to_owned(),
        Some(finding) => format!("FAILED {finding}"),
    };
    format!(
        "drill {name}: stall_ms={} errors={} recovery_ms={recovery_ms} drift_fen={} {end}",
        seen.longest_stall_ms(),
        seen.errors(),
        verdict.drift_fen,
    )
}

/// All drills, a line each.
pub(crate) fn table(lines: &[(Option<Outcome>, String)]) {
    println!();
    println!(
        "{:<16} {:>7} {:>8} {:>8} {:>9} {:>7} {:>6}  end",
        "drill", "calls", "errors", "stall", "recovery", "rest", "drift"
    );
    for (outcome, last_line) in lines {
        let Some(Outcome { name, seen, verdict, rest, .. }) = outcome else {
            println!("{last_line}");
            continue;
        };
        let recovery = seen.recovery_ms.map_or_else(|| "never".to_owned(), |ms| format!("{ms} ms"));
        let end = if verdict.findings.is_empty() { "ok" } else { "FAILED" };
        println!(
            "{name:<16} {:>7} {:>8} {:>5} ms {recovery:>9} {:>4} ms {:>6}  {end}",
            seen.calls,
            seen.errors(),
            seen.longest_stall_ms(),
            rest.as_millis(),
            verdict.drift_fen,
        );
    }
}
