//! `/openapi.json`, which is made from the core's table of endpoints and the wire types, held to what is served: its
//! paths to `spin.toml` and to what answers, its errors to the core's table, its examples to its schemas, its schemas to
//! real answers, and what it does not describe to a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use hongbao_client::{Call, Method};
use hongbao_tests::draft::in_ms;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde_json::{Value, json};

/// The document, as the application serves it.
struct Document(Value);

impl Document {
    async fn of(scene: &Scene<'_>) -> Self {
        Self(scene.call(Method::GET, "/openapi.json").send().await.expect("an answer").json())
    }

    /// Path, method and what it says, of every call.
    fn calls(&self) -> Vec<(String, Method, &Value)> {
        let paths = self.0["paths"].as_object().expect("paths");
        let calls = paths.iter().flat_map(|(path, item)| {
            item.as_object().expect("calls").iter().filter_map(|(name, call)| {
                let method = name.to_uppercase().parse().ok().filter(|_| call.get("responses").is_some())?;
                Some((path.clone(), method, call))
            })
        });
        calls.collect()
    }

    /// What is at `$ref`, or the value itself.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        value["$ref"].as_str().and_then(|path| self.0.pointer(&path[1..])).unwrap_or(value)
    }

    /// Every body of JSON: where, and its schema and example.
    fn bodies(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        for (path, method, call) in self.calls() {
            let responses = call["responses"].as_object().expect("responses");
            let bodies = responses.iter().map(|(status, answer)| (status.as_str(), self.resolve(answer)));
            for (place, body) in bodies.chain([("body", &call["requestBody"])]).filter(|(_, body)| body.is_object()) {
                let content = &body["content"]["application/json"];
                if content.is_object() {
                    found.push((format!("{method} {path} {place}"), content));
                } else {
                    assert!(body["content"]["text/plain"]["example"].is_string(), "{method} {path} {place}");
                }
            }
        }
        found
    }

    /// What does not fit the schema. Fields that are not described do not fit either.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut components = self.0["components"].clone();
        close(&mut components);
        let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema],
            "components": components});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect()
    }

    /// The path of a call with its examples in it, and what its query must have.
    fn address(&self, path: &str, call: &Value) -> String {
        let mut address = path.to_owned();
        for parameter in call["parameters"].as_array().expect("parameters") {
            let example = &parameter["example"];
            let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            let name = parameter["name"].as_str().expect("a name");
            if parameter["in"] == "path" {
                address = address.replace(&format!("{{{name}}}"), &example);
            } else if parameter["required"] == true {
                address.push_str(&format!("?{name}={example}"));
            }
        }
        address
    }
}

/// Has every described object refuse fields that are not described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

#[tokio::test]
async fn every_route_is_described_and_every_described_call_is_there() {
    let scene = Scene::new("openapi-routes");
    let document = Document::of(&scene).await;
    let root = hongbao_stack::project_root().expect("the project");
    let manifest = fs::read_to_string(root.join("spin.toml")).expect("a manifest");
    let routes: BTreeSet<&str> =
        manifest.lines().filter_map(|line| line.strip_prefix("route = \"")?.strip_suffix('"')).collect();
    let fits = |route: &str, path: &str| match route.strip_suffix("/...") {
        Some(start) => path == start || path.starts_with(&format!("{start}/")),
        None => {
            let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
            let same = |(one, other): (&&str, &&str)| one == other || one.starts_with(':') && other.starts_with('{');
            route.len() == path.len() && route.iter().zip(&path).all(same)
        }
    };
    let described: BTreeSet<String> = document.calls().into_iter().map(|(path, ..)| path).collect();
    for route in routes.iter().filter(|route| **route != "/...") {
        assert!(described.iter().any(|path| fits(route, path)), "no word of {route}");
    }
    for path in &described {
        assert!(routes.iter().any(|route| *route != "/..." && fits(route, path)), "nothing serves {path}");
    }
    // Behind a wildcard only the component knows: nobody's call is refused for having no token, not for being unknown.
    let mut methods: BTreeMap<String, Vec<Method>> = BTreeMap::new();
    for (path, method, call) in document.calls() {
        let address = document.address(&path, call);
        let answer = scene.call(method.clone(), &address).json(&json!({})).send().await;
        let reply = Reply::checked(&format!("{method} {address}"), answer);
        if call["security"] == json!([]) {
            reply.refused(400, "invalid_request", Some("user"));
        } else {
            reply.refused(401, "unauthenticated", None);
        }
        methods.entry(address).or_default().push(method);
    }
    for (address, known) in methods {
        for method in
            [Method::GET, Method::POST, Method::PUT, Method::DELETE].into_iter().filter(|one| !known.contains(one))
        {
            let answer = scene.call(method.clone(), &address).json(&json!({})).send().await;
            Reply::checked(&format!("{method} {address}"), answer).refused(405, "method_not_allowed", None);
        }
    }
}

