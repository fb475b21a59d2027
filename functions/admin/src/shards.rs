//! The shards of Redis: seen, weighed, given up, preheated.

use hongbao_core::Error;
use hongbao_core::wire::operator::{
    PREHEAT_MAX, PreheatAnswer, PreheatRequest, ReasonRequest, WeightRequest, check_reason,
};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::By;

pub(crate) async fn list(app: &App, call: &Call) -> Result<Answer, Error> {
    call.query(&[])?;
    Answer::ok(&app.all_shards().await)
}

pub(crate) async fn one(app: &App, call: &Call, operator: &str, number: &str) -> Result<Answer, Error> {
    call.query(&[])?;
    let number = parse(number)?;
    let shard = app.one_shard(number).await?;
    if call.method == "GET" {
        return Answer::ok(&shard);
    }
    let request: WeightRequest = call.json()?;
    check_reason(request.reason.as_deref())?;
    let by = By { operator, reason: request.reason.as_deref().unwrap_or_default(), at_ms: app.now_ms() };
    let weight = u32::try_from(request.weight.get()).unwrap_or_default();
    app.set_weight(by, number, weight).await?;
    Answer::ok(&app.one_shard(number).await?)
}

/// `POST /v1/admin/shards/{n}/move`: what a dead shard held lives in SQL from now on.
pub(crate) async fn give_up(app: &App, call: &Call, operator: &str, number: &str) -> Result<Answer, Error> {
    call.query(&[])?;
    let request: ReasonRequest = call.json()?;
    check_reason(Some(&request.reason))?;
    let by = By { operator, reason: &request.reason, at_ms: app.now_ms() };
    Answer::ok(&app.move_shard(by, parse(number)?).await?)
}

pub(crate) async fn preheat(app: &App, call: &Call) -> Result<Answer, Error> {
    call.query(&[])?;
    let request: PreheatRequest = call.json()?;
    if request.packets.len() > PREHEAT_MAX {
        return Err(Error::invalid("packets", format!("must be at most {PREHEAT_MAX}")));
    }
    let done = app.preheat(&request.packets).await?;
    Answer::ok(&PreheatAnswer { packets: done.packets, loaded: done.loaded, shards: done.shards })
}

/// A shard's number; there is nothing behind any other text.
fn parse(number: &str) -> Result<u16, Error> {
    number.parse().map_err(|_| Error::NotFound)
}
