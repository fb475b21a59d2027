//! One packet (its state, who got what, the best luck, and once it is over the seed that proves it), and a group's.

use std::rc::Rc;

use hongbao_core::packet::Recipient;
use hongbao_core::{Error, GroupId};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};

hongbao_spin::http_component!(packets);

async fn packets(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("GET")?;
    let person = app.person(&call).await?;
    if let Some(rest) = call.path.strip_prefix("/v1/groups/") {
        let group = rest.split('/').next().and_then(GroupId::parse).ok_or(Error::NotFound)?;
        return Answer::ok(&app.addressed(&person, &Recipient::Group(group), &call).await?);
    }
    let id = call.packet_id()?;
    call.query(&[])?;
    Answer::ok(&app.view(&person, id).await?)
}
