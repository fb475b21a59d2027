//! Stage 4, 拆: what is in the share.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(open: Open);

async fn open(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let person = app.person(&call).await?;
    let id = call.packet_id()?;
    Answer::ok(&app.open(&person, id, &call.json()?).await?)
}
