//! Requests over kept-alive connections, each ended in bounded time.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;

use crate::{Answer, Failure};

/// A client of one server. Clones share its connections, which belong to the tokio runtime they were made on.
#[derive(Debug, Clone)]
pub struct Client {
    base_url: String,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// The longest that a request may take, from the connection to the last byte.
    pub const LIMIT: Duration = Duration::from_secs(20);

    /// A client of the server at `base_url`, `http://ADDRESS:PORT`.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true); // Head and body of a request are two writes.
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let pool = Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Self { base_url: base_url.trim_end_matches('/').to_owned(), pool }
    }

    /// A request, to be filled in and sent. `path` starts with a slash and may have a query.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        Call { client: self, request, body: Bytes::new() }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let asked = async {
            let response = self.pool.request(request).await.map_err(|error| broken(&error))?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| broken(&error))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let in_time = tokio::time::timeout(Self::LIMIT, asked).await;
        in_time.unwrap_or_else(|_| Err(Failure::Broken(format!("nothing after {:?}", Self::LIMIT))))
    }
}

/// A request being made.
#[derive(Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    client: &'a Client,
    request: http::request::Builder,
    body: Bytes,
}

impl Call<'_> {
    /// With this header, as often as it is called. Malformed ones make [`send`](Self::send) fail.
    pub fn header(mut self, name: impl TryInto<HeaderName, Error: Into<http::Error>>, value: &[u8]) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// As the person this token names.
    pub fn token(self, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {token}").as_bytes())
    }

    /// With these bytes, which need not be what `content_type` says.
    pub fn body(mut self, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        self.request = self.request.header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = bytes.into();
        self
    }

    /// With this body.
    pub fn json(self, body: &impl Serialize) -> Self {
        // Nothing that is sent here fails to have a JSON form; if it did, the server would refuse the empty body.
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.body("application/json", bytes)
    }

    /// Sends it once.
    ///
    /// # Errors
    /// [`Failure::Broken`] when there is no whole answer in time.
    pub async fn send(self) -> Result<Answer, Failure> {
        let request = self.request.body(Full::new(self.body)).map_err(|error| broken(&error))?;
        self.client.answer(request).await
    }
}

/// The error with its causes: the outermost alone says no more than "client error".
fn broken(error: &(dyn Error + 'static)) -> Failure {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    Failure::Broken(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}
