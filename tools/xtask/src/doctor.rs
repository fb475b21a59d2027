//! `cargo xtask doctor`: what is missing or malformed, and how to get it right.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use hongbao_core::admit::Rates;
use hongbao_core::risk::Rules;
use hongbao_core::sign::SigningKeys;
use hongbao_core::token::{self, AUDIENCE_OPERATOR, AUDIENCE_PEOPLE};
use hongbao_core::wire::operator::{KeyAnswer, KeysAnswer};
use hongbao_outbound::AllowedHosts;
use hongbao_stack::{Grant, Keys};

use crate::http;
use crate::project::{Project, answer, cargo, on_path, version_in};
use crate::setup::{self, Toolchain};
use crate::spin;
use crate::token::keys_of;

mod addresses;

const PREFIX: &str = "SPIN_VARIABLE_";
/// For variables of earlier versions.
const MOVED: &str = "redis_urls lists all shards, redis_hosts and database_hosts say whom components may connect to";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The data folder of the stack [default: .hongbao]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the application serves, to ask which signing keys can be dropped
    #[arg(long, default_value = "http://127.0.0.1:3000", value_name = "URL")]
    base_url: String,
}

/// What one look found.
enum Finding {
    /// There, and right.
    Good(String),
    /// Not there, and only some commands need it.
    Optional(String),
    /// Missing or wrong.
    Bad(String),
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let project = Project::find()?;
    let data = arguments.data.clone().unwrap_or_else(|| project.data());
    println!("On this machine");
    let mut bad = report(&tools()?);
    println!("In {}", data.display());
    bad += report(&keys(&data));
    println!("Signing keys of the application at {}", arguments.base_url);
    bad += report(&signing_keys(&arguments.base_url, &data));
    println!("In the environment, for a runtime started by hand ({PREFIX}…)");
    bad += report(&variables(&project)?);
    let values = values(&project)?;
    // Nobody has to have a Redis on the usual port: `up` starts its own.
    if env::vars().any(|(name, _)| is_address(&name)) {
        println!("Behind the addresses");
        bad += report(&addresses::look(&values));
    }
    match bad {
        0 => Ok(()),
        1 => bail!("one thing is to be put right; it is marked ✗"),
        _ => bail!("{bad} things are to be put right; they are marked ✗"),
    }
}

fn report(findings: &[(String, Finding)]) -> usize {
    for (name, finding) in findings {
        match finding {
            Finding::Good(text) => println!("  ✓ {name:<24} {text}"),
            Finding::Optional(text) => println!("  - {name:<24} {text}"),
            Finding::Bad(text) => println!("  ✗ {name:<24} {text}"),
        }
    }
    findings.iter().filter(|(_, finding)| matches!(finding, Finding::Bad(_))).count()
}

fn tools() -> Result<Vec<(String, Finding)>> {
    let toolchain = Toolchain::find()?;
    let missing = toolchain.missing_targets();
    let mut findings = vec![("rustc".to_owned(), Finding::Good(toolchain.version.clone()))];
    for target in setup::TARGETS {
        let finding = if missing.contains(&target) {
            Finding::Bad("missing: `cargo xtask setup` installs it".to_owned())
        } else {
            Finding::Good("installed".to_owned())
        };
        findings.push((target.to_owned(), finding));
    }
    let (major, minor) = setup::OLDEST_REDIS;
    findings.push((
        "redis-server".to_owned(),
        match setup::installed_redis() {
            Some((path, version)) if version >= setup::OLDEST_REDIS => {
                Finding::Good(format!("{}.{}, {}", version.0, version.1, path.display()))
            }
            Some((path, _)) => {
                Finding::Bad(format!("{} is older than {major}.{minor}: install a newer one", path.display()))
            }
            None => Finding::Bad("missing: `cargo xtask setup` installs it from the system's packages".to_owned()),
        },
    ));
    let (major, minor) = spin::OLDEST;
    findings.push((
        "spin".to_owned(),
        match spin::installed() {
            Some((path, version)) if version >= spin::OLDEST => {
                Finding::Good(format!("{}.{}, {}", version.0, version.1, path.display()))
            }
            Some((path, _)) => {
                Finding::Optional(format!("{} is older than {major}.{minor}; the host is used", path.display()))
            }
            None => Finding::Optional("not installed; the project's own host is used".to_owned()),
        },
    ));
    findings.push((
        "postgres".to_owned(),
        match hongbao_stack::Postgres::installed() {
            Some(version) => Finding::Good(version),
            None => Finding::Optional("not installed; the tests that need it are skipped".to_owned()),
        },
    ));
    findings.push((
        "chromedriver".to_owned(),
        match answer("chromedriver", &["--version"]) {
            Some(version) => Finding::Good(version),
            None => Finding::Optional("not installed; `cargo xtask test web` installs it".to_owned()),
        },
    ));
    for (component, package) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        findings.push((
            format!("cargo {component}"),
            match answer(cargo(), &[component, "--version"]) {
                Some(version) => Finding::Good(version),
                None => Finding::Optional(format!("not installed; `test` skips it (`rustup component add {package}`)")),
            },
        ));
    }
    findings.push((
        "curl".to_owned(),
        match on_path("curl").and_then(|path| version_in(&answer(path, &["--version"])?)) {
            Some((major, minor)) => Finding::Good(format!("{major}.{minor}")),
            None => Finding::Optional("not installed; only the commands that `up` prints need it".to_owned()),
        },
    ));
    Ok(findings)
}

