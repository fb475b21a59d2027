//! One packet (its state, who got what, the best luck, and once it is over the seed that proves it), and a group's.

use std::rc::Rc;

use hongbao_core::api::Endpoint;
use hongbao_core::packet::Recipient;
use hongbao_core::{Error, GroupId};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call};
use hongbao_spin::stage::view::Asked;

hongbao_spin::http_component!(packets: Packet, GroupPackets);

async fn packets(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    let person = app.person(&call).await?;
    if call.endpoint == Endpoint::GroupPackets {
        let group = GroupId::parse(call.segment()).ok_or(Error::NotFound)?;
        return Answer::ok(&app.addressed(&person, &Recipient::Group(group), &call).await?);
    }
    let id = call.packet_id()?;
    let query = call.query()?;
    let after = query.number("after").and_then(|after| u32::try_from(after).ok());
    Answer::ok(&app.view(&person, id, Asked { after, limit: query.limit() }).await?)
}
