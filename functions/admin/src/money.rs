//! Money from outside, and whether the books are sound.

use hongbao_core::wire::operator::{DepositAnswer, DepositRequest};
use hongbao_core::{Error, Fen};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::By;
use hongbao_spin::operate::reconcile::Place;

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
    let query = call.query()?;
    let place = query.text("after").and_then(Place::parse).unwrap_or_default();
    Answer::ok(&app.reconcile(place, query.limit()).await?)
}
