//! `/openapi.json`: OpenAPI 3.1, made from the table of endpoints, the wire types and the table of errors.
//!
//! **Invariant:** every body has an example that its type reads and writes again as it was; a type without one, an
//! endpoint without a description, or a schema of two shapes, is an error of the build.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::describe::{Body, Description, Link, describe};
use super::query::{Form, Parameter};
use super::{Caller, Endpoint, schema};
use crate::error::Told;
use crate::wire::{ErrorAnswer, ErrorDetail};
use crate::{ExceptionId, GroupId, PacketId, UserId};

const SCHEMAS: &str = "#/components/schemas/";
const ABOUT: &str = "Red packets: wrap, send, grab, open.\n\nAmounts are whole fen (1/100 yuan), times Unix milliseconds. \
    Requests refuse unknown fields and `null`: what is not there is left out; answers may gain fields. Every call can \
    be repeated: the same request has one effect and the same answer. Where `retry_after_ms` is set, coming back then \
    helps.";
/// The id of the example packet.
const PACKET: &str = "hb_01hjz3s2g0000zzzzzzzzzzzzz";

/// The description of the whole contract, with `examples` of every body by the name of its type (`examples.json`).
///
/// # Errors
/// Occurs when something is not described, or an example does not fit its type: which, and why.
pub fn document(examples: &str) -> Result<Value, String> {
    let mut writer = Writer::new(examples)?;
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in Endpoint::ALL {
        let row = endpoint.row();
        let operation = writer.operation(*endpoint)?;
        paths.entry(row.path).or_default().insert(row.method.as_str().to_lowercase(), operation);
    }
    let codes: Vec<&str> = writer.told.keys().copied().collect();
    let errors: Vec<Value> = writer
        .told
        .values()
        .map(|told| json!({"status": told.status, "code": told.code, "meaning": told.message}))
        .collect();
    writer.schemas.insert(
        "ErrorCode".to_owned(),
        json!({
            "type": "string", "description": "The machine-readable reason; see the table of errors.", "enum": codes
        }),
    );
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hongbao", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "security": [{"person": []}],
        "tags": [
            {"name": "People",
             "description": "A person's token: `aud` is `hongbao`, `sub` the user's id, `groups` the groups."},
            {"name": "Operators", "description":
             "An operator's token: `aud` is `hongbao-operator`. What changes something is an act in the audit."}
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "person": bearer("HS256 or EdDSA; `sub`, `groups`, `aud: hongbao`, `exp`."),
                "operator": bearer("HS256 or EdDSA; `sub`, `aud: hongbao-operator`, `exp`.")
            },
            "responses": writer.responses,
            "schemas": writer.schemas
        },
        "x-errors": errors
    }))
}

fn bearer(about: &str) -> Value {
    json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": about})
}

/// What is described so far.
struct Writer {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
    examples: Map<String, Value>,
    schemas: BTreeMap<String, Value>,
    responses: BTreeMap<String, Value>,
    told: BTreeMap<&'static str, Told>,
}

impl Writer {
    fn new(examples: &str) -> Result<Self, String> {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Ok(Self {
            requests: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
            examples: serde_json::from_str(examples).map_err(|error| format!("examples.json: {error}"))?,
            schemas: BTreeMap::new(),
            responses: BTreeMap::new(),
            told: BTreeMap::new(),
        })
    }

