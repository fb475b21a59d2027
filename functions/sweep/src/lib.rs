//! The timer's work: settles what no doorbell announced, completes half-sent packets, closes what expired.
//!
//! Every step is repeatable, so running it twice, in parallel or late does no harm. Refunds need no step of their
//! own: the ledger makes one when a close and all its opens are settled.

use std::rc::Rc;

use hongbao_core::{Error, PacketId};
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::ledger::Ledger;
use hongbao_spin::shard::Outcome;
use hongbao_spin::{App, settle, sys};
use serde::Serialize;

hongbao_spin::http_component!(sweep);

/// The name under which the sweep reads the journal.
const CONSUMER: &str = "sweep";
/// The most packets closed or loaded in one sweep: the timer comes again soon.
const PACKETS_A_SWEEP: i64 = 500;
/// How long a sent packet may go unconfirmed before the sweep loads it, in milliseconds.
const UNLOADED_MS: i64 = 3_000;

/// What a sweep did.
#[derive(Default, Serialize)]
struct Swept {
    settled: usize,
    loaded: usize,
    closed: usize,
}

async fn sweep(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("POST")?;
    app.operator(&call).await?;
    let ledger = app.ledger().await?;
    let mut swept = Swept { settled: settle_all(&app, ledger).await?, ..Swept::default() };
    for id in ledger.unloaded(sys::now_ms() - UNLOADED_MS, PACKETS_A_SWEEP).await? {
        load(&app, ledger, id).await?;
        swept.loaded += 1;
    }
    for id in ledger.due(sys::now_ms(), PACKETS_A_SWEEP).await? {
        swept.closed += usize::from(close(&app, ledger, id).await?);
    }
    swept.settled += settle_all(&app, ledger).await?;
    Answer::ok(&swept)
}

async fn settle_all(app: &App, ledger: &Ledger) -> Result<usize, Error> {
    let mut settled = 0;
    for shard in app.shards() {
        app.connect(shard).await?;
        settled += settle::drain(shard, ledger, CONSUMER, sys::now_ms).await?;
    }
    Ok(settled)
}

/// Completes a send that stopped between the ledger and the race.
async fn load(app: &App, ledger: &Ledger, id: PacketId) -> Result<(), Error> {
    match ledger.packet(id).await? {
        Some(packet) => app.shard(id).await?.load(&packet.facts).await,
        None => Ok(()),
    }
}

/// Closes a packet whose time is over by its shard's clock; answers whether it did.
async fn close(app: &App, ledger: &Ledger, id: PacketId) -> Result<bool, Error> {
    let shard = app.shard(id).await?;
    match shard.close(id).await? {
        Outcome::Done(is_closed) => Ok(is_closed),
        Outcome::Missing => {
            // It never reached the shard: loaded now, it closes with nothing opened.
            load(app, ledger, id).await?;
            Ok(matches!(shard.close(id).await?, Outcome::Done(true)))
        }
    }
}
