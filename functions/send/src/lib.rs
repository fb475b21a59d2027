//! Stage 2, 发: takes the quote, funds the escrow in SQL, then loads the packet into the race.
//!
//! The money is in escrow before Redis knows the packet, so whatever Redis says later, SQL can never pay out more.
//! A retry with the same quote finds the same packet; a crash in between is completed by the retry or the sweep.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_core::quote::Quote;
use hongbao_core::wire::{SendAnswer, SendRequest};
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::{App, config, sys};

hongbao_spin::http_component!(send);

async fn send(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("POST")?;
    let person = app.person(&call).await?;
    let request: SendRequest = call.json()?;
    let quote = Quote::unseal(&app.keys().await?.signing, &request.quote, &person.user)?;
    let (ledger, now_ms) = (app.ledger().await?, sys::now_ms());
    let seed = sys::random_32();
    let packet = if now_ms < quote.expires_at_ms {
        ledger.fund(&quote, &seed, &config::limits().await?, now_ms).await?
    } else {
        // Sent in time, it answers the same for ever.
        ledger.packet(quote.packet).await?.ok_or(Error::QuoteExpired)?
    };
    let is_first = packet.facts.seed == seed;
    let is_over = packet.closed_at_ms.is_some() || packet.settled == packet.facts.count;
    if !is_over {
        app.shard(quote.packet).await?.load(&packet.facts).await?;
    }
    let answer = SendAnswer {
        packet_id: packet.facts.id,
        commitment: packet.facts.commitment_hex(),
        state: packet.facts.state(packet.settled, packet.closed_at_ms.is_some(), now_ms),
        expires_at_ms: packet.facts.expires_at_ms,
    };
    Answer::new(if is_first { 201 } else { 200 }, &answer)
}
