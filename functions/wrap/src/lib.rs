//! Stage 1, 包: checks a packet and the wallet, and answers a signed quote. Writes nothing.

use std::rc::Rc;

use hongbao_core::quote::Quote;
use hongbao_core::wire::{WrapAnswer, WrapRequest};
use hongbao_core::{Error, PacketId, draft};
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::{App, config, sys};

hongbao_spin::http_component!(wrap);

async fn wrap(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("POST")?;
    let person = app.person(&call).await?;
    let request: WrapRequest = call.json()?;
    let now_ms = sys::now_ms();
    draft::check(&request, &config::limits().await?, person.company, now_ms)?;
    let balance = app.ledger().await?.balance(&person.user).await?;
    if draft::total(&request)? > balance {
        return Err(Error::InsufficientBalance);
    }
    let random = sys::random_u64();
    let packet = PacketId::new(now_ms.unsigned_abs(), app.shard_for_new(random), random);
    let key = &app.keys().await?.signing;
    let quote = Quote::new(request, person.user, packet, key, now_ms)?;
    Answer::ok(&WrapAnswer {
        quote: quote.seal(key)?,
        total_fen: quote.total,
        count: quote.count,
        balance_fen: balance,
        quote_expires_at_ms: quote.expires_at_ms,
    })
}