fn keys(data: &Path) -> Vec<(String, Finding)> {
    let dir = data.join("keys");
    let finding = if fs::exists(dir.join("jwt_keys")).unwrap_or(false) {
        match Keys::load(&dir) {
            Ok(keys) => match jwt_keys(keys.jwt_keys()) {
                Ok(told) => Finding::Good(format!("signing_key and jwt_keys are {told}")),
                Err(form) => Finding::Bad(format!("jwt_keys {form}")),
            },
            Err(error) => Finding::Bad(format!("{error:#}")),
        }
    } else {
        Finding::Optional("none yet; `up` makes them".to_owned())
    };
    vec![("keys".to_owned(), finding)]
}

/// Which signing keys can be dropped: the application's ledger knows until when each signed. Nobody has to serve, and
/// then nothing is found.
fn signing_keys(base_url: &str, data: &Path) -> Vec<(String, Finding)> {
    let token = match env::var("HONGBAO_OPERATOR_TOKEN") {
        Ok(token) => Ok(token),
        Err(_) => keys_of(data).and_then(|keys| keys.token(&Grant::operator("doctor"))),
    };
    let url = format!("{}/v1/admin/keys", base_url.trim_end_matches('/'));
    match token.and_then(|token| http::get::<KeysAnswer>(&url, &token, Duration::from_secs(5))) {
        Ok(answer) => answer.keys.into_iter().map(|key| (key.id.clone(), signing_key(&key))).collect(),
        Err(error) => vec![("not asked".to_owned(), Finding::Optional(format!("{error:#}")))],
    }
}

fn signing_key(key: &KeyAnswer) -> Finding {
    let left_ms = key.needed_until_ms.saturating_sub(key.signed_until_ms).max(0);
    let days = (left_ms / 86_400_000).max(1);
    match key {
        KeyAnswer { signs: true, .. } => Finding::Good("signs".to_owned()),
        KeyAnswer { in_force: true, can_be_dropped: true, .. } => {
            Finding::Optional("can be dropped from signing_key: nothing that it signed is out".to_owned())
        }
        KeyAnswer { can_be_dropped: true, .. } => Finding::Good("retired: nothing that it signed is out".to_owned()),
        KeyAnswer { in_force: true, .. } => Finding::Good(format!(
            "verifies; needed until {days} days after it signed last (Unix ms {})",
            key.needed_until_ms
        )),
        _ => Finding::Optional(format!(
            "is not configured; unless the ledger made it itself, what it signed is invalid now and may be out until \
             Unix ms {}",
            key.needed_until_ms
        )),
    }
}

/// What the keys of tokens are, besides well formed.
fn jwt_keys(value: &str) -> Result<String, String> {
    let keys = token::parse_keys(value)?;
    let speaks_for = |audience| keys.iter().any(|key| key.audience() == audience);
    Ok(match (speaks_for(AUDIENCE_PEOPLE), speaks_for(AUDIENCE_OPERATOR)) {
        (true, false) => "well formed; none is of operators (`:operators` at its end): no sweep, no console".to_owned(),
        (false, true) => "well formed; none is of people: nobody can come in".to_owned(),
        _ => "well formed".to_owned(),
    })
}

fn is_address(variable: &str) -> bool {
    ["REDIS_URLS", "REDIS_HOSTS", "BELL_URL", "DATABASE_URL", "DATABASE_HOSTS"]
        .iter()
        .any(|name| variable.strip_prefix(PREFIX) == Some(name))
}

