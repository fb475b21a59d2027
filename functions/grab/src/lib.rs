//! Stage 3, 抢: one script binds the next share to the caller; the answer is a signed voucher.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_core::voucher::{KEPT_AFTER_END_MS, Voucher};
use hongbao_core::wire::{GrabAnswer, GrabRequest};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::shard::Outcome;

hongbao_spin::http_component!(grab);

async fn grab(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("POST")?;
    let person = app.person(&call).await?;
    let id = call.packet_id()?;
    let request: GrabRequest = call.json()?;
    let packet = app.packet(id, &person).await?;
    let key = &app.keys().await?.signing;
    packet.facts.admits(&person, request.password.as_deref(), key)?;
    let (seq, epoch) = match app.shard(id).await?.grab(id, &person.user).await? {
        Outcome::Done(bound) => bound,
        Outcome::Missing => return Err(app.why_missing(id).await),
    };
    let expires_at_ms = packet.facts.expires_at_ms.saturating_add(KEPT_AFTER_END_MS);
    let voucher = Voucher { packet: id, seq, epoch, expires_at_ms, user: person.user };
    Answer::ok(&GrabAnswer { packet_id: id, seq, voucher: voucher.seal(key) })
}
