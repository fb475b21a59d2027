//! One request: find its component, hand it over, turn whatever comes back into a response.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Either};
use hyper::body::{Body as _, Incoming};
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, TrapOrPanicError};

use super::answer::{self, Body};
use super::pool::Turn;
use super::request_body::{self, Lateness};
use super::{Pool, Routes};

/// A response whose length is known and at most this is read whole before its head is sent: one write
/// instead of two, and a component that dies half-way gives a clean 500.
const BUFFERED_RESPONSE_LIMIT_BYTES: u64 = 256 << 10;
/// Looks at nothing downstream.
const HEALTH_PATH: &str = "/.well-known/spin/health";
/// Of the headers that Spin adds, the only one that the request itself does not tell. Each costs the
/// component a conversion.
const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");

/// Answers requests.
pub(crate) struct Service {
    routes: Routes<Pool>,
    /// How long a client may take to send a body.
    body_timeout: Duration,
}

impl Service {
    pub(crate) fn new(routes: Routes<Pool>, body_timeout: Duration) -> Self {
        Self { routes, body_timeout }
    }

    /// Answers one request of the client at `client`.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>, client: HeaderValue) -> Response<Body> {
        let path = request.uri().path();
        if path == HEALTH_PATH {
            return answer::healthy();
        }
        let Some(pool) = self.routes.find(path) else { return answer::not_found() };
        if request.body().size_hint().lower() > request_body::LIMIT_BYTES as u64 {
            return answer::too_large();
        }
        let lateness = Lateness::default();
        let bounded = |body| request_body::bounded(body, self.body_timeout, &lateness);
        let Some(request) = prepare(request, client, bounded) else { return answer::bad_request() };
        let turn = pool.state().turn().await;
        let answer = match pool.handle(turn, request).await {
            Ok(response) => finish(pool, response).await,
            Err(error) => failed(pool, &error),
        };
        // Whatever the component made of half a body: it was late.
        if lateness.is_late() { answer::too_slow() } else { answer }
    }
}

/// The request as a component sees it: with a whole URI, without the transport's headers.
fn prepare(
    request: Request<Incoming>,
    client: HeaderValue,
    bounded: impl FnOnce(Incoming) -> WasiBody,
) -> Option<Request<WasiBody>> {
    let (mut head, body) = request.into_parts();
    head.uri = absolute(head.uri, &head.headers)?;
    head.headers.remove(http::header::CONNECTION);
    head.headers.insert(CLIENT_ADDRESS, client);
    Some(Request::from_parts(head, bounded(body)))
}

/// The URI with scheme and host. HTTP/1 sends the host apart from the path.
fn absolute(uri: Uri, headers: &HeaderMap) -> Option<Uri> {
    let mut parts = uri.into_parts();
    let host = headers.get(HOST).map(|host| Authority::try_from(host.as_bytes()));
    parts.authority = match (parts.authority, host) {
        (None, Some(host)) => Some(host.ok()?),
        (named, _) => Some(named?),
    };
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).ok()
}

/// Sends a short response in one piece and a long or endless one as it comes.
async fn finish(pool: &Pool, response: Response<WasiBody>) -> Response<Body> {
    let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_none_or(|length: u64| length > BUFFERED_RESPONSE_LIMIT_BYTES) {
        return response.map(Either::Right);
    }
    let (head, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(head, answer::whole(body.to_bytes())),
        Err(error) => {
            tracing::error!(component = pool.state().component().id, "response body failed: {error}");
            answer::internal()
        }
    }
}

fn failed(pool: &Pool, error: &wasmtime::Error) -> Response<Body> {
    let component = &pool.state().component().id;
    if let Some(failure) = error.downcast_ref::<InstantiationError<Turn>>() {
        if failure.error.is::<PoolConcurrencyLimitError>() {
            tracing::warn!(component, "all instances are busy");
            return answer::overloaded();
        }
        tracing::error!(component, "cannot instantiate: {:#}", failure.error);
    } else if error.is::<ExpirationError>() {
        tracing::warn!(component, "request took too long");
        return answer::timeout();
    } else if !error.is::<TrapOrPanicError>() {
        // A trap has been logged where it happened.
        tracing::error!(component, "request failed: {}", error.root_cause());
    }
    answer::internal()
}
