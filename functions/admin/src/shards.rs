//! The shards of Redis: seen, weighed, given up, preheated.

use hongbao_core::Error;
use hongbao_core::wire::operator::{
    PREHEAT_MAX, PreheatAnswer, PreheatRequest, ReasonRequest, WeightRequest, check_reason,
};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::By;

pub(crate) async fn one(app: &App, call: &Call) -> Result<Answer, Error> {
    Answer::ok(&app.one_shard(number(call)?).await?)
}

pub(crate) async fn weigh(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let number = number(call)?;
    app.one_shard(number).await?;
    let request: WeightRequest = call.json()?;
    check_reason(request.reason.as_deref())?;
    let by = By { operator, reason: request.reason.as_deref().unwrap_or_default(), at_ms: app.now_ms() };
    let weight = u32::try_from(request.weight.get()).unwrap_or_default();
    app.set_weight(by, number, weight).await?;
    Answer::ok(&app.one_shard(number).await?)
}

/// `POST /v1/admin/shards/{n}/move`: what a dead shard held lives in SQL from now on.
pub(crate) async fn give_up(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let request: ReasonRequest = call.json()?;
    check_reason(Some(&request.reason))?;
    let by = By { operator, reason: &request.reason, at_ms: app.now_ms() };
    Answer::ok(&app.move_shard(by, number(call)?).await?)
}

pub(crate) async fn preheat(app: &App, call: &Call) -> Result<Answer, Error> {
    let request: PreheatRequest = call.json()?;
    if request.packets.len() > PREHEAT_MAX {
        return Err(Error::invalid("packets", format!("must be at most {PREHEAT_MAX}")));
    }
    let done = app.preheat(&request.packets).await?;
    Answer::ok(&PreheatAnswer { packets: done.packets, loaded: done.loaded, shards: done.shards })
}

/// The shard's number in the path; there is nothing behind any other text.
fn number(call: &Call) -> Result<u16, Error> {
    call.segment().parse().ok().filter(|number: &u16| number.to_string() == call.segment()).ok_or(Error::NotFound)
}
