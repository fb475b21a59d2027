//! One packet: its state, who got what, the best luck, and once it is over the seed that proves it.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(packets);

async fn packets(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("GET")?;
    let person = app.person(&call).await?;
    let id = call.packet_id()?;
    call.query(&[])?;
    Answer::ok(&app.view(&person, id).await?)
}
