//! Switches, the blacklist, the ladder and the risk rules. What is told here reaches every instance within a second.

use hongbao_core::admit::Level;
use hongbao_core::api::Endpoint;
use hongbao_core::risk::Rule;
use hongbao_core::wire::operator::{
    BlockRequest, LadderRequest, RiskRuleRequest, SwitchesAnswer, SwitchesRequest, check_reason,
};
use hongbao_core::{Error, UserId};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::By;

pub(crate) async fn switches(app: &App) -> Result<Answer, Error> {
    Answer::ok(&app.switches().await?)
}

pub(crate) async fn set_switches(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let request: SwitchesRequest = call.json()?;
    check_reason(request.reason.as_deref())?;
    let by = By { operator, reason: request.reason.as_deref().unwrap_or_default(), at_ms: app.now_ms() };
    if let Some(is_on) = request.sends {
        app.ledger().await?.set_switch(by, "sends", is_on).await?;
    }
    Answer::ok(&SwitchesAnswer { sends: app.publish_controls().await?.sends, missing: vec![] })
}

pub(crate) async fn blacklist(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let user = UserId::parse(call.segment())
        .ok_or_else(|| Error::invalid("user", "must be us_ and 1 to 60 characters of A-Z a-z 0-9 _ -"))?;
    let by = |reason| By { operator, reason, at_ms: app.now_ms() };
    match call.endpoint {
        Endpoint::Block => {
            let request: BlockRequest = call.json()?;
            check_reason(request.reason.as_deref())?;
            app.ledger().await?.block(by(request.reason.as_deref().unwrap_or_default()), &user).await?;
            app.publish_controls().await?;
        }
        Endpoint::Unblock => {
            app.ledger().await?.unblock(by(""), &user).await?;
            app.publish_controls().await?;
        }
        _ => {}
    }
    Answer::ok(&app.blocked(&user).await?)
}

pub(crate) async fn set_ladder(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let request: LadderRequest = call.json()?;
    check_reason(request.reason.as_deref())?;
    let by = By { operator, reason: request.reason.as_deref().unwrap_or_default(), at_ms: app.now_ms() };
    Answer::ok(&app.set_ladder(by, request.level.and_then(|level| Level::numbered(level.get()))).await?)
}

pub(crate) async fn set_risk_rule(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let rule = Rule::parse(call.segment()).filter(|rule| Rule::SETTABLE.contains(rule)).ok_or(Error::NotFound)?;
    let request: RiskRuleRequest = call.json()?;
    check_reason(request.reason.as_deref())?;
    let by = By { operator, reason: request.reason.as_deref().unwrap_or_default(), at_ms: app.now_ms() };
    Answer::ok(&app.set_risk_rule(by, rule, &request.setting).await?)
}
