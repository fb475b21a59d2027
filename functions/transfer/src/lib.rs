//! Stage 5, 转账: the doorbell rang; settles what waits in the journals.

use hongbao_spin::App;
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn transfer(bell: Vec<u8>) -> Result<(), String> {
    let told = |error| format!("{error:?}");
    let app = App::get().await.map_err(told)?;
    app.settle_bell(&bell, "transfer").await.map(drop).map_err(told)
}
