//! `cargo xtask reconcile`: whether the books are sound, check by check.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use hongbao_core::wire::operator::{CheckAnswer, ReconcileAnswer};
use hongbao_stack::Grant;

use crate::http;
use crate::project::Project;
use crate::token::keys_of;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the application serves
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    base_url: String,
    /// The data folder of the stack, for its keys [default: .hongbao]. Not needed where the environment variable
    /// HONGBAO_OPERATOR_TOKEN holds an operator's token
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many packets and accounts each call looks at
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    limit: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let token = match env::var("HONGBAO_OPERATOR_TOKEN") {
        Ok(token) => token,
        Err(_) => {
            let data = arguments.data.clone().map_or_else(|| Project::find().map(|project| project.data()), Ok)?;
            let ttl = Duration::from_secs(3_600); // A large ledger takes its time.
            keys_of(&data)?.token(&Grant { ttl, ..Grant::operator("xtask") })?
        }
    };
    let url = format!("{}/v1/admin/reconcile?limit={}", arguments.base_url.trim_end_matches('/'), arguments.limit);
    let mut whole = page(&url, &token)?;
    while let Some(next) = whole.next.take() {
        let more = page(&format!("{url}&after={next}"), &token)?;
        merge(&mut whole, more);
    }
    for CheckAnswer { name, ok, detail } in &whole.checks {
        println!("{} {name:<24} {detail}", if *ok { "✓" } else { "✗" });
    }
    println!("reconcile: drift_fen={} {}", whole.drift_fen, if whole.ok { "ok" } else { "DRIFT" });
    ensure!(whole.ok, "the books are not sound: GET /v1/admin/exceptions?state=open shows what is on record");
    Ok(())
}

fn page(url: &str, token: &str) -> Result<ReconcileAnswer> {
    http::get(url, token, Duration::from_secs(60))
}

/// Adds what the next call found.
fn merge(whole: &mut ReconcileAnswer, more: ReconcileAnswer) {
    whole.ok &= more.ok;
    whole.drift_fen = whole.drift_fen.max(more.drift_fen);
    whole.next = more.next;
    for (check, found) in whole.checks.iter_mut().zip(more.checks) {
        check.detail = match (check.ok, found.ok) {
            (true, true) => sum(&check.detail, &found.detail).unwrap_or_else(|| check.detail.clone()),
            (true, false) => found.detail,
            (false, true) => check.detail.clone(),
            (false, false) => format!("{}; {}", check.detail, found.detail),
        };
        check.ok &= found.ok;
    }
}

/// "3 packets" and "4 packets" are "7 packets"; `None` for anything else.
fn sum(left: &str, right: &str) -> Option<String> {
    let ((left, what), (right, of)) = (left.split_once(' ')?, right.split_once(' ')?);
    let total = left.parse::<u64>().ok()?.checked_add(right.parse().ok()?)?;
    (what == of).then(|| format!("{total} {what}"))
}

#[cfg(test)]
mod tests {
    use hongbao_core::wire::operator::{CheckAnswer, ReconcileAnswer};

    #[test]
    fn pages_add_up_and_one_drift_is_drift() {
        let answer = |ok, detail: &str| {
            let check = CheckAnswer { name: "packets_add_up".into(), ok, detail: detail.into() };
            ReconcileAnswer { ok, drift_fen: i64::from(!ok), checks: vec![check], next: None }
        };
        let mut whole = answer(true, "3 packets");
        super::merge(&mut whole, answer(true, "4 packets"));
        assert_eq!((whole.ok, whole.checks[0].detail.as_str()), (true, "7 packets"));
        super::merge(&mut whole, answer(false, "hb_1: off"));
        super::merge(&mut whole, answer(true, "9 packets"));
        assert_eq!((whole.ok, whole.drift_fen, whole.checks[0].detail.as_str()), (false, 1, "hb_1: off"));
    }
}
