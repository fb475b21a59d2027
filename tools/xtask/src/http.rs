//! One JSON call to the application, for the commands that try it out.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::Agent;

/// Posts `body`, as the person whom `token` names, and returns the answer.
///
/// # Errors
/// Occurs when there is no answer within ten seconds, or one that is not a success.
pub(crate) fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let config = Agent::config_builder().proxy(None).http_status_as_error(false);
    let agent: Agent = config.timeout_global(Some(Duration::from_secs(10))).build().into();
    let mut request = agent.post(url).content_type("application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.send(body.to_string()).with_context(|| format!("no answer from {url}"))?;
    let text = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{url} answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("{url} answered no JSON: {text}"))
}
