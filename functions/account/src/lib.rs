//! A person's own: balance, statement, packets sent and received; and the development login.

use std::rc::Rc;

use hongbao_core::api::Endpoint;
use hongbao_core::packet::Recipient;
use hongbao_core::token::Person;
use hongbao_core::wire::{MyPacketsAnswer, Role, StatementAnswer};
use hongbao_core::{Error, year};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call, place_text, query_place};

mod login;

hongbao_spin::http_component!(account: Me, Statement, MyPackets, Inbox, DevLogin);

async fn account(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    if call.endpoint == Endpoint::DevLogin {
        return login::login(&app, &call).await;
    }
    let person = app.person(&call).await?;
    if call.endpoint == Endpoint::Me {
        return me(&app, person).await;
    }
    app.may_look_back().await?;
    match call.endpoint {
        Endpoint::Statement => statement(&app, &call, &person).await,
        Endpoint::Inbox => Answer::ok(&app.addressed(&person, &Recipient::User(person.user.clone()), &call).await?),
        _ => packets(&app, &call, &person).await,
    }
}

async fn me(app: &App, person: Person) -> Result<Answer, Error> {
    Answer::ok(&app.me(person.user).await?)
}

async fn statement(app: &App, call: &Call, person: &Person) -> Result<Answer, Error> {
    let query = call.query()?;
    let before = query.number("before").unwrap_or(i64::MAX);
    let (postings, next) = app.ledger().await?.statement(&person.user, before, query.limit()).await?;
    Answer::ok(&StatementAnswer { postings, next })
}

async fn packets(app: &App, call: &Call, person: &Person) -> Result<Answer, Error> {
    let query = call.query()?;
    let role = if query.text("role") == Some("sent") { Role::Sent } else { Role::Received };
    let year = query.number("year").unwrap_or_else(|| year::of_ms(app.now_ms()));
    let (from_ms, end_ms) = year::bounds_ms(year);
    // A cursor of another year's list begins at this year's end.
    let end = (end_ms, String::new());
    let before = query_place(&query).map_or(end.clone(), |place| place.min(end));
    let ledger = app.ledger().await?;
    let (packets, next) = ledger.my_packets(&person.user, role, from_ms, &before, query.limit()).await?;
    let next = next.as_ref().map(place_text);
    let totals = ledger.my_totals(&person.user, role, from_ms, end_ms).await?;
    Answer::ok(&MyPacketsAnswer {
        packets,
        next,
        year,
        total_fen: totals.total,
        refunded_fen: totals.refunded,
        count: totals.count,
        best_luck_count: totals.best_luck_count,
    })
}
