//! Stage 3, 抢: the next share, bound to the caller by a signed voucher.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(grab: Grab);

async fn grab(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let person = app.person(&call).await?;
    let id = call.packet_id()?;
    Answer::ok(&app.grab(person, call.device()?, id, &call.json()?).await?)
}
