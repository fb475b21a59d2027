//! HTTP: one way to read a request, one way to answer it, for every component.
//!
//! **Invariant:** every answer has a body and a `content-length` (without it, the last chunk goes out in a
//! write of its own and waits 40 ms for an acknowledgement), and every error is a row of the core's table.

use core::future::Future;
use std::rc::Rc;

use hongbao_core::api::{self, Endpoint, Query};
use hongbao_core::error::Told;
use hongbao_core::wire::{ErrorAnswer, ErrorDetail};
use hongbao_core::{Error, PacketId, json, risk};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use spin_sdk::wasip3::wit_bindgen::StreamResult;
use spin_sdk::wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::ledger::Place;
use crate::{App, sys};

/// A request, as far as it was read.
pub struct Call {
    /// What is asked.
    pub endpoint: Endpoint,
    segment: Option<String>,
    query: String,
    authorization: Option<String>,
    device: Option<String>,
    is_json: bool,
    body: Vec<u8>,
}

/// A successful answer: its status and its body, JSON but for what machines read as plain text.
pub struct Answer {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

const JSON: &str = "application/json";
/// What people are told is theirs, and of this moment.
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

impl Answer {
    /// 200 with `body` as JSON.
    ///
    /// # Errors
    /// [`Error::Internal`] when `body` has no JSON form.
    pub fn ok(body: &impl Serialize) -> Result<Self, Error> {
        Self::new(200, body)
    }

    /// `status` with `body` as JSON.
    ///
    /// # Errors
    /// [`Error::Internal`] when `body` has no JSON form.
    pub fn new(status: u16, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(body).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { status, content_type: JSON, body })
    }

    /// 200 with `text` in Prometheus' text format.
    #[must_use]
    pub fn metrics(text: String) -> Self {
        Self { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", body: text.into_bytes() }
    }
}

impl Call {
    /// The JSON body.
    ///
    /// # Errors
    /// [`Error::NotJson`] for another content type, [`Error::Invalid`] naming the field that is wrong.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.is_json { json::decode(&self.body) } else { Err(Error::NotJson) }
    }

    /// The device that asks, from the header `x-device-id`; the risk rules want to know it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the header is there and names none.
    pub fn device(&self) -> Result<Option<&str>, Error> {
        let bound = || format!("must be 1 to {} characters of A-Z a-z 0-9 _ - . :", risk::DEVICE_MAX_CHARS);
        match self.device.as_deref() {
            Some(device) if !risk::is_device(device) => Err(Error::invalid("x-device-id", bound())),
            device => Ok(device),
        }
    }

    /// The segment of the path that names one of many.
    #[must_use]
    pub fn segment(&self) -> &str {
        self.segment.as_deref().unwrap_or_default()
    }

    /// The packet's id in `/v1/packets/{id}…`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is none: there is no such packet.
    pub fn packet_id(&self) -> Result<PacketId, Error> {
        PacketId::parse(self.segment()).ok_or(Error::NotFound)
    }

    /// The query, of an endpoint that has one.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming what it must not have, or has in another form than it must.
    pub fn query(&self) -> Result<Query, Error> {
        Query::read(self.endpoint.row().query, &self.query)
    }

