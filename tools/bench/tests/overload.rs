//! Half a minute of five times as many requests as can be served, on the real components.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

use std::process::{Command, Stdio};

use serde_json::Value;

/// Nobody who is accepted waits longer than a call to Redis may take.
const ACCEPTED_P99_MS: f64 = 1_000.0;
const RECOVERY_MS: u64 = 5_000;

#[test]
fn five_times_the_capacity_bounds_latency_loses_nothing_and_passes() {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_hongbao-bench"));
    // The bench itself ends with an error when a fen that was shown is not settled.
    let output = bench.args(["--smoke", "--overload", "30"]).stderr(Stdio::inherit()).output().expect("it starts");
    assert!(output.status.success(), "the bench ends with {}", output.status);
    let overload: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let count = |name: &str| overload[name].as_u64().unwrap_or_else(|| panic!("no count {name}: {overload}"));
    assert!(count("accepted") > 0 && count("refused") > 0, "nothing is refused early: {overload}");
    assert_eq!(count("opens_refused"), 0, "an open was shed");
    assert_eq!(count("broken"), 0, "a request got no answer");
    let p99 = overload["accepted_ms"]["p99"].as_f64().expect("a percentile");
    assert!(p99 <= ACCEPTED_P99_MS, "accepted requests wait: p99 {p99} ms");
    let recovered = overload["recovered_after_ms"].as_u64();
    assert!(recovered.is_some_and(|after| after <= RECOVERY_MS), "not as before after {recovered:?} ms");
}
