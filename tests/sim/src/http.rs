//! The network between people and the application: requests and answers are lost, doubled, delayed and overtaken.

use std::rc::Rc;

use hongbao_core::token::Person;
use hongbao_core::wire::{GrabRequest, OpenRequest, SendRequest, WrapRequest};
use hongbao_core::{Error, Fen, PacketId};
use hongbao_spin::stage::view::Asked;
use serde::Serialize;
use serde_json::{Value, json};

use crate::checker::{Call, Line};
use crate::site::{Instance, REPLICAS, Site};
use crate::world::{slot, within};

/// How long a person waits for an answer, in microseconds.
const PATIENCE_US: u64 = 6_000_000;

/// What a person asks.
#[derive(Debug, Clone)]
pub enum Request {
    /// Money from outside.
    Deposit(String, Fen),
    /// `POST /v1/wrap`.
    Wrap(WrapRequest),
    /// `POST /v1/send`.
    Send(String),
    /// `POST /v1/packets/{id}/grab`.
    Grab(PacketId, Option<String>),
    /// `POST /v1/packets/{id}/open`.
    Open(PacketId, String),
    /// `GET /v1/packets/{id}`.
    View(PacketId),
}

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The JSON of an answer, or the code of a refusal.
    pub body: Value,
    /// When to come back.
    pub retry_after_ms: Option<i64>,
}

impl Request {
    fn name(&self) -> &'static str {
        match self {
            Self::Deposit(..) => "deposit",
            Self::Wrap(_) => "wrap",
            Self::Send(_) => "send",
            Self::Grab(..) => "grab",
            Self::Open(..) => "open",
            Self::View(_) => "view",
        }
    }

    fn packet(&self) -> Option<String> {
        match self {
            Self::Grab(id, _) | Self::Open(id, _) | Self::View(id) => Some(id.to_string()),
            _ => None,
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Deposit(id, amount) => json!({"id": id, "amount_fen": amount}),
            Self::Wrap(request) => serde_json::to_value(request).unwrap_or_default(),
            Self::Send(quote) => json!({"quote": quote}),
            Self::Grab(_, password) => json!({"password": password}),
            Self::Open(_, voucher) => json!({"voucher": voucher}),
            Self::View(_) => Value::Null,
        }
    }
}

/// Asks once; nothing when no answer came.
pub async fn ask(site: &Rc<Site>, person: &Person, request: &Request) -> Option<Response> {
    let (start_ms, settled) = (site.world.now_ms(), settled_shares(site, request));
    let answer = within(&site.world, PATIENCE_US, exchange(site, person, request)).await.flatten();
    if let Some(bad) = answer.as_ref().filter(|answer| answer.status == 500) {
        site.complaints.borrow_mut().push(format!("{} was answered 500: {}", request.name(), bad.body));
    }
    if let Some(answer) = answer.as_ref().filter(|answer| answer.status == 200) {
        let seq = answer.body.get("seq").and_then(Value::as_i64);
        let owner = settled.iter().find(|(settled, _)| Some(*settled) == seq);
        if let Some((seq, owner)) = owner.filter(|(_, owner)| *owner != person.user.as_str()) {
            let complaint = format!("{} was given share {seq}, which was settled to {owner} before", person.user);
            site.complaints.borrow_mut().push(complaint);
        }
    }
    site.record(Line::Call(Call {
        op: request.name().to_owned(),
        user: person.user.to_string(),
        packet: request.packet(),
        request: request.body(),
        start_ms,
        end_ms: site.world.now_ms(),
        status: answer.as_ref().map(|answer| answer.status),
        body: answer.as_ref().map_or(Value::Null, |answer| answer.body.clone()),
    }));
    answer
}

/// Who has which share of the packet for good, as a grab begins.
fn settled_shares(site: &Site, request: &Request) -> Vec<(i64, String)> {
    let Request::Grab(id, _) = request else { return Vec::new() };
    let query = "SELECT seq, user FROM claims WHERE packet = ?1";
    let mut prepared = site.store.connection.prepare_cached(query).expect("a query that fits the schema");
    let rows = prepared.query_map([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?))).expect("claims");
    rows.filter_map(Result::ok).collect()
}

async fn exchange(site: &Rc<Site>, person: &Person, request: &Request) -> Option<Response> {
    let (world, faults) = (&site.world, &site.faults);
    if faults.strike(faults.mix.http_doubled) {
        let (site, person, request) = (site.clone(), person.clone(), request.clone());
        world.spawn(None, async move { drop(deliver(&site, &person, &request).await) });
    }
    if faults.loses(faults.mix.http_lost) {
        return std::future::pending().await;
    }
    let answer = deliver(site, person, request).await?;
    if faults.loses(faults.mix.http_answer_lost) {
        return std::future::pending().await;
    }
    world.dawdle_us(faults.mix.http_delay_us).await;
    Some(answer)
}

/// Brings a request to an instance, and its answer back; nothing when the process is dead or dies over it.
async fn deliver(site: &Rc<Site>, person: &Person, request: &Request) -> Option<Response> {
    site.world.dawdle_us(site.faults.mix.http_delay_us).await;
    let instance = site.replica(site.world.random.index(REPLICAS))?;
    let (giver, answer) = slot(&site.world);
    let (process, person, request) = (instance.process, person.clone(), request.clone());
    site.world.spawn(Some(process), async move { giver.give(handle(instance, person, request).await) });
    answer.await
}

/// What the components do: decode, call, encode.
async fn handle(instance: Instance, person: Person, request: Request) -> Response {
    let app = instance.app;
    match request {
        Request::Deposit(id, amount) => {
            let deposit = async { app.ledger().await?.deposit(&id, &person.user, amount, app.now_ms()).await };
            encode(deposit.await)
        }
        Request::Wrap(request) => encode(app.wrap(person, request).await),
        Request::Send(quote) => encode(app.send(&person, &SendRequest { quote }).await.map(|(_, answer)| answer)),
        Request::Grab(id, password) => encode(app.grab(person, None, id, &GrabRequest { password }).await),
        Request::Open(id, voucher) => encode(app.open(&person, id, &OpenRequest { voucher }).await),
        Request::View(id) => encode(app.view(&person, id, Asked::default()).await),
    }
}

fn encode(outcome: Result<impl Serialize, Error>) -> Response {
    match outcome {
        Ok(answer) => {
            Response { status: 200, body: serde_json::to_value(answer).unwrap_or_default(), retry_after_ms: None }
        }
        Err(error) => {
            let told = error.told();
            let cause = error.cause().unwrap_or_default();
            let body = json!({"error": {"code": told.code, "message": told.message, "cause": cause}});
            Response { status: told.status, body, retry_after_ms: told.retry_after_ms }
        }
    }
}
