//! Exceptions: listed with their evidence, then retried, compensated or dismissed.

use hongbao_core::wire::PAGE_MAX;
use hongbao_core::wire::operator::{CompensateRequest, ExceptionState, ReasonRequest, check_reason};
use hongbao_core::{Error, Fen};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call, query_number};
use hongbao_spin::ledger::By;
use hongbao_spin::operate::exceptions::Remedy;

use crate::PAGE;

pub(crate) async fn list(app: &App, call: &Call) -> Result<Answer, Error> {
    let query = call.query(&["state", "limit", "before"])?;
    let parameter = |name: &str| query.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
    let state = match parameter("state") {
        Some("open") | None => ExceptionState::Open,
        Some("resolved") => ExceptionState::Resolved,
        Some(_) => return Err(Error::invalid("state", "must be open or resolved")),
    };
    let limit = query_number(&query, "limit", (1, PAGE_MAX), PAGE)?;
    let before = parameter("before").map(unescape).unwrap_or_default();
    if !before.is_empty() && !before.starts_with("ex_") {
        return Err(Error::invalid("before", "must be a page's next"));
    }
    Answer::ok(&app.exceptions(state, &before, limit).await?)
}

pub(crate) async fn one(app: &App, call: &Call, id: &str) -> Result<Answer, Error> {
    call.query(&[])?;
    Answer::ok(&app.exception(&unescape(id)).await?)
}

pub(crate) async fn resolve(app: &App, call: &Call, operator: &str, id: &str, remedy: &str) -> Result<Answer, Error> {
    let (reason, remedy) = match remedy {
        "compensate" => {
            let request: CompensateRequest = call.json()?;
            let amount = request.amount_fen.and_then(|amount| Fen::new(amount.get()));
            (request.reason, Remedy::Compensate(amount))
        }
        "retry" => (call.json::<ReasonRequest>()?.reason, Remedy::Retry),
        _ => (call.json::<ReasonRequest>()?.reason, Remedy::Dismiss),
    };
    check_reason(Some(&reason))?;
    let by = By { operator, reason: &reason, at_ms: app.now_ms() };
    Answer::ok(&app.resolve(by, &unescape(id), remedy).await?)
}

/// An exception's id as a path or a query has it: some clients write the colon as `%3A`.
fn unescape(id: &str) -> String {
    id.replace("%3A", ":").replace("%3a", ":")
}
