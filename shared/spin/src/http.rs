//! HTTP: one way to read a request, one way to answer it, for every component.
//!
//! **Invariant:** every answer has a body and a `content-length` (without it, the last chunk goes out in a
//! write of its own and waits 40 ms for an acknowledgement), and every error is a row of the core's table.

use core::future::Future;
use std::rc::Rc;

use hongbao_core::error::Told;
use hongbao_core::wire::TIME_MAX_MS;
use hongbao_core::{Error, PacketId, json, risk};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use spin_sdk::wasip3::wit_bindgen::StreamResult;
use spin_sdk::wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::ledger::Place;
use crate::{App, sys};

/// The largest request body, in bytes.
pub const BODY_MAX: usize = 4 * 1024;

/// A request, as far as it was read.
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    query: Option<String>,
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

    /// Refuses every method but this one.
    ///
    /// # Errors
    /// [`Error::MethodNotAllowed`].
    pub fn must_be(&self, method: &'static str) -> Result<(), Error> {
        if self.method == method { Ok(()) } else { Err(Error::MethodNotAllowed(method)) }
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

    /// The packet's id in `/v1/packets/{id}…`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is none: there is no such packet.
    pub fn packet_id(&self) -> Result<PacketId, Error> {
        self.path.split('/').nth(3).and_then(PacketId::parse).ok_or(Error::NotFound)
    }

    /// The query's parameters, of which only `allowed` may be there, once each.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming another parameter, or a doubled one.
    pub fn query(&self, allowed: &[&str]) -> Result<Vec<(&str, &str)>, Error> {
        let mut found: Vec<(&str, &str)> = Vec::new();
        for pair in self.query.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !allowed.contains(&name) {
                return Err(Error::invalid(name, format!("is unknown: the query may have {}", allowed.join(", "))));
            }
            if found.iter().any(|(other, _)| *other == name) {
                return Err(Error::invalid(name, "must be there once"));
            }
            found.push((name, value));
        }
        Ok(found)
    }

    /// The bearer token, where there is one.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        let (scheme, token) = self.authorization.as_deref()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// A number of the query within bounds, or `default` when it is absent.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter and its bounds.
pub fn query_number(query: &[(&str, &str)], name: &str, bounds: (i64, i64), default: i64) -> Result<i64, Error> {
    let Some((_, value)) = query.iter().find(|(found, _)| *found == name) else { return Ok(default) };
    let number = value.parse().ok().filter(|number| (bounds.0..=bounds.1).contains(number));
    number.ok_or_else(|| Error::invalid(name, format!("must be a whole number from {} to {}", bounds.0, bounds.1)))
}

/// A place in a list of packets, as a page's `next` names it; `None` when the query has none.
///
/// # Errors
/// [`Error::Invalid`] naming the parameter.
pub fn query_place(query: &[(&str, &str)], name: &str) -> Result<Option<Place>, Error> {
    let Some((_, text)) = query.iter().find(|(found, _)| *found == name) else { return Ok(None) };
    let place = text.split_once('.').and_then(|(at_ms, id)| {
        let at_ms = at_ms.parse().ok().filter(|at_ms| (0..=TIME_MAX_MS).contains(at_ms))?;
        Some((at_ms, PacketId::parse(id)?.to_string()))
    });
    place.map(Some).ok_or_else(|| Error::invalid(name, "must be a page's next"))
}

/// What [`query_place`] reads.
#[must_use]
pub fn place_text((at_ms, id): &Place) -> String {
    format!("{at_ms}.{id}")
}

/// Serves one request with `handle`: the whole of a component's HTTP side.
///
/// # Errors
/// None of its own: every error becomes an answer.
pub async fn serve<F>(request: Request, handle: impl FnOnce(Rc<App>, Call) -> F) -> Result<Response, ErrorCode>
where
    F: Future<Output = Result<Answer, Error>>,
{
    let outcome = async { handle(App::get().await?, read(request).await?).await }.await;
    Ok(match outcome {
        Ok(answer) => respond(answer.status, &[("content-type", answer.content_type), NO_STORE], answer.body),
        Err(error) => refuse(&error),
    })
}

/// Makes a function `async fn(Rc<App>, Call) -> Result<Answer, Error>` the component's HTTP handler.
#[macro_export]
macro_rules! http_component {
    ($handle:ident) => {
        mod component {
            use $crate::wasip3::exports::http::handler::Guest;
            use $crate::wasip3::http::types::{ErrorCode, Request, Response};

            struct Component;
            $crate::wasip3::http::service::export!(Component);

            impl Guest for Component {
                async fn handle(request: Request) -> Result<Response, ErrorCode> {
                    $crate::http::serve(request, super::$handle).await
                }
            }
        }
    };
}

async fn read(request: Request) -> Result<Call, Error> {
    let target = request.get_path_with_query().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    };
    let method = match request.get_method() {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        other => format!("{other:?}"),
    };
    let headers = request.get_headers();
    let header = |name: &str| headers.get(name).pop().and_then(|value| String::from_utf8(value).ok());
    let has_body = method == "POST" || method == "PUT";
    let (authorization, content_type) = (header("authorization"), has_body.then(|| header("content-type")).flatten());
    let length = has_body.then(|| header("content-length")).flatten().and_then(|value| value.parse().ok());
    let device = has_body.then(|| headers.get("x-device-id").pop()).flatten();
    let device = device.map(|value| String::from_utf8_lossy(&value).into_owned());
    let is_json = content_type.is_some_and(|value| {
        value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    let body = if has_body { read_body(request, length).await? } else { Vec::new() };
    Ok(Call { method, path, query, authorization, device, is_json, body })
}

/// Reads the body. One of a known `length` is whole without another wait for its end.
async fn read_body(request: Request, length: Option<usize>) -> Result<Vec<u8>, Error> {
    let (_done, done) = wit_future::new(|| Ok(()));
    let (mut stream, _trailers) = Request::consume_body(request, done);
    let mut body = Vec::with_capacity(BODY_MAX + 1);
    loop {
        let (result, read) = stream.read(body).await;
        body = read;
        if body.len() > BODY_MAX {
            return Err(Error::BodyTooLarge(BODY_MAX));
        }
        if !matches!(result, StreamResult::Complete(_)) || length == Some(body.len()) {
            return Ok(body);
        }
    }
}

/// The answer that tells `error`.
#[must_use]
pub fn refuse(error: &Error) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Told<'a>,
    }
    #[derive(Serialize)]
    struct Told<'a> {
        code: &'a str,
        message: &'a str,
        field: Option<&'a str>,
        request_id: &'a str,
        retry_after_ms: Option<i64>,
    }
    let told = error.told();
    let request_id = format!("rq_{:016x}", sys::random_u64());
    if let Some(cause) = error.cause() {
        eprintln!("{request_id} {}: {cause}", told.code);
    }
    let body = Body {
        error: Told {
            code: told.code,
            message: &told.message,
            field: told.field.as_deref(),
            request_id: &request_id,
            retry_after_ms: told.retry_after_ms,
        },
    };
    // An error without a JSON form does not exist; were there one, its status says enough.
    let more = match error {
        Error::MethodNotAllowed(method) => Some(("allow", (*method).to_owned())),
        _ => retry_after(&told).map(|seconds| ("retry-after", seconds)),
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
