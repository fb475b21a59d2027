//! Tables of manifests: what comes out, and what is refused by name.

use std::collections::BTreeMap;
use std::path::Path;

use super::resolve::HttpTrigger;
use super::{Application, Manifest, RedisTrigger};

const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"t\"\n";
const WHOLE: &str = r#"
    spin_manifest_version = 2
    [application]
    name = "hongbao"
    version = "0.1.0"
    [application.trigger.redis]
    address = "{{ redis }}"
    [variables]
    redis = { default = "redis://localhost:6379" }
    key = { required = true, secret = true }
    extra = { default = "" }
    [[trigger.http]]
    route = "/v1/grab/:id"
    component = "grab"
    [[trigger.http]]
    route = { private = true }
    component = "hidden"
    [[trigger.redis]]
    channel = "hb:{0}:bell"
    component = "transfer"
    [component.grab]
    source = "grab.wasm"
    allowed_outbound_hosts = ["{{ redis }}", "{{ extra }}"]
    sqlite_databases = ["default"]
    [component.grab.variables]
    both = "{{ key }}@{{redis}}"
    [component.grab.build]
    command = "anything"
    [component.hidden]
    source = "hidden.wasm"
    [component.transfer]
    source = "transfer.wasm"
"#;

fn resolve(text: &str, only: &[&str], given: &[(&str, &str)]) -> anyhow::Result<Application> {
    let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let given = given.iter().map(pair).collect();
    let environment = BTreeMap::from([pair(&("extra", "postgres://db"))]);
    Manifest::parse(text)?.resolve(Path::new("/app"), &only, &given, &environment)
}

#[test]
fn a_whole_manifest_resolves() {
    let application = resolve(WHOLE, &[], &[("key", "k")]).expect("resolves");
    let http = HttpTrigger { route: "/v1/grab/:id".into(), component: "grab".into() };
    let redis = RedisTrigger {
        address: "redis://localhost:6379".into(),
        channel: "hb:{0}:bell".into(),
        component: "transfer".into(),
    };
    assert_eq!(application.http, [http]);
    assert_eq!(application.redis, [redis]);
    let components: Vec<_> = application.components.keys().collect();
    assert_eq!(components, ["grab", "transfer"], "what nothing can reach is not loaded");
    let grab = &application.components["grab"];
    assert_eq!(grab.source, Path::new("/app/grab.wasm"));
    assert_eq!(grab.variables["both"], "k@redis://localhost:6379");
    assert!(grab.sqlite && grab.allowed_hosts.allows("redis://localhost"));
    assert!(grab.allowed_hosts.allows("postgres://db/x"), "SPIN_VARIABLE_EXTRA counts");
    let transfer = &application.components["transfer"];
    assert!(!transfer.sqlite && !transfer.allowed_hosts.allows("redis://localhost"));
}

#[test]
fn an_empty_template_is_an_endpoint_that_is_not_there() {
    let application = resolve(WHOLE, &[], &[("key", "k"), ("extra", "")]).expect("resolves");
    assert!(!application.components["grab"].allowed_hosts.allows("postgres://db"));
}

#[test]
fn only_the_chosen_components_run() {
    let application = resolve(WHOLE, &["transfer"], &[("key", "k")]).expect("resolves");
    assert!(application.http.is_empty());
    assert_eq!(application.components.keys().collect::<Vec<_>>(), ["transfer"]);
}

#[test]
fn what_is_missing_is_named() {
    for (only, given, reason) in [
        (&[][..], &[][..], "\"key\" is required"),
        (&[], &[("key", "k"), ("nope", "1")], "no variable \"nope\""),
        (&["nobody"], &[("key", "k")], "no component \"nobody\""),
    ] {
        let error = resolve(WHOLE, only, given).expect_err(reason);
        assert!(format!("{error:#}").contains(reason), "{error:#}");
    }
}

#[test]
fn what_this_host_does_not_do_is_refused_by_name() {
    for (addition, reason) in [
        ("[component.a]\nsource = \"a.wasm\"\nfiles = [\"x\"]", "`files`"),
        ("[component.a]\nsource = \"a.wasm\"\nkey_value_stores = [\"default\"]", "`key_value_stores`"),
        ("[component.a]\nsource = \"a.wasm\"\nai_models = [\"m\"]", "`ai_models`"),
        ("[component.a]\nsource = { url = \"u\", digest = \"d\" }", "source"),
        ("[[trigger.cron]]\ncomponent = \"a\"", "`cron`"),
        ("[[trigger.http]]\ncomponent = \"a\"\nroute = 7", "a string pattern or { private = true }"),
        ("[[trigger.http]]\ncomponent = \"a\"\nroute = \"/\"\nexecutor = { type = \"wagi\" }", "`executor`"),
        ("[application.trigger.http]\nbase = \"/\"", "`http`"),
        ("[surprise]", "`surprise`"),
    ] {
        let error = Manifest::parse(&format!("{HEAD}{addition}")).expect_err(addition);
        assert!(format!("{error:#}").contains(reason), "{addition}: {error:#}");
    }
    let error = Manifest::parse("spin_manifest_version = 1\n[application]\nname = \"t\"").expect_err("v1");
    assert!(format!("{error:#}").contains("version 1 is not supported"), "{error:#}");
}

#[test]
fn what_cannot_be_resolved_is_refused_by_name() {
    let http = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n";
    let component = "[component.a]\nsource = \"a.wasm\"\n";
    for (addition, reason) in [
        (http.to_owned(), "no component \"a\""),
        (format!("{http}{component}sqlite_databases = [\"other\"]"), "\"other\" is not supported"),
        (format!("{http}{component}allowed_outbound_hosts = [\"https://x\"]"), "\"https\" is not supported"),
        (format!("{http}{component}variables = {{ v = \"{{{{ gone }}}}\" }}"), "undeclared variable \"gone\""),
        (format!("{http}{component}variables = {{ v = \"{{{{ open\" }}"), "never closes"),
        ("[variables]\nv = { default = \"{{ w }}\" }".to_owned(), "a template as `default`"),
        ("[variables]\nv = { }".to_owned(), "either `default` or `required"),
        (format!("[[trigger.redis]]\nchannel = \"c\"\ncomponent = \"a\"\n{component}"), "has no address"),
    ] {
        let error = resolve(&format!("{HEAD}{addition}"), &[], &[]).expect_err(&addition);
        assert!(format!("{error:#}").contains(reason), "{addition}: {error:#}");
    }
}
