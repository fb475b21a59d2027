//! One JSON call to the application, for the commands that try it out.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Posts `body`, as the person whom `token` names, and returns the answer.
///
/// # Errors
/// Occurs when there is no answer within ten seconds, or one that is not a success.
pub(crate) fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let mut request = agent(Duration::from_secs(10)).post(url).content_type("application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    read(url, request.send(body.to_string()).with_context(|| format!("no answer from {url}"))?)
}

/// Gets what `url` shows to whom `token` names.
///
/// # Errors
/// Occurs when there is no answer within `limit`, one that is not a success, or one of another form.
pub(crate) fn get<T: DeserializeOwned>(url: &str, token: &str, limit: Duration) -> Result<T> {
    let asked = agent(limit).get(url).header("authorization", format!("Bearer {token}")).call();
    read(url, asked.with_context(|| format!("no answer from {url}"))?)
}

fn agent(limit: Duration) -> Agent {
    let config = Agent::config_builder().proxy(None).http_status_as_error(false);
    config.timeout_global(Some(limit)).build().into()
}

fn read<T: DeserializeOwned>(url: &str, mut answer: Response<Body>) -> Result<T> {
    let text = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{url} answered {}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("{url} answered something else: {text}"))
}
