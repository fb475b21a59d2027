//! One packet (its state, who got what, the best luck, and once it is over the seed that proves it), and a group's.

use std::rc::Rc;

use hongbao_core::packet::Recipient;
use hongbao_core::wire::{COUNT_MAX, PAGE_MAX};
use hongbao_core::{Error, GroupId};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call, query_number};
use hongbao_spin::stage::view::Asked;

hongbao_spin::http_component!(packets);

async fn packets(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    call.must_be("GET")?;
    let person = app.person(&call).await?;
    if let Some(rest) = call.path.strip_prefix("/v1/groups/") {
        let group = rest.split('/').next().and_then(GroupId::parse).ok_or(Error::NotFound)?;
        return Answer::ok(&app.addressed(&person, &Recipient::Group(group), &call).await?);
    }
    let id = call.packet_id()?;
    let query = call.query(&["limit", "after"])?;
    let limit = query_number(&query, "limit", (1, PAGE_MAX), PAGE_MAX)?;
    // Numbers begin at 0: -1 is before all.
    let after = query_number(&query, "after", (0, COUNT_MAX), -1)?;
    let asked = Asked { after: u32::try_from(after).ok(), limit };
    Answer::ok(&app.view(&person, id, asked).await?)
}