/// What each call refuses beside what it describes, with the token that it wants.
#[tokio::test]
async fn what_is_not_described_is_refused_and_named() {
    let scene = Scene::new("openapi-strict");
    let document = Document::of(&scene).await;
    let (alice, desk) =
        (scene.person("alice").await, scene.bearer("operator", &scene.stack.operator_token().expect("a token")));
    let mut nulls = 0;
    for (path, method, call) in document.calls() {
        let who = if call["security"] == json!([{"operator": []}]) { &desk } else { &alice };
        let address = document.address(&path, call);
        let ask = async |address: &str, body: &Value| {
            let answer = who.call(method.clone(), address).json(body).send().await;
            Reply::checked(&format!("{method} {address} {body}"), answer)
        };
        let mark = if address.contains('?') { '&' } else { '?' };
        let content = &call["requestBody"]["content"]["application/json"];
        let nothing = json!({});
        let example = if content.is_object() { &content["example"] } else { &nothing };
        ask(&format!("{address}{mark}surprise=1"), example).await.refused(400, "invalid_request", Some("surprise"));
        let Some(fields) = document.resolve(&content["schema"])["properties"].as_object() else { continue };
        let with = |field: &str, value: Value| {
            let mut body = example.clone();
            body.as_object_mut().expect("an object").insert(field.to_owned(), value);
            body
        };
        ask(&address, &with("surprise", json!(1))).await.refused(400, "invalid_request", Some("surprise"));
        for field in fields.keys() {
            ask(&address, &with(field, Value::Null)).await.refused(400, "invalid_request", Some(field.as_str()));
            assert_ne!(document.faults(&content["schema"], &with(field, Value::Null)), Vec::<String>::new(), "{field}");
            nulls += 1;
        }
    }
    assert!(nulls > 25, "{nulls}");
}

#[tokio::test]
async fn every_error_of_the_table_is_described_with_its_status() {
    let scene = Scene::new("openapi-errors");
    let document = Document::of(&scene).await;
    let table = include_str!("../../../shared/core/src/error.rs");
    let mut told = BTreeMap::new();
    for line in table.lines() {
        let Some((status, rest)) = line.split_once("(").and_then(|(_, row)| row.split_once(", \"")) else { continue };
        if let (Ok(status), Some((code, _))) =
            (status.rsplit('(').next().unwrap_or(status).parse::<i64>(), rest.split_once('"'))
        {
            told.insert(code.to_owned(), status);
        }
    }
    assert!(told.len() >= 24 && told["sold_out"] == 409, "the table reads otherwise now: {told:?}");
    let described = document.0["x-errors"].as_array().expect("errors").iter();
    let described: BTreeMap<String, i64> = described
        .map(|error| (error["code"].as_str().expect("a code").to_owned(), error["status"].as_i64().expect("a status")))
        .collect();
    assert_eq!(described, told);
    let codes = document.0["components"]["schemas"]["ErrorCode"]["enum"].as_array().expect("codes");
    assert_eq!(
        codes.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(),
        told.keys().map(String::as_str).collect()
    );
    for (place, content) in document.bodies() {
        let refused = content.pointer("/schema/properties/error/properties/code/enum");
        let status: Option<i64> = place.rsplit(' ').next().and_then(|status| status.parse().ok());
        for code in refused.and_then(Value::as_array).into_iter().flatten() {
            assert_eq!(Some(told[code.as_str().expect("a code")]), status, "{place}: {code}");
        }
        assert_eq!(refused.is_some(), status.is_some_and(|status| status >= 400), "{place} says which codes it has");
    }
}

