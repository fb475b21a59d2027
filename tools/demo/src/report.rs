//! What is printed: a table for people and a last line for machines.

use std::fmt::Write;
use std::time::Duration;

use crate::audit::Verdict;
use crate::book::Book;
use crate::evening::Evening;

/// The most findings that are printed.
const FINDINGS_MAX: usize = 20;

/// The table.
#[must_use]
pub fn table(evening: &Evening, verdict: &Verdict, lags_ms: &[i64], took: Duration) -> String {
    let book = evening.book();
    let (sends, opens) = (book.peak_sends_per_s(), book.peak_opens_per_s());
    let lag = |hundredths: usize| lags_ms.get((lags_ms.len() * hundredths / 100).min(lags_ms.len().saturating_sub(1)));
    let ms = |lag: Option<&i64>| lag.map_or_else(|| "?".to_owned(), |lag| format!("{lag} ms"));
    let rows = [
        ("people", evening.people.len().to_string(), format!("in {} groups", evening.plan.groups)),
        ("packets", book.packets.len().to_string(), format!("of {} planned", evening.plan.packets.len())),
        ("grabs", book.grabs.len().to_string(), format!("by {} guests", evening.plan.guests())),
        ("sold out", book.refusals_of("sold_out").to_string(), "came too late for a share".to_owned()),
        ("opens", book.opens.len().to_string(), yuan(book.opens.values().map(|open| open.amount_fen).sum())),
        ("peak second", format!("{sends} : {opens}"), format!("sends : opens, 1 : {}", ratio(opens, sends))),
        ("never opened", (book.grabs.len() - book.opens.len().min(book.grabs.len())).to_string(), "grabbed".to_owned()),
        ("expired", book.refusals_of("expired").to_string(), "came after the packet's end".to_owned()),
        ("wrong password", book.refusals_of("wrong_password").to_string(), String::new()),
        ("other refusals", other_refusals(&book).to_string(), String::new()),
        ("repetitions", book.repeated.to_string(), "same request again, same answer".to_owned()),
        ("asked again", book.asked_again.to_string(), "no answer, or told to come back".to_owned()),
        ("refunds", verdict.refunds.to_string(), yuan(verdict.refunded_fen)),
        ("settled", verdict.settled.to_string(), "opened shares found in a statement, once".to_owned()),
        ("settlement lag", ms(lag(50)), format!("median; 99 %: {}, most: {}", ms(lag(99)), ms(lags_ms.last()))),
        ("in all wallets", yuan(verdict.wallets_fen), format!("after {:.1} s", took.as_secs_f64())),
    ];
    let mut table = String::new();
    for (name, number, note) in rows {
        let _ = writeln!(table, "  {name:<15} {number:>16}  {note}");
    }
    for finding in verdict.findings.iter().take(FINDINGS_MAX) {
        let _ = writeln!(table, "  WRONG: {finding}");
    }
    if let Some(more) = verdict.findings.len().checked_sub(FINDINGS_MAX + 1) {
        let _ = writeln!(table, "  WRONG: and {} more", more + 1);
    }
    table
}

/// The last line. It ends in `ok` exactly when nothing is wrong.
#[must_use]
pub fn last_line(book: &Book, verdict: &Verdict) -> String {
    let lost = (book.opens.len() as u64).saturating_sub(verdict.settled);
    let end = match verdict.is_clean() {
        true => "ok".to_owned(),
        false => format!("WRONG lost={lost} findings={}", verdict.findings.len()),
    };
    format!(
        "demo: packets={} opened={} sold_out={} refunded_fen={} settled={} drift_fen={} {end}",
        book.packets.len(),
        book.opens.len(),
        book.refusals_of("sold_out"),
        verdict.refunded_fen,
        verdict.settled,
        verdict.drift_fen,
    )
}

fn other_refusals(book: &Book) -> u64 {
    let named = ["sold_out", "expired", "wrong_password"];
    book.refusals.iter().filter(|(code, _)| !named.contains(&code.as_str())).map(|(_, count)| count).sum()
}

/// `fen` as yuan with two decimals, without going through a float.
fn yuan(fen: i64) -> String {
    format!("¥ {}.{:02}", fen / 100, fen % 100)
}

/// `part / whole` with one decimal.
fn ratio(part: u64, whole: u64) -> String {
    let tenths = (part * 10).checked_div(whole).unwrap_or_default();
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::last_line;
    use crate::audit::Verdict;
    use crate::book::Book;

    #[test]
    fn a_drift_or_a_finding_takes_the_ok_away() {
        let book = Book::default();
        assert!(last_line(&book, &Verdict::default()).ends_with(" drift_fen=0 ok"));
        let drift = Verdict { drift_fen: 1, ..Verdict::default() };
        assert!(last_line(&book, &drift).ends_with(" drift_fen=1 WRONG lost=0 findings=0"));
        let finding = Verdict { findings: vec!["a share is lost".to_owned()], ..Verdict::default() };
        assert!(last_line(&book, &finding).ends_with(" drift_fen=0 WRONG lost=0 findings=1"));
    }
}
