//! Exceptions: listed with their evidence, then retried, compensated or dismissed.

use hongbao_core::api::Endpoint;
use hongbao_core::wire::operator::{CompensateRequest, ExceptionState, ReasonRequest, check_reason};
use hongbao_core::{Error, ExceptionId, Fen};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::By;
use hongbao_spin::operate::exceptions::Remedy;

pub(crate) async fn list(app: &App, call: &Call) -> Result<Answer, Error> {
    let query = call.query()?;
    let state = if query.text("state") == Some("resolved") { ExceptionState::Resolved } else { ExceptionState::Open };
    Answer::ok(&app.exceptions(state, query.text("before").unwrap_or_default(), query.limit()).await?)
}

pub(crate) async fn one(app: &App, call: &Call) -> Result<Answer, Error> {
    Answer::ok(&app.exception(id(call)?.as_str()).await?)
}

pub(crate) async fn resolve(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let id = id(call)?;
    let (reason, remedy) = match call.endpoint {
        Endpoint::Compensate => {
            let request: CompensateRequest = call.json()?;
            let amount = request.amount_fen.and_then(|amount| Fen::new(amount.get()));
            (request.reason, Remedy::Compensate(amount))
        }
        Endpoint::Retry => (call.json::<ReasonRequest>()?.reason, Remedy::Retry),
        _ => (call.json::<ReasonRequest>()?.reason, Remedy::Dismiss),
    };
    check_reason(Some(&reason))?;
    let by = By { operator, reason: &reason, at_ms: app.now_ms() };
    Answer::ok(&app.resolve(by, id.as_str(), remedy).await?)
}

/// The exception's id in the path; there is nothing behind any other text.
fn id(call: &Call) -> Result<ExceptionId, Error> {
    ExceptionId::parse(call.segment()).ok_or(Error::NotFound)
}