    fn operation(&mut self, endpoint: Endpoint) -> Result<Value, String> {
        let row = endpoint.row();
        let description = describe(endpoint).ok_or_else(|| format!("{endpoint:?} is not described"))?;
        let mut parameters: Vec<Value> = path_parameter(&mut self.answers, row.path).into_iter().collect();
        parameters.extend(row.query.iter().map(|parameter| query_parameter(&mut self.answers, parameter)));
        if description.has_device {
            parameters.push(json!({
                "name": "x-device-id", "in": "header", "required": false, "example": "phone-1",
                "description": "The device that asks; the risk rules want to know it.",
                "schema": schema::device(&mut self.requests)
            }));
        }
        let mut operation = json!({
            "tags": [if row.caller == Caller::Operator { "Operators" } else { "People" }],
            "operationId": operation_id(endpoint),
            "summary": endpoint.summary(),
            "parameters": parameters,
            "responses": self.all_responses(endpoint, &description)?,
            "security": match row.caller {
                Caller::Nobody => json!([]),
                Caller::Person => json!([{"person": []}]),
                Caller::Operator => json!([{"operator": []}]),
            }
        });
        let more = [
            (!description.about.is_empty()).then(|| ("description", json!(description.about))),
            match &description.takes {
                Some(body) => Some(("requestBody", json!({"required": true, "content": self.content(body, true)?}))),
                None => None,
            },
        ];
        if let Value::Object(fields) = &mut operation {
            fields.extend(more.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)));
        }
        Ok(operation)
    }

    /// A JSON body with its example; its schemas are described as well.
    fn content(&mut self, body: &Body, is_request: bool) -> Result<Value, String> {
        let generator = if is_request { &mut self.requests } else { &mut self.answers };
        let schema = (body.schema)(generator);
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(SCHEMAS));
        let name = name.ok_or("a body without a name")?.to_owned();
        for (name, mut definition) in generator.take_definitions(true) {
            tidy(&mut definition, is_request);
            if self.schemas.get(&name).is_some_and(|known| *known != definition) {
                return Err(format!("{name} has one schema when it is read and another when it is written"));
            }
            self.schemas.insert(name, definition);
        }
        let example = self.examples.get(&name).ok_or_else(|| format!("examples.json has no {name}"))?;
        match (body.through)(example) {
            Ok(same) if same == *example => {}
            Ok(other) => return Err(format!("the example of {name} comes back as {other}")),
            Err(error) => return Err(format!("the example of {name} is none: {error}")),
        }
        Ok(json!({"application/json": {"schema": schema, "example": example}}))
    }

    fn all_responses(&mut self, endpoint: Endpoint, description: &Description) -> Result<Value, String> {
        let mut responses = BTreeMap::new();
        for answer in &description.answers {
            let content = match &answer.body {
                Some(body) => self.content(body, false)?,
                None => json!({"text/plain": {
                    "schema": {"type": "string"},
                    "example": "# TYPE hongbao_exceptions_open gauge\nhongbao_exceptions_open 0\n"
                }}),
            };
            let mut response = json!({"description": answer.about, "content": content});
            if !answer.links.is_empty() {
                let links: BTreeMap<_, _> = answer.links.iter().map(link).collect();
                response = with(response, "links", json!(links));
            }
            responses.insert(answer.status, response);
        }
        let mut refusals: BTreeMap<u16, Vec<Told>> = BTreeMap::new();
        for told in description.refusals(endpoint).iter().map(crate::Error::told) {
            let same = refusals.entry(told.status).or_default();
            if !same.iter().any(|other| other.code == told.code) {
                same.push(told);
            }
        }
        for (status, mut told) in refusals {
            told.sort_by_key(|told| told.code);
            responses.insert(status, self.refusal(status, &told)?);
        }
        Ok(json!(responses))
    }

    /// Refusals of one status, by reference: many endpoints have the same.
    fn refusal(&mut self, status: u16, all: &[Told]) -> Result<Value, String> {
        for told in all {
            // Which methods there are depends on the path.
            let message = if told.status == 405 {
                "the path has other methods: Allow names them".into()
            } else {
                told.message.clone()
            };
            self.told.insert(told.code, Told { message, ..told.clone() });
        }
        let codes: Vec<&str> = all.iter().map(|told| told.code).collect();
        let name = format!("{status}_{}", codes.join("_"));
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        if self.responses.contains_key(&name) {
            return Ok(reference);
        }
        let first = all.first().ok_or("a refusal without a code")?;
        let error = ErrorDetail {
            code: first.code.to_owned(),
            message: first.message.clone(),
            field: first.field.clone(),
            request_id: "rq_0123456789abcdef".to_owned(),
            retry_after_ms: first.retry_after_ms,
        };
        let example = serde_json::to_value(ErrorAnswer { error }).map_err(|error| error.to_string())?;
        self.examples.insert("ErrorAnswer".to_owned(), example);
        let mut content = self.content(&Body::of::<ErrorAnswer>(), false)?;
        if let Some(Value::Object(schema)) = content.pointer_mut("/application~1json/schema") {
            schema.insert("properties".to_owned(), json!({"error": {"properties": {"code": {"enum": codes}}}}));
        }
        let meanings: Vec<_> = all.iter().map(|told| format!("`{}`: {}.", told.code, told.message)).collect();
        let response = json!({"description": meanings.join(" "), "content": content});
        let header = match status {
            401 => Some(("WWW-Authenticate", json!({"type": "string"}), "Always `Bearer`.")),
            405 => Some(("Allow", json!({"type": "string"}), "The methods that the path has.")),
            _ if first.retry_after_ms.is_some() => {
                Some(("Retry-After", json!({"type": "integer", "minimum": 0}), "When to come back, in whole seconds."))
            }
            _ => None,
        };
        let response = match header {
            Some((name, schema, about)) => {
                with(response, "headers", json!({name: {"description": about, "schema": schema, "required": true}}))
            }
            None => response,
        };
        self.responses.insert(name, response);
        Ok(reference)
    }
}

