//! Whether everybody can use a page: the checks of axe-core, which the set-up fetches for the tests only.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Window;

/// What axe-core calls serious or critical on the page as it is now: a line each.
///
/// # Errors
/// Occurs when axe-core was not fetched.
pub async fn serious_findings(window: &Window) -> Result<Vec<String>> {
    let path = hongbao_stack::project_root()?.join("target/setup/axe-core/package/axe.min.js");
    let axe = fs::read_to_string(path).context("axe-core is missing: `cargo xtask test web` fetches it")?;
    window.run(&axe, vec![]).await;
    let check = "const [done] = arguments; axe.run(document, {resultTypes: ['violations']}).then(({violations}) => \
        done(violations), (error) => done([{impact: 'critical', id: String(error), nodes: []}]))";
    let found = window.run_to_end(check, vec![]).await;
    let findings = found.as_array().context("axe-core answers a list")?.iter();
    let is_serious = |finding: &&Value| finding["impact"] == "serious" || finding["impact"] == "critical";
    Ok(findings.filter(is_serious).map(line).collect())
}

fn line(finding: &Value) -> String {
    let nodes = finding["nodes"].as_array().cloned().unwrap_or_default();
    let places: Vec<String> =
        nodes.iter().map(|node| format!("{} {}", node["target"], node["any"][0]["message"])).collect();
    format!("{} ({}): {}", finding["id"], finding["impact"], places.join("; "))
}
