//! The least that the bench can do: every scenario runs, the books balance after each, the JSON has its fields.
//! Its numbers mean nothing.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

use std::process::{Command, Stdio};

use serde_json::Value;

fn number(report: &Value, path: &str) -> f64 {
    report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("the report has no number {path}: {report}"))
}

#[test]
fn the_smallest_run_reports_everything_and_no_fen_drifts() {
    let out = tempfile::tempdir().expect("a folder");
    let mut bench = Command::new(env!("CARGO_BIN_EXE_hongbao-bench"));
    bench.args(["--smoke", "--json", "--out"]).arg(out.path()).stderr(Stdio::inherit());
    let output = bench.output().expect("the bench starts");
    assert!(output.status.success(), "the bench ends with {}", output.status);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object and nothing else");

    let ratios =
        ["grab_vs_empty", "open_vs_empty", "sold_out_vs_empty", "grab_vs_native", "open_vs_native", "grab_vs_redis"];
    for name in ratios {
        assert!(number(&report, &format!("/ratios/{name}")) > 0.0, "{name}");
    }
    for path in ["/cpu_s_per_million", "/redis_bytes_per_packet", "/settle_postings_per_s/sqlite"] {
        assert!(number(&report, path) > 0.0, "{path}");
    }
    for name in ["empty", "grab", "open", "native_grab", "storm", "rain", "eve"] {
        let [p50, p99] = ["p50", "p99"].map(|quantile| number(&report, &format!("/latency_ms/{name}/{quantile}")));
        assert!(p50 > 0.0 && p50 <= p99, "{name}: p50 {p50}, p99 {p99}");
    }
    assert!(number(&report, "/drift_fen").abs() < f64::EPSILON);
    assert!(number(&report, "/storm/opened") > 0.0 && number(&report, "/storm/sold_out") > 0.0);
    assert!(number(&report, "/overload/accepted") > 0.0);
    assert!(number(&report, "/overload/opens_refused").abs() < f64::EPSILON, "an open was shed");
    assert!(number(&report, "/overload/broken").abs() < f64::EPSILON, "a request got no answer");
    for plot in ["latency", "rounds", "size", "live"] {
        let svg = std::fs::read_to_string(out.path().join(plot).with_extension("svg")).expect("a plot");
        assert!(svg.contains("<svg") && svg.contains("polyline"), "{plot}");
    }
}
