//! `spin.toml` itself: every component with state reaches the same servers by the same variables.

use std::path::Path;

use toml::{Table, Value};

/// What every component with state has, by the manifest's own names.
const STATE: [&str; 4] = ["redis_urls", "database_url", "jwt_keys", "signing_key"];
const HOSTS: [&str; 2] = ["{{ redis_hosts }}", "{{ database_hosts }}"];
/// Variables that may hold a password or are a key.
const SECRETS: [&str; 5] = ["redis_urls", "bell_url", "database_url", "jwt_keys", "signing_key"];

fn manifest() -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spin.toml");
    std::fs::read_to_string(path).expect("spin.toml is there").parse().expect("it is TOML")
}

fn table<'a>(value: &'a Value, key: &str) -> Option<&'a Table> {
    value.get(key)?.as_table()
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn components_with_state_agree_in_their_servers() {
    let manifest = manifest();
    let mut with_state = 0;
    for (name, component) in manifest["component"].as_table().expect("components") {
        let hosts = texts(component.get("allowed_outbound_hosts"));
        let Some(variables) = table(component, "variables") else {
            assert!(hosts.is_empty(), "{name} has no addresses and may connect to {hosts:?}");
            continue;
        };
        with_state += 1;
        assert_eq!(hosts, HOSTS, "{name}");
        assert_eq!(texts(component.get("sqlite_databases")), ["default"], "{name}");
        for variable in STATE {
            assert!(variables.contains_key(variable), "{name} lacks {variable}");
        }
        for (variable, value) in variables {
            let passed_on = format!("{{{{ {variable} }}}}");
            assert_eq!(value.as_str(), Some(passed_on.as_str()), "{name}: {variable} is something else here");
            assert!(manifest["variables"].get(variable).is_some(), "{name}: {variable} is not declared");
        }
    }
    assert!(with_state >= 9, "only {with_state} components have state");
}

#[test]
fn every_variable_is_described_and_what_may_hold_a_password_is_secret() {
    let manifest = manifest();
    for (name, variable) in manifest["variables"].as_table().expect("variables") {
        let description = variable.get("description").and_then(Value::as_str).unwrap_or_default();
        assert!(description.len() > 10, "{name} is not described");
        let is_secret = variable.get("secret").and_then(Value::as_bool) == Some(true);
        assert_eq!(is_secret, SECRETS.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn a_component_is_built_again_when_anything_changes_that_it_is_made_of() {
    for (name, component) in manifest()["component"].as_table().expect("components") {
        let watched = texts(table(component, "build").and_then(|build| build.get("watch")));
        let own = format!("functions/{name}/**/*");
        for part in ["Cargo.toml", "Cargo.lock", "shared/**/*", &own] {
            assert!(watched.contains(&part), "{name} does not watch {part}");
        }
    }
}
