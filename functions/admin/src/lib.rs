//! Operators: what no rule could decide, whether the books are sound, and what the system is told to do.
//!
//! Everything here needs an operator's token; everything that changes something is an act in the audit.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_core::wire::PAGE_MAX;
use hongbao_core::wire::operator::{AuditAnswer, RiskEventsAnswer};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call, query_number};

mod controls;
mod exceptions;
mod money;
mod shards;

hongbao_spin::http_component!(admin);

/// The entries of a page, unless the caller says otherwise.
const PAGE: i64 = 20;

async fn admin(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let path = call.path.clone();
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let methods = methods(&parts).ok_or(Error::NotFound)?;
    if !methods.split(", ").any(|method| method == call.method) {
        return Err(Error::MethodNotAllowed(methods));
    }
    let operator = app.operator(&call).await?;
    match parts.as_slice() {
        ["metrics"] => metrics(&app, &call).await,
        [_, _, "deposits"] => money::deposit(&app, &call, &operator).await,
        [_, _, "reconcile"] => money::reconcile(&app, &call).await,
        [_, _, "exceptions"] => exceptions::list(&app, &call).await,
        [_, _, "exceptions", id] => exceptions::one(&app, &call, id).await,
        [_, _, "exceptions", id, remedy] => exceptions::resolve(&app, &call, &operator, id, remedy).await,
        [_, _, "switches"] => controls::switches(&app, &call, &operator).await,
        [_, _, "blacklist", user] => controls::blacklist(&app, &call, &operator, user).await,
        [_, _, "ladder"] => controls::ladder(&app, &call, &operator).await,
        [_, _, "risk-rules"] => controls::risk_rules(&app, &call).await,
        [_, _, "risk-rules", rule] => controls::risk_rule(&app, &call, &operator, rule).await,
        [_, _, "shards"] => shards::list(&app, &call).await,
        [_, _, "shards", number] => shards::one(&app, &call, &operator, number).await,
        [_, _, "shards", number, _] => shards::give_up(&app, &call, &operator, number).await,
        [_, _, "preheat"] => shards::preheat(&app, &call).await,
        [_, _, "keys"] => keys(&app, &call).await,
        [_, _, "stats"] => stats(&app, &call).await,
        [_, _, "risk-events"] => risk_events(&app, &call).await,
        [_, _, "audit"] => audit(&app, &call).await,
        _ => Err(Error::NotFound),
    }
}

/// The methods that a path has; `None` for no path of ours.
fn methods(parts: &[&str]) -> Option<&'static str> {
    match parts {
        ["metrics"] => Some("GET"),
        ["v1", "admin", rest @ ..] => match rest {
            ["reconcile" | "exceptions" | "stats" | "risk-events" | "risk-rules" | "audit" | "shards" | "keys"]
            | ["exceptions", _] => Some("GET"),
            ["deposits" | "preheat"]
            | ["exceptions", _, "retry" | "compensate" | "dismiss"]
            | ["shards", _, "move"] => Some("POST"),
            ["switches" | "ladder"] | ["shards", _] => Some("GET, PUT"),
            ["risk-rules", _] => Some("PUT"),
            ["blacklist", _] => Some("GET, PUT, DELETE"),
            _ => None,
        },
        _ => None,
    }
}

async fn stats(app: &App, call: &Call) -> Result<Answer, Error> {
    call.query(&[])?;
    Answer::ok(&app.stats().await)
}

async fn keys(app: &App, call: &Call) -> Result<Answer, Error> {
    call.query(&[])?;
    Answer::ok(&app.key_uses().await?)
}

async fn metrics(app: &App, call: &Call) -> Result<Answer, Error> {
    call.query(&[])?;
    Ok(Answer::metrics(app.metrics().await))
}

async fn audit(app: &App, call: &Call) -> Result<Answer, Error> {
    let (limit, before) = page(call)?;
    let (acts, next) = app.ledger().await?.audit(before, limit).await?;
    Answer::ok(&AuditAnswer { acts, next })
}

async fn risk_events(app: &App, call: &Call) -> Result<Answer, Error> {
    let (limit, before) = page(call)?;
    let (events, next) = app.ledger().await?.risk_events(before, limit).await?;
    Answer::ok(&RiskEventsAnswer { events, next })
}

/// A page of numbered entries: how many, and below which number.
fn page(call: &Call) -> Result<(i64, i64), Error> {
    let query = call.query(&["limit", "before"])?;
    let limit = query_number(&query, "limit", (1, PAGE_MAX), PAGE)?;
    Ok((limit, query_number(&query, "before", (0, i64::MAX), i64::MAX)?))
}
