//! `/openapi.json` held to the code: its paths to `spin.toml` and to what answers, its errors to the core's table, its
//! examples to the wire types, its schemas to real answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use hongbao_client::{Call, Method};
use hongbao_core::wire::{self, operator as desk};
use hongbao_tests::draft::in_ms;
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde::Serialize;
use serde::de::DeserializeOwned;
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

    /// Every body that is described with an example: where, its schema's name, the example.
    fn examples(&self) -> Vec<(String, String, Value)> {
        let mut found = Vec::new();
        for (path, method, call) in self.calls() {
            let responses = call["responses"].as_object().expect("responses");
            let bodies = responses.iter().map(|(status, answer)| (status.as_str(), self.resolve(answer)));
            for (place, body) in bodies.chain([("body", &call["requestBody"])]).filter(|(_, body)| body.is_object()) {
                let content = &body["content"]["application/json"];
                let Some(name) = content["schema"]["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else {
                    assert!(body["content"]["text/plain"]["example"].is_string(), "{method} {path} {place}");
                    continue;
                };
                assert!(content["example"].is_object(), "no example: {method} {path} {place}");
                found.push((format!("{method} {path} {place}"), name.to_owned(), content["example"].clone()));
            }
        }
        found
    }

    /// What does not fit the schema. Fields that are not described do not fit either.
    fn faults(&self, schema: &str, value: &Value) -> Vec<String> {
        let mut components = self.0["components"].clone();
        close(&mut components);
        let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/components/schemas/{schema}"), "components": components});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect()
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
        assert!(described.iter().any(|path| fits(route, path)), "no word of {route} in functions/web/openapi.json");
    }
    for path in &described {
        assert!(routes.iter().any(|route| *route != "/..." && fits(route, path)), "nothing serves {path}");
    }
    // Behind a wildcard only the component knows: nobody's call is refused for having no token, not for being unknown.
    let mut methods: BTreeMap<String, Vec<Method>> = BTreeMap::new();
    for (path, method, call) in document.calls() {
        let filled = path
            .replace("{id}", "hb_01hjz3s2g0000zzzzzzzzzzzzz")
            .replace("{group}", "g_x")
            .replace("{user}", "us_x")
            .replace("{number}", "0")
            .replace("{rule}", "velocity");
        if call["security"] != json!([]) {
            let answer = scene.call(method.clone(), &filled).json(&json!({})).send().await;
            Reply::checked(&format!("{method} {filled}"), answer).refused(401, "unauthenticated", None);
        }
        methods.entry(filled).or_default().push(method);
    }
    for (path, known) in methods {
        for method in
            [Method::GET, Method::POST, Method::PUT, Method::DELETE].into_iter().filter(|one| !known.contains(one))
        {
            let answer = scene.call(method.clone(), &path).json(&json!({})).send().await;
            Reply::checked(&format!("{method} {path}"), answer).refused(405, "method_not_allowed", None);
        }
    }
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
    for (path, method, call) in document.calls() {
        for code in call["x-error-codes"].as_array().expect("codes") {
            let status = told[code.as_str().expect("a code")].to_string();
            assert!(call["responses"][&status].is_object(), "{method} {path} may answer {code}, {status}");
        }
    }
}

/// The example as the type reads and writes it again.
fn through<T: DeserializeOwned + Serialize>(example: &Value) -> Result<Value, serde_json::Error> {
    serde_json::from_value::<T>(example.clone()).and_then(|value| serde_json::to_value(value))
}

#[tokio::test]
async fn every_example_fits_its_schema_and_its_type() {
    let scene = Scene::new("openapi-examples");
    let document = Document::of(&scene).await;
    let examples = document.examples();
    assert!(examples.len() > 50, "{}", examples.len());
    for (place, schema, example) in examples {
        assert_eq!(document.faults(&schema, &example), Vec::<String>::new(), "{place}");
        let read = match schema.as_str() {
            "WrapRequest" => through::<wire::WrapRequest>,
            "WrapAnswer" => through::<wire::WrapAnswer>,
            "SendRequest" => through::<wire::SendRequest>,
            "SendAnswer" => through::<wire::SendAnswer>,
            "GrabRequest" => through::<wire::GrabRequest>,
            "GrabAnswer" => through::<wire::GrabAnswer>,
            "OpenRequest" => through::<wire::OpenRequest>,
            "OpenAnswer" => through::<wire::OpenAnswer>,
            "Packet" => through::<wire::PacketAnswer>,
            "AddressedPage" => through::<wire::AddressedAnswer>,
            "Me" => through::<wire::MeAnswer>,
            "Statement" => through::<wire::StatementAnswer>,
            "MyPackets" => through::<wire::MyPacketsAnswer>,
            "LoginRequest" => through::<wire::LoginRequest>,
            "LoginAnswer" => through::<wire::LoginAnswer>,
            "DepositRequest" => through::<desk::DepositRequest>,
            "DepositAnswer" => through::<desk::DepositAnswer>,
            "ReasonRequest" => through::<desk::ReasonRequest>,
            "CompensateRequest" => through::<desk::CompensateRequest>,
            "Exception" => through::<desk::ExceptionAnswer>,
            "Exceptions" => through::<desk::ExceptionsAnswer>,
            "Reconciliation" => through::<desk::ReconcileAnswer>,
            "Switches" => through::<desk::SwitchesAnswer>,
            "SwitchesRequest" => through::<desk::SwitchesRequest>,
            "BlockRequest" => through::<desk::BlockRequest>,
            "Block" => through::<desk::BlockAnswer>,
            "Audit" => through::<desk::AuditAnswer>,
            "RiskEvents" => through::<desk::RiskEventsAnswer>,
            "Stats" => through::<desk::StatsAnswer>,
            "Ladder" => through::<desk::LadderAnswer>,
            "LadderRequest" => through::<desk::LadderRequest>,
            "SigningKeys" => through::<desk::KeysAnswer>,
            "RiskRules" => through::<desk::RiskRulesAnswer>,
            "RiskRuleRequest" => through::<desk::RiskRuleRequest>,
            "Shard" => through::<desk::ShardAnswer>,
            "Shards" => through::<desk::ShardsAnswer>,
            "WeightRequest" => through::<desk::WeightRequest>,
            "PreheatRequest" => through::<desk::PreheatRequest>,
            "PreheatAnswer" => through::<desk::PreheatAnswer>,
            "Swept" | "Error" => through::<Value>,
            other => panic!("{place}: no type for {other}"),
        };
        assert_eq!(read(&example).expect(&place), example, "{place}");
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
        let schema = answer["content"]["application/json"]["schema"]["$ref"].as_str();
        let schema =
            schema.and_then(|path| path.rsplit('/').next()).unwrap_or_else(|| panic!("not described: {reply}"));
        assert_eq!(self.document.faults(schema, &reply.body), Vec::<String>::new(), "{reply}");
        if reply.status >= 400 {
            assert!(
                call["x-error-codes"].as_array().is_some_and(|codes| codes.contains(&json!(reply.code()))),
                "{reply}"
            );
        }
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
