//! The answers that the host gives itself, all JSON, and the type of every body.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use wasmtime_wasi_http::WasiBody;

/// A body of the host, or of a component.
pub(super) type Body = Either<Full<Bytes>, WasiBody>;

/// After how many seconds a client that met a limit of this host may try again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

pub(super) fn healthy() -> Response<Body> {
    Response::new(whole(Bytes::from_static(b"OK")))
}

pub(super) fn not_found() -> Response<Body> {
    error(StatusCode::NOT_FOUND, "not_found", "no route matches this path")
}

pub(super) fn too_large() -> Response<Body> {
    error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the request body is too large")
}

/// The body did not come in time. What is left of it would be taken for the next request.
pub(super) fn too_slow() -> Response<Body> {
    let mut response = error(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the request body took too long");
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

pub(super) fn bad_request() -> Response<Body> {
    error(StatusCode::BAD_REQUEST, "bad_request", "the request has no valid host")
}

/// A component trapped or answered an error instead of a response.
pub(super) fn internal() -> Response<Body> {
    error(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the component failed")
}

pub(super) fn timeout() -> Response<Body> {
    error(StatusCode::GATEWAY_TIMEOUT, "timeout", "the component took too long")
}

/// All instances that there may be are busy.
pub(super) fn overloaded() -> Response<Body> {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many requests at once");
    response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    response
}

pub(super) fn whole(bytes: Bytes) -> Body {
    Either::Left(Full::new(bytes))
}

fn error(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let text = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
    let mut response = Response::new(whole(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