    /// The bearer token, where there is one.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.authorization.as_deref()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// A place in a list of packets as the query's `before` names it; `None` when the query has none.
#[must_use]
pub fn query_place(query: &Query) -> Option<Place> {
    query.text("before").and_then(api::packet_cursor).map(|(at_ms, id)| (at_ms, id.to_string()))
}

/// What [`query_place`] reads.
#[must_use]
pub fn place_text((at_ms, id): &Place) -> String {
    format!("{at_ms}.{id}")
}

/// Serves one request for one of `endpoints` with `handle`: the whole of a component's HTTP side.
///
/// # Errors
/// None of its own: every error becomes an answer.
pub async fn serve<F>(
    request: Request,
    endpoints: &[Endpoint],
    handle: impl FnOnce(Rc<App>, Call) -> F,
) -> Result<Response, ErrorCode>
where
    F: Future<Output = Result<Answer, Error>>,
{
    let outcome = async { handle(App::get().await?, read(request, endpoints).await?).await }.await;
    Ok(match outcome {
        Ok(answer) => respond(answer.status, &[("content-type", answer.content_type), NO_STORE], answer.body),
        Err(error) => refuse(&error),
    })
}

/// Makes a function `async fn(Rc<App>, Call) -> Result<Answer, Error>` the component's HTTP handler for these endpoints.
#[macro_export]
macro_rules! http_component {
    ($handle:ident: $($endpoint:ident),+ $(,)?) => {
        mod component {
            use $crate::api::Endpoint;
            use $crate::wasip3::exports::http::handler::Guest;
            use $crate::wasip3::http::types::{ErrorCode, Request, Response};

            struct Component;
            $crate::wasip3::http::service::export!(Component);

            impl Guest for Component {
                async fn handle(request: Request) -> Result<Response, ErrorCode> {
                    $crate::http::serve(request, &[$(Endpoint::$endpoint),+], super::$handle).await
                }
            }
        }
    };
}

async fn read(request: Request, endpoints: &[Endpoint]) -> Result<Call, Error> {
    let target = request.get_path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target.as_str(), ""));
    let (endpoint, segment) = api::find(endpoints, method(&request.get_method()), path)?;
    let row = endpoint.row();
    if row.query.is_empty() {
        Query::read(row.query, query)?;
    }
    let query = query.to_owned();
    let headers = request.get_headers();
    let header = |name: &str| headers.get(name).pop().and_then(|value| String::from_utf8(value).ok());
    let has_body = row.method.has_body();
    let (authorization, content_type) = (header("authorization"), has_body.then(|| header("content-type")).flatten());
    let length = has_body.then(|| header("content-length")).flatten().and_then(|value| value.parse().ok());
    let device = has_body.then(|| headers.get("x-device-id").pop()).flatten();
    let device = device.map(|value| String::from_utf8_lossy(&value).into_owned());
    let is_json = content_type.is_some_and(|value| {
        value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    let body = if has_body { read_body(request, length, row.body_max_bytes()).await? } else { Vec::new() };
    Ok(Call { endpoint, segment, query, authorization, device, is_json, body })
}

/// A method's name, for those that some endpoint has.
fn method(method: &Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        _ => "",
    }
}

/// Reads the body of `most` bytes at most. One of a known `length` is whole without another wait for its end.
async fn read_body(request: Request, length: Option<usize>, most: usize) -> Result<Vec<u8>, Error> {
    let (_done, done) = wit_future::new(|| Ok(()));
    let (mut stream, _trailers) = Request::consume_body(request, done);
    let mut body = Vec::with_capacity(most.saturating_add(1));
    loop {
        let (result, read) = stream.read(body).await;
        body = read;
        if body.len() > most {
            return Err(Error::BodyTooLarge(most));
        }
        if !matches!(result, StreamResult::Complete(_)) || length == Some(body.len()) {
            return Ok(body);
        }
    }
}

/// The answer that tells `error`.
#[must_use]
pub fn refuse(error: &Error) -> Response {
    let told = error.told();
    let request_id = format!("rq_{:016x}", sys::random_u64());
    if let Some(cause) = error.cause() {
        eprintln!("{request_id} {}: {cause}", told.code);
    }
    let retry_after = retry_after(&told);
    let body = ErrorAnswer {
        error: ErrorDetail {
            code: told.code.to_owned(),
            message: told.message,
            field: told.field,
            request_id,
            retry_after_ms: told.retry_after_ms,
        },
    };
    // An error without a JSON form does not exist; were there one, its status says enough.
    let more = match error {
        Error::MethodNotAllowed(methods) => Some(("allow", methods.clone())),
        Error::Unauthenticated => Some(("www-authenticate", "Bearer".to_owned())),
        _ => retry_after.map(|seconds| ("retry-after", seconds)),
    };
    let mut headers = vec![("content-type", JSON), NO_STORE];
    headers.extend(more.as_ref().map(|(name, value)| (*name, value.as_str())));
    respond(told.status, &headers, serde_json::to_vec(&body).unwrap_or_else(|_| b"{}".to_vec()))
}

/// `Retry-After` in whole seconds, rounded up.
fn retry_after(told: &Told) -> Option<String> {
    told.retry_after_ms.map(|ms| (ms.max(1) + 999).div_euclid(1000).to_string())
}

/// An answer of `body` with its length and `headers`.
#[must_use]
pub fn respond(status: u16, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
    let length = body.len().to_string();
    // "Not modified" would tell the length of what it does not send.
    let length = (status != 304).then_some(("content-length", length.as_str()));
    let headers = headers.iter().chain(&length);
    let headers: Vec<_> = headers.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    // These names and values are always valid; were they not, the answer goes out without them.
    let headers = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
    let (mut writer, stream) = wit_stream::new();
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(headers, Some(stream), trailers);
    let _ = response.set_status_code(status);
    wit_bindgen::spawn(async move {
        // Whoever hung up does not get the rest.
        let _ = writer.write_all(body).await;
        drop(trailers_writer);
    });
    response
}