#[tokio::test]
async fn every_example_fits_its_schema() {
    let scene = Scene::new("openapi-examples");
    let document = Document::of(&scene).await;
    let bodies = document.bodies();
    assert!(bodies.len() > 200, "{}", bodies.len());
    for (place, content) in bodies {
        assert_eq!(document.faults(&content["schema"], &content["example"]), Vec::<String>::new(), "{place}");
    }
    for (path, _, call) in document.calls() {
        for parameter in call["parameters"].as_array().expect("parameters") {
            let faults = document.faults(&parameter["schema"], &parameter["example"]);
            assert_eq!(faults, Vec::<String>::new(), "{path}: {parameter}");
        }
    }
}

/// On a stack of its own, since some of them stop everybody.
#[tokio::test]
async fn every_example_is_granted_or_names_what_is_not_there() {
    let stack = start("openapi", |_| {});
    let scene = Scene::on(&stack, "openapi");
    let document = Document::of(&scene).await;
    let people = scene.bearer("us_alice", &stack.token("us_alice", &["g_demo"]).expect("a token"));
    let desk = scene.bearer("operator", &stack.operator_token().expect("a token"));
    let login = json!({"user": "us_alice", "groups": ["g_demo"]});
    people.post("/v1/dev/login", &login).await.granted(200);
    let mut calls = document.calls();
    calls.sort_by_key(|(path, method, _)| path.starts_with("/v1/admin/") && *method != Method::GET);
    for (path, method, call) in calls {
        let who = if call["security"] == json!([{"operator": []}]) { &desk } else { &people };
        let request = who.call(method.clone(), &document.address(&path, call));
        let example = &call["requestBody"]["content"]["application/json"]["example"];
        let request = if example.is_null() { request } else { request.json(example) };
        let answer = request.send().await.expect("an answer");
        let code = answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        // What is signed is signed by each system itself.
        let names_nothing = ["not_found", "invalid_quote", "invalid_voucher"].contains(&code.as_str());
        assert!(answer.status.is_success() || names_nothing, "{method} {path}: {}", answer.text());
    }
}

/// What the application answers, beside what the document says it answers.
struct Witness {
    document: Document,
    seen: BTreeSet<String>,
}