/// What `{…}` of a path stands for.
fn path_parameter(generator: &mut SchemaGenerator, path: &str) -> Option<Value> {
    let (_, name) = path.split_once('{')?;
    let (name, _) = name.split_once('}')?;
    let (schema, about, example): (Schema, _, _) = match name {
        "id" if path.starts_with("/v1/packets/") => {
            (generator.subschema_for::<PacketId>(), "The packet.", json!(PACKET))
        }
        "id" => (generator.subschema_for::<ExceptionId>(), "The exception.", json!("ex_0:1767196801000-0")),
        "group" => (generator.subschema_for::<GroupId>(), "The group.", json!("g_demo")),
        "user" => (generator.subschema_for::<UserId>(), "The user.", json!("us_eve")),
        "rule" => (schema::rule(generator), "The rule.", json!("device_users")),
        _ => (schemars::json_schema!({"type": "integer", "minimum": 0, "maximum": u16::MAX}), "The shard.", json!(0)),
    };
    Some(json!({
        "name": name, "in": "path", "required": true, "description": about, "schema": schema, "example": example
    }))
}

fn query_parameter(generator: &mut SchemaGenerator, parameter: &Parameter) -> Value {
    let Parameter { name, is_required, about, form } = parameter;
    let (schema, example) = match form {
        Form::Number { min, max, default } => {
            let bounds = json!({"type": "integer", "minimum": min, "maximum": max});
            match default {
                Some(default) => (with(bounds, "default", json!(default)), json!(default)),
                None if *name == "year" => (bounds, json!(2026)),
                None => (bounds, json!(1_000)),
            }
        }
        Form::Word(words) => {
            let choice = json!({"type": "string", "enum": words});
            let first = json!(words.first());
            (if *is_required { choice } else { with(choice, "default", first.clone()) }, first)
        }
        Form::PacketCursor => (schema::packet_cursor(generator).into(), json!(format!("1767196800000.{PACKET}"))),
        Form::ExceptionCursor => (schema::exception(generator).into(), json!("ex_0:1767196801000-0")),
        Form::BooksCursor => (schema::books_cursor(generator).into(), json!(format!("packet.{PACKET}"))),
    };
    json!({
        "name": name, "in": "query", "required": is_required, "description": about, "schema": schema, "example": example
    })
}

/// Where an answer leads, with what is taken from it.
fn link(link: &Link) -> (String, Value) {
    let operation = operation_id(link.endpoint);
    let field = |name: &str| format!("$response.body#/{name}");
    let mut target = json!({"operationId": operation});
    if let Some(id) = link.id {
        target = with(target, "parameters", json!({"id": field(id)}));
    }
    if let Some(name) = link.body {
        target = with(target, "requestBody", json!({name: field(name)}));
    }
    (operation, target)
}

fn with(mut schema: Value, name: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut schema {
        fields.insert(name.to_owned(), value);
    }
    schema
}

/// Takes out what says nothing to readers in other languages, and of requests that `null` stands for what is absent:
/// the decoder refuses it.
fn tidy(schema: &mut Value, is_request: bool) {
    match schema {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(|format| format.as_str().is_some_and(|text| text.contains("int"))) {
                fields.remove("format");
            }
            if is_request {
                fields.retain(|name, value| name != "default" || !value.is_null());
                if let Some(Value::Array(types)) = fields.get("type")
                    && let [kind, Value::String(null)] = types.as_slice()
                    && null == "null"
                {
                    let kind = kind.clone();
                    fields.insert("type".to_owned(), kind);
                }
            }
            fields.values_mut().for_each(|inner| tidy(inner, is_request));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| tidy(inner, is_request)),
        _ => {}
    }
}

/// The endpoint's name in small letters.
fn operation_id(endpoint: Endpoint) -> String {
    let mut words = String::new();
    for letter in format!("{endpoint:?}").chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
