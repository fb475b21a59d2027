//! Operators: what no rule could decide, whether the books are sound, and what the system is told to do.
//!
//! Everything here needs an operator's token; everything that changes something is an act in the audit.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_core::api::Endpoint;
use hongbao_core::wire::operator::{AuditAnswer, RiskEventsAnswer};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

mod controls;
mod exceptions;
mod money;
mod shards;

hongbao_spin::http_component!(admin:
    Deposit, Stats, Metrics, Reconcile, Exceptions, Exception, Retry, Compensate, Dismiss, Switches, SetSwitches, Ladder,
    SetLadder, Keys, RiskRules, SetRiskRule, RiskEvents, Blocked, Block, Unblock, Shards, Shard, WeighShard, MoveShard, Preheat,
    Audit);

async fn admin(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let operator = app.operator(&call).await?;
    match call.endpoint {
        Endpoint::Deposit => money::deposit(&app, &call, &operator).await,
        Endpoint::Stats => Answer::ok(&app.stats().await),
        Endpoint::Metrics => Ok(Answer::metrics(app.metrics().await)),
        Endpoint::Reconcile => money::reconcile(&app, &call).await,
        Endpoint::Exceptions => exceptions::list(&app, &call).await,
        Endpoint::Exception => exceptions::one(&app, &call).await,
        Endpoint::Retry | Endpoint::Compensate | Endpoint::Dismiss => exceptions::resolve(&app, &call, &operator).await,
        Endpoint::Switches => controls::switches(&app).await,
        Endpoint::SetSwitches => controls::set_switches(&app, &call, &operator).await,
        Endpoint::Ladder => Answer::ok(&app.ladder().await?),
        Endpoint::SetLadder => controls::set_ladder(&app, &call, &operator).await,
        Endpoint::Keys => Answer::ok(&app.key_uses().await?),
        Endpoint::RiskRules => Answer::ok(&app.risk_rules().await?),
        Endpoint::SetRiskRule => controls::set_risk_rule(&app, &call, &operator).await,
        Endpoint::RiskEvents => risk_events(&app, &call).await,
        Endpoint::Blocked | Endpoint::Block | Endpoint::Unblock => controls::blacklist(&app, &call, &operator).await,
        Endpoint::Shards => Answer::ok(&app.all_shards().await),
        Endpoint::Shard => shards::one(&app, &call).await,
        Endpoint::WeighShard => shards::weigh(&app, &call, &operator).await,
        Endpoint::MoveShard => shards::give_up(&app, &call, &operator).await,
        Endpoint::Preheat => shards::preheat(&app, &call).await,
        Endpoint::Audit => audit(&app, &call).await,
        _ => Err(Error::NotFound),
    }
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
    let query = call.query()?;
    Ok((query.limit(), query.number("before").unwrap_or(i64::MAX)))
}
