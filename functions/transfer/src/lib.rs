//! Stage 5, 转账: the doorbell rang; settles what waits in the journals.

use hongbao_spin::{App, settle, sys};
use spin_sdk::redis_subscriber;

/// The name under which the doorbell's settlements read the journal.
const CONSUMER: &str = "transfer";

#[redis_subscriber]
async fn transfer(_bell: Vec<u8>) -> Result<(), String> {
    let told = |error: hongbao_core::Error| format!("{:?}", error);
    let app = App::get().await.map_err(told)?;
    let ledger = app.ledger().await.map_err(told)?;
    for shard in app.shards() {
        settle::drain(shard, ledger, CONSUMER, sys::now_ms).await.map_err(told)?;
    }
    Ok(())
}