impl Witness {
    async fn see(&mut self, who: &Person, method: Method, path: &str, described: &str, body: Option<Value>) -> Value {
        let call: Call<'_> = who.call(method.clone(), path);
        let answer = match &body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        };
        let reply = Reply::checked(&format!("{method} {path}"), answer);
        let call = &self.document.0["paths"][described][method.as_str().to_lowercase()];
        let answer = self.document.resolve(&call["responses"][reply.status.to_string()]);
        let content = &answer["content"]["application/json"];
        assert!(content.is_object(), "not described: {reply}");
        assert_eq!(self.document.faults(&content["schema"], &reply.body), Vec::<String>::new(), "{reply}");
        self.seen.insert(format!("{method} {described} {}", reply.status));
        reply.body
    }
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let scene = Scene::new("openapi-real");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let desk = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
    let mut witness = Witness { document: Document::of(&scene).await, seen: BTreeSet::new() };
    let text =
        |body: &Value, field: &str| body[field].as_str().unwrap_or_else(|| panic!("no {field}: {body}")).to_owned();
    let later = in_ms(Duration::from_secs(600));
    let drafts = [
        Draft::new("lucky", 500, 2, &scene.group()).with("greeting", "<b>福</b>").with("cover", "koi"),
        Draft::new("equal", 7, 3, &scene.group()).with("password", "芝麻").with("starts_at_ms", later),
        Draft::to_one(100, &bob.id),
    ];
    let mut packets = Vec::new();
    for draft in drafts {
        let wrapped = witness.see(&alice, Method::POST, "/v1/wrap", "/v1/wrap", Some(draft.body())).await;
        let quote = json!({"quote": wrapped["quote"]});
        let sent = witness.see(&alice, Method::POST, "/v1/send", "/v1/send", Some(quote.clone())).await;
        witness.see(&alice, Method::POST, "/v1/send", "/v1/send", Some(quote)).await;
        packets.push(text(&sent, "packet_id"));
    }
    for person in [&bob, &alice] {
        let path = format!("/v1/packets/{}", packets[0]);
        let grabbed =
            witness.see(person, Method::POST, &format!("{path}/grab"), "/v1/packets/{id}/grab", Some(json!({}))).await;
        let voucher = json!({"voucher": grabbed["voucher"]});
        witness.see(person, Method::POST, &format!("{path}/open"), "/v1/packets/{id}/open", Some(voucher)).await;
        witness.see(person, Method::GET, &path, "/v1/packets/{id}", None).await;
    }
    let scheduled = format!("/v1/packets/{}/grab", packets[1]);
    for body in [json!({}), json!({"password": "芝麻"}), json!({"passwort": 1})] {
        witness.see(&bob, Method::POST, &scheduled, "/v1/packets/{id}/grab", Some(body)).await;
    }
    let group = format!("/v1/groups/{}/packets?limit=2", scene.group());
    witness.see(&bob, Method::GET, &group, "/v1/groups/{group}/packets", None).await;
    witness.see(&bob, Method::GET, "/v1/groups/g_other/packets", "/v1/groups/{group}/packets", None).await;
    for (path, described) in [
        ("/v1/me", "/v1/me"),
        ("/v1/me/statement?limit=1", "/v1/me/statement"),
        ("/v1/me/packets?role=sent&limit=1", "/v1/me/packets"),
        ("/v1/me/packets?role=received", "/v1/me/packets"),
        ("/v1/me/packets?role=neither", "/v1/me/packets"),
        ("/v1/me/inbox", "/v1/me/inbox"),
    ] {
        for person in [&alice, &bob] {
            witness.see(person, Method::GET, path, described, None).await;
        }
    }
    let login = json!({"user": alice.id, "groups": [scene.group()]});
    witness.see(&alice, Method::POST, "/v1/dev/login", "/v1/dev/login", Some(login)).await;
    witness.see(&alice, Method::POST, "/v1/wrap", "/v1/wrap", Some(json!({"kind": "lucky"}))).await;
    witness
        .see(
            &alice,
            Method::POST,
            "/v1/wrap",
            "/v1/wrap",
            Some(Draft::new("lucky", 1_000_000, 100, &scene.group()).body()),
        )
        .await;

    let deposit = json!({"id": format!("{}-1", alice.id), "user": alice.id, "amount_fen": 5, "reason": "top-up"});
    witness.see(&desk, Method::POST, "/v1/admin/deposits", "/v1/admin/deposits", Some(deposit)).await;
    for path in [
        "stats",
        "exceptions",
        "reconcile",
        "switches",
        "risk-events",
        "audit",
        "ladder",
        "risk-rules",
        "shards",
        "keys",
    ] {
        let path = format!("/v1/admin/{path}");
        witness.see(&desk, Method::GET, &path, &path, None).await;
    }
    let block = format!("/v1/admin/blacklist/{}-nobody", alice.id);
    for (method, body) in
        [(Method::PUT, Some(json!({"reason": "a script"}))), (Method::GET, None), (Method::DELETE, None)]
    {
        witness.see(&desk, method, &block, "/v1/admin/blacklist/{user}", body).await;
    }
    witness.see(&desk, Method::GET, "/v1/admin/exceptions/ex_none", "/v1/admin/exceptions/{id}", None).await;
    witness.see(&desk, Method::GET, "/v1/admin/shards/0", "/v1/admin/shards/{number}", None).await;
    let preheat = Some(json!({"packets": [packets[1]]}));
    witness.see(&desk, Method::POST, "/v1/admin/preheat", "/v1/admin/preheat", preheat).await;
    witness.see(&desk, Method::POST, "/internal/sweep", "/internal/sweep", None).await;
    witness.see(&alice, Method::GET, "/v1/admin/stats", "/v1/admin/stats", None).await;
    assert!(witness.seen.len() > 30, "{:?}", witness.seen);
}
