//! Stage 4, 拆: takes the voucher, works out the amount, and one script marks the share opened, journals it and
//! rings the doorbell. The wallet is credited later, by the settlement.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_core::voucher::Voucher;
use hongbao_core::wire::{OpenAnswer, OpenRequest};
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::shard::Outcome;
use hongbao_spin::{App, sys};

hongbao_spin::http_component!(open);

async fn open(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("POST")?;
    let person = app.person(&call).await?;
    let id = call.packet_id()?;
    let request: OpenRequest = call.json()?;
    let key = &app.keys().await?.signing;
    let packet = app.packet(id, &person).await?;
    let voucher = Voucher::unseal(key, &request.voucher, id, &person.user, sys::now_ms())?;
    let amount_fen = packet.amount(voucher.seq).ok_or(Error::InvalidVoucher)?;
    match app.shard(id).await?.open(&voucher).await? {
        Outcome::Done(opened_at_ms) => {
            Answer::ok(&OpenAnswer { packet_id: id, seq: voucher.seq, amount_fen, opened_at_ms })
        }
        Outcome::Missing => Err(app.why_missing(id).await),
    }
}
