//! Money from outside, and whether the books are sound.

use hongbao_core::wire::operator::{DepositAnswer, DepositRequest};
use hongbao_core::{Error, Fen};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call, query_number};
use hongbao_spin::ledger::By;
use hongbao_spin::operate::reconcile::Place;

/// The packets and accounts of one reconciliation, unless the caller says otherwise; and the most there may be.
const LIMIT: i64 = 10_000;
const LIMIT_MAX: i64 = 100_000;

pub(crate) async fn deposit(app: &App, call: &Call, operator: &str) -> Result<Answer, Error> {
    let request: DepositRequest = call.json()?;
    request.check()?;
    let amount = request.amount_fen.get();
    let amount_fen = Fen::new(amount).ok_or_else(|| Error::invalid("amount_fen", "must be an amount"))?;
    let by = By { operator, reason: request.reason.as_deref().unwrap_or_default(), at_ms: app.now_ms() };
    app.ledger().await?.deposit_by(by, &request.id, &request.user, amount_fen).await?;
    Answer::ok(&DepositAnswer { id: request.id, user: request.user, amount_fen })
}

pub(crate) async fn reconcile(app: &App, call: &Call) -> Result<Answer, Error> {
    let query = call.query(&["limit", "after"])?;
    let limit = query_number(&query, "limit", (1, LIMIT_MAX), LIMIT)?;
    let place = match query.iter().find(|(name, _)| *name == "after") {
        Some((_, text)) => Place::parse(text).ok_or_else(|| Error::invalid("after", "must be an answer's next"))?,
        None => Place::default(),
    };
    Answer::ok(&app.reconcile(place, limit).await?)
}
