//! The plain service to compare with: axum and the redis crate, doing the same grab and open as the components.
//!
//! Written as one would write it: the same tokens, vouchers, split and error table (`hongbao-core`), the same scripts,
//! the same journal; facts remembered in memory; all cores; one pipelining connection to Redis. What it lacks is what
//! this project is about: stages kept apart, a settlement, an authority when Redis is gone, rebuilding.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use hongbao_core::guess::Guess;
use hongbao_core::packet::Facts;
use hongbao_core::sign::SigningKeys;
use hongbao_core::token::{self, AUDIENCE_PEOPLE, Key, Person};
use hongbao_core::voucher::{KEPT_AFTER_END_MS, Voucher};
use hongbao_core::wire::{GrabAnswer, GrabRequest, OpenAnswer, OpenRequest};
use hongbao_core::{Error, Fen, PacketId};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use serde::Serialize;
use serde_json::json;

use crate::race::{self, EPOCH, Policy, Race, Scripts, command, keys};

/// The environment variables that the keys come in.
pub(crate) const SIGNING_KEY: &str = "HONGBAO_SIGNING_KEY";
pub(crate) const JWT_KEYS: &str = "HONGBAO_JWT_KEYS";

struct Service {
    redis: MultiplexedConnection,
    scripts: Scripts,
    policy: Policy,
    signing: SigningKeys,
    tokens: Vec<Key>,
    packets: RwLock<BTreeMap<PacketId, Arc<Packet>>>,
}

/// What cannot change any more about a packet.
struct Packet {
    facts: Facts,
    amounts: Vec<Fen>,
}

/// Serves until it is killed. The first line it prints names its address.
pub(crate) async fn serve(redis: &str) -> Result<()> {
    let of_environment = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
    let (mut redis, scripts) = (race::connect(redis).await?, Scripts::new());
    scripts.install(&mut redis).await?;
    let service = Service {
        redis,
        scripts,
        policy: Policy::new(),
        signing: SigningKeys::parse(&of_environment(SIGNING_KEY)?).map_err(|form| anyhow!("{SIGNING_KEY} {form}"))?,
        tokens: token::parse_keys(&of_environment(JWT_KEYS)?).map_err(|form| anyhow!("{JWT_KEYS} {form}"))?,
        packets: RwLock::default(),
    };
    let routes = Router::new()
        .route("/v1/packets/{id}/grab", post(grab))
        .route("/v1/packets/{id}/open", post(open))
        .with_state(Arc::new(service));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("Serving http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, routes).await?)
}

async fn grab(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(request): Json<GrabRequest>,
) -> Response {
    answer(service.grab(&id, &headers, &request).await)
}

async fn open(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(request): Json<OpenRequest>,
) -> Response {
    answer(service.open(&id, &headers, &request).await)
}

fn answer(outcome: Result<impl Serialize, Error>) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match outcome {
        Ok(body) => (no_store, Json(body)).into_response(),
        Err(error) => {
            let told = error.told();
            let status = StatusCode::from_u16(told.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = json!({"error": {"code": told.code, "message": told.message}});
            (status, no_store, Json(body)).into_response()
        }
    }
}

impl Service {
    async fn grab(&self, id: &str, headers: &HeaderMap, request: &GrabRequest) -> Result<GrabAnswer, Error> {
        let (person, packet) = self.enter(id, headers).await?;
        packet.facts.admits(&person)?;
        if let Guess::None | Guess::Wrong = packet.facts.guess(request.password.as_deref(), &self.signing) {
            return Err(Error::WrongPassword);
        }
        let id = packet.facts.id;
        let call = self.policy.grab(&self.scripts.grab, id, &person.user);
        let Done(seq, epoch) = done(&self.run(&call).await?)?;
        let expires_at_ms = packet.facts.expires_at_ms.saturating_add(KEPT_AFTER_END_MS);
        let (seq, epoch) = (fits(seq)?, fits(epoch)?);
        let voucher = Voucher { packet: id, seq, epoch, expires_at_ms, user: person.user };
        Ok(GrabAnswer { packet_id: id, seq, voucher: voucher.seal(&self.signing) })
    }

    async fn open(&self, id: &str, headers: &HeaderMap, request: &OpenRequest) -> Result<OpenAnswer, Error> {
        let (person, packet) = self.enter(id, headers).await?;
        let id = packet.facts.id;
        let voucher = Voucher::unseal(&self.signing, &request.voucher, id, &person.user, now_ms())?;
        let amount = packet.amounts.get(voucher.seq as usize).copied().ok_or(Error::InvalidVoucher)?;
        let packet = keys::packet(id);
        let keys = [packet.as_str(), keys::EVENTS, keys::BELL, keys::EPOCH, keys::ORIGIN];
        let mut call = command(&self.scripts.open, &keys);
        call.arg(EPOCH).arg(id.to_string()).arg(voucher.user.as_str()).arg(voucher.seq).arg(voucher.epoch);
        let Done(opened_at_ms, _) = done(&self.run(&call).await?)?;
        Ok(OpenAnswer { packet_id: id, seq: voucher.seq, amount_fen: amount, opened_at_ms })
    }

    /// Who is calling, and the packet, if it is theirs to see.
    async fn enter(&self, id: &str, headers: &HeaderMap) -> Result<(Person, Arc<Packet>), Error> {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let claims = token::verify(&self.tokens, bearer.unwrap_or_default(), AUDIENCE_PEOPLE, now_ms())?;
        let person = Person::try_from(claims)?;
        let packet = self.packet(PacketId::parse(id).ok_or(Error::NotFound)?).await?;
        if packet.facts.is_visible_to(&person) { Ok((person, packet)) } else { Err(Error::NotFound) }
    }

    async fn run(&self, call: &Cmd) -> Result<Vec<Value>, Error> {
        call.query_async(&mut self.redis.clone()).await.map_err(|error| lost(error.into()))
    }

    async fn packet(&self, id: PacketId) -> Result<Arc<Packet>, Error> {
        let poisoned = || Error::Internal("another request panicked".into());
        if let Some(packet) = self.packets.read().map_err(|_| poisoned())?.get(&id) {
            return Ok(Arc::clone(packet));
        }
        let facts = Race::facts(&mut self.redis.clone(), id).await.map_err(lost)?.ok_or(Error::NotFound)?;
        let packet = Arc::new(Packet { amounts: facts.amounts(), facts });
        self.packets.write().map_err(|_| poisoned())?.insert(id, Arc::clone(&packet));
        Ok(packet)
    }
}

/// The two numbers of a script that did its work.
struct Done(i64, i64);

fn done(reply: &[Value]) -> Result<Done, Error> {
    let number = |place: usize| match reply.get(place) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    match reply.first() {
        Some(Value::BulkString(code)) if code == b"ok" => Ok(Done(number(1), number(2))),
        Some(Value::BulkString(code)) if code == b"sold_out" => Err(Error::SoldOut),
        Some(Value::BulkString(code)) if code == b"not_grabbed" => Err(Error::NotGrabbed),
        Some(Value::BulkString(code)) if code == b"expired" => Err(Error::Expired),
        other => Err(Error::Internal(format!("a script answered {other:?}"))),
    }
}

fn fits(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Internal(format!("a script answered {number}")))
}

fn lost(error: anyhow::Error) -> Error {
    Error::Unavailable(format!("{error:#}"))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
