//! What each endpoint takes, answers and refuses: its part of the description that the components have no use for.

mod operators;
mod people;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Caller, Endpoint};
use crate::Error;

/// A body of a type of the wire.
pub(super) struct Body {
    /// The type's schema, by reference.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    /// Reads an example as the type and writes it again.
    pub(super) through: fn(&Value) -> Result<Value, serde_json::Error>,
}

impl Body {
    pub(super) fn of<T: JsonSchema + Serialize + DeserializeOwned>() -> Self {
        Self {
            schema: SchemaGenerator::subschema_for::<T>,
            through: |example| serde_json::from_value::<T>(example.clone()).and_then(serde_json::to_value),
        }
    }
}

/// What an endpoint answers when it does what it was asked.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) about: &'static str,
    /// Prometheus' text when there is none.
    pub(super) body: Option<Body>,
    /// What the answer is good for.
    pub(super) links: Vec<Link>,
}

/// An endpoint that takes something from an answer.
pub(super) struct Link {
    pub(super) endpoint: Endpoint,
    /// The field that is the `id` of the endpoint's path.
    pub(super) id: Option<&'static str>,
    /// The field that goes into the endpoint's body, under the same name.
    pub(super) body: Option<&'static str>,
}

/// What an endpoint takes, answers and refuses.
pub(super) struct Description {
    /// More than the summary says; may be empty.
    pub(super) about: &'static str,
    pub(super) takes: Option<Body>,
    /// Whether the risk rules look at the device that asks.
    pub(super) has_device: bool,
    pub(super) answers: Vec<Success>,
    /// Beside those that follow from the endpoint's row: see [`Description::refusals`].
    refuses: Vec<Error>,
}

impl Description {
    fn new(about: &'static str) -> Self {
        Self { about, takes: None, has_device: false, answers: Vec::new(), refuses: Vec::new() }
    }

    fn takes<T: JsonSchema + Serialize + DeserializeOwned>(self) -> Self {
        Self { takes: Some(Body::of::<T>()), ..self }
    }

    fn with_device(self) -> Self {
        Self { has_device: true, ..self }
    }

    fn answers<T: JsonSchema + Serialize + DeserializeOwned>(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Success { status, about, body: Some(Body::of::<T>()), links: Vec::new() });
        self
    }

    fn answers_text(mut self, about: &'static str) -> Self {
        self.answers.push(Success { status: 200, about, body: None, links: Vec::new() });
        self
    }

    /// The last answer's `id` and another field of it are what `endpoint` takes.
    fn leads_to(mut self, endpoint: Endpoint, id: Option<&'static str>, body: Option<&'static str>) -> Self {
        self.answers.last_mut().into_iter().for_each(|answer| answer.links.push(Link { endpoint, id, body }));
        self
    }

    fn refuses(mut self, refuses: impl IntoIterator<Item = Error>) -> Self {
        self.refuses.extend(refuses);
        self
    }

    /// All that `endpoint` may refuse with.
    pub(super) fn refusals(&self, endpoint: Endpoint) -> Vec<Error> {
        let row = endpoint.row();
        let mut all = vec![
            Error::invalid("limit", "must be a whole number from 1 to 100"),
            Error::MethodNotAllowed(row.method.as_str().to_owned()),
            Error::Unavailable(String::new()),
            Error::Misconfigured { variable: "signing_key", problem: "must be 64 hexadecimal digits".to_owned() },
            Error::Internal(String::new()),
        ];
        if row.caller != Caller::Nobody {
            all.push(Error::Unauthenticated);
        }
        if row.path.contains('{') {
            all.push(Error::NotFound);
        }
        if row.method.has_body() {
            all.push(Error::BodyTooLarge(row.body_max_bytes()));
        }
        if self.takes.is_some() {
            all.push(Error::NotJson);
        }
        all.extend(self.refuses.iter().cloned());
        all
    }
}

/// What `endpoint` takes, answers and refuses; `None` for one that nobody has described.
pub(super) fn describe(endpoint: Endpoint) -> Option<Description> {
    people::describe(endpoint).or_else(|| operators::describe(endpoint))
}

const NEWEST_FIRST: &str = "A page, newest first.";
