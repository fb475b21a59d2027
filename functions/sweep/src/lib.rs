//! The timer: settles what no doorbell announced, completes half-sent packets, closes and refunds what expired.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(sweep: Sweep);

async fn sweep(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    app.operator(&call).await?;
    Answer::ok(&app.sweep().await?)
}