/// All variables of the manifest: what the environment says, else the default.
fn values(project: &Project) -> Result<BTreeMap<String, String>> {
    let value = |(name, declared): (&String, &toml::Value)| {
        let given = env::var(format!("{PREFIX}{}", name.to_uppercase())).ok();
        let default = || declared.get("default")?.as_str().map(str::to_owned);
        (name.clone(), given.or_else(default).unwrap_or_default())
    };
    Ok(declared(project)?.iter().map(value).collect())
}

fn declared(project: &Project) -> Result<toml::Table> {
    let mut manifest: toml::Table = fs::read_to_string(project.root.join("spin.toml"))?.parse()?;
    match manifest.remove("variables") {
        Some(toml::Value::Table(variables)) => Ok(variables),
        _ => bail!("spin.toml has no variables"),
    }
}

/// The application's variables, as far as they are set.
fn variables(project: &Project) -> Result<Vec<(String, Finding)>> {
    let declared = declared(project)?;
    let mut findings = Vec::new();
    for (variable, value) in env::vars() {
        let Some(name) = variable.strip_prefix(PREFIX).map(str::to_lowercase) else { continue };
        let moved = name.starts_with("redis_url_s") || name == "database_host";
        let finding = match check(&name, &value) {
            _ if moved => Finding::Bad(format!("{name} is gone: {MOVED}")),
            _ if !declared.contains_key(&name) => Finding::Bad(format!("spin.toml has no variable {name}: unset it")),
            Ok(told) => Finding::Good(told),
            Err(form) => Finding::Bad(format!("{variable} {form}")),
        };
        findings.push((name, finding));
    }
    if findings.is_empty() {
        findings
            .push(("variables".to_owned(), Finding::Optional("none set; the defaults of spin.toml hold".to_owned())));
    }
    findings.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(findings)
}

/// What a variable's value is: well formed, or what it must be.
fn check(name: &str, value: &str) -> Result<String, String> {
    if name == "jwt_keys" && !value.is_empty() {
        return jwt_keys(value);
    }
    form(name, value).map(|()| "well formed".to_owned())
}

fn form(name: &str, value: &str) -> Result<(), String> {
    match name {
        "redis_urls" => value.split(',').map(str::trim).filter(|url| !url.is_empty()).try_for_each(redis_url),
        "bell_url" => redis_url(value),
        "redis_hosts" | "database_hosts" => hosts(value),
        "rate_limits" => Rates::parse(value).map(drop),
        "risk_rules" => Rules::parse(value).map(drop),
        "database_url" => database_url(value),
        // Empty: the ledger makes its own.
        "jwt_keys" | "signing_key" if value.is_empty() => Ok(()),
        "signing_key" => SigningKeys::parse(value).map(drop),
        "race_retention_s" => seconds(value),
        "dev_login" => matches!(value, "on" | "off").then_some(()).ok_or_else(|| "must be on or off".to_owned()),
        _ if name.starts_with("limit_") => positive(value),
        _ => Ok(()),
    }
}

fn redis_url(value: &str) -> Result<(), String> {
    let rest = value.strip_prefix("redis://").or_else(|| value.strip_prefix("rediss://"));
    let is_one = rest.is_some_and(|host| !host.is_empty() && !host.contains(','));
    is_one.then_some(()).ok_or_else(|| "must be redis://[USER:PASSWORD@]HOST:PORT, or rediss:// for TLS".to_owned())
}

fn hosts(value: &str) -> Result<(), String> {
    // The text may be an address with a password, put here by mistake.
    let entry = if value.is_empty() { vec![] } else { vec![value.to_owned()] };
    AllowedHosts::parse(&entry).map(drop).map_err(|error| error.root_cause().to_string())
}

fn database_url(value: &str) -> Result<(), String> {
    let right = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| value.starts_with(scheme));
    right.then_some(()).ok_or_else(|| "must be sqlite:default or postgres://…".to_owned())
}

fn seconds(value: &str) -> Result<(), String> {
    let right = value.parse().is_ok_and(|seconds: i64| (0..=31_536_000).contains(&seconds));
    right.then_some(()).ok_or_else(|| "must be a whole number of seconds from 0 to 31536000".to_owned())
}

fn positive(value: &str) -> Result<(), String> {
    let right = value.parse::<i64>().is_ok_and(|number| number > 0);
    right.then_some(()).ok_or_else(|| "must be a whole number above 0".to_owned())
}
