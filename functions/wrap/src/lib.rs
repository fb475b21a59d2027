//! Stage 1, 包: a checked, signed quote for a packet.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(wrap: Wrap);

async fn wrap(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let person = app.person(&call).await?;
    Answer::ok(&app.wrap(person, call.json()?).await?)
}
