//! Stage 2, 发: the quoted packet, funded and in the race.

use std::rc::Rc;

use hongbao_core::Error;
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(send: Send);

async fn send(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let person = app.person(&call).await?;
    let (is_first, answer) = app.send(&person, &call.json()?).await?;
    Answer::new(if is_first { 201 } else { 200 }, &answer)
}
