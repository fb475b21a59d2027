//! A person's own: balance, statement, packets sent and received; and the development login.

use std::rc::Rc;

use hongbao_core::packet::Recipient;
use hongbao_core::token::Person;
use hongbao_core::wire::{MyPacketsAnswer, PAGE_MAX, Role, StatementAnswer};
use hongbao_core::{Error, year};
use hongbao_spin::App;
use hongbao_spin::http::{Answer, Call, place_text, query_number, query_place};

mod login;

hongbao_spin::http_component!(account);

/// The entries of a page, unless the caller says otherwise.
const PAGE: i64 = 20;

async fn account(app: Rc<App>, call: Call) -> Result<Answer, Error> {
    match call.path.as_str() {
        "/v1/dev/login" => return login::login(&app, &call).await,
        "/v1/me" | "/v1/me/" | "/v1/me/statement" | "/v1/me/packets" | "/v1/me/inbox" => {}
        _ => return Err(Error::NotFound),
    }
    call.must_be("GET")?;
    let person = app.person(&call).await?;
    match call.path.as_str() {
        "/v1/me" | "/v1/me/" => return me(&app, &call, person).await,
        _ => app.may_look_back().await?,
    }
    match call.path.as_str() {
        "/v1/me/statement" => statement(&app, &call, &person).await,
        "/v1/me/inbox" => Answer::ok(&app.addressed(&person, &Recipient::User(person.user.clone()), &call).await?),
        _ => packets(&app, &call, &person).await,
    }
}

async fn me(app: &App, call: &Call, person: Person) -> Result<Answer, Error> {
    call.query(&[])?;
    Answer::ok(&app.me(person.user).await?)
}

async fn statement(app: &App, call: &Call, person: &Person) -> Result<Answer, Error> {
    let query = call.query(&["limit", "before"])?;
    let limit = query_number(&query, "limit", (1, PAGE_MAX), PAGE)?;
    let before = query_number(&query, "before", (0, i64::MAX), i64::MAX)?;
    let (postings, next) = app.ledger().await?.statement(&person.user, before, limit).await?;
    Answer::ok(&StatementAnswer { postings, next })
}

async fn packets(app: &App, call: &Call, person: &Person) -> Result<Answer, Error> {
    let query = call.query(&["role", "year", "limit", "before"])?;
    let role = match query.iter().find(|(name, _)| *name == "role") {
        Some((_, "sent")) => Role::Sent,
        Some((_, "received")) => Role::Received,
        _ => return Err(Error::invalid("role", "must be sent or received")),
    };
    let this_year = year::of_ms(app.now_ms());
    let year = query_number(&query, "year", (year::FIRST, year::LAST), this_year)?;
    let (from_ms, end_ms) = year::bounds_ms(year);
    let limit = query_number(&query, "limit", (1, PAGE_MAX), PAGE)?;
    let before = query_place(&query, "before")?.unwrap_or((end_ms, String::new()));
    let ledger = app.ledger().await?;
    let (packets, next) = ledger.my_packets(&person.user, role, from_ms, &before, limit).await?;
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
