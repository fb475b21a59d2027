//! `cargo xtask doctor`: what is missing or malformed, and how to get it right.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use hongbao_core::admit::Rates;
use hongbao_core::risk::Rules;
use hongbao_core::token;
use hongbao_stack::Keys;

use crate::project::{Project, answer, cargo, on_path, version_in};
use crate::setup::{self, Toolchain};
use crate::spin;

const PREFIX: &str = "SPIN_VARIABLE_";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The data folder of the stack [default: .hongbao]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
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
    println!("In the environment, for a runtime started by hand ({PREFIX}…)");
    bad += report(&variables(&project)?);
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

fn keys(data: &std::path::Path) -> Vec<(String, Finding)> {
    let dir = data.join("keys");
    let finding = if fs::exists(dir.join("jwt_keys")).unwrap_or(false) {
        match Keys::load_or_make(&dir) {
            Ok(_) => Finding::Good("signing_key and jwt_keys are well formed".to_owned()),
            Err(error) => Finding::Bad(format!("{error:#}")),
        }
    } else {
        Finding::Optional("none yet; `up` makes them".to_owned())
    };
    vec![("keys".to_owned(), finding)]
}

/// The application's variables, as far as they are set.
fn variables(project: &Project) -> Result<Vec<(String, Finding)>> {
    let manifest: toml::Table = fs::read_to_string(project.root.join("spin.toml"))?.parse()?;
    let declared = manifest.get("variables").and_then(toml::Value::as_table).context("spin.toml has no variables")?;
    let mut findings = Vec::new();
    for (variable, value) in env::vars() {
        let Some(name) = variable.strip_prefix(PREFIX).map(str::to_lowercase) else { continue };
        let finding = match check(&name, &value) {
            _ if !declared.contains_key(&name) => Finding::Bad(format!("spin.toml has no variable {name}: unset it")),
            Ok(()) => Finding::Good("well formed".to_owned()),
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

fn check(name: &str, value: &str) -> Result<(), String> {
    match name {
        "redis_urls" => redis_url(value),
        "rate_limits" => Rates::parse(value).map(drop),
        "risk_rules" => Rules::parse(value).map(drop),
        _ if name.starts_with("redis_url_s") && value.is_empty() => Ok(()),
        _ if name.starts_with("redis_url_s") => redis_url(value),
        "database_url" => database_url(value),
        "database_host" => database_host(value),
        "jwt_keys" => token::parse_keys(value).map(|_| ()),
        "signing_key" => signing_key(value),
        "dev_login" => matches!(value, "on" | "off").then_some(()).ok_or_else(|| "must be on or off".to_owned()),
        _ if name.starts_with("limit_") => positive(value),
        _ => Ok(()),
    }
}

fn redis_url(value: &str) -> Result<(), String> {
    let rest = value.strip_prefix("redis://").or_else(|| value.strip_prefix("rediss://"));
    let is_one = rest.is_some_and(|host| !host.is_empty() && !host.contains(','));
    is_one.then_some(()).ok_or_else(|| "must be redis://HOST:PORT; further shards are redis_url_s1, …".to_owned())
}

fn database_url(value: &str) -> Result<(), String> {
    let right = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| value.starts_with(scheme));
    right.then_some(()).ok_or_else(|| "must be sqlite:default or postgres://…".to_owned())
}

fn database_host(value: &str) -> Result<(), String> {
    let right = value.is_empty() || value.starts_with("postgres://") && !value.contains('@');
    right.then_some(()).ok_or_else(|| "must be postgres://HOST:PORT, without user and password".to_owned())
}

fn signing_key(value: &str) -> Result<(), String> {
    let right = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    right.then_some(()).ok_or_else(|| "must be 64 hexadecimal digits".to_owned())
}

fn positive(value: &str) -> Result<(), String> {
    let right = value.parse::<i64>().is_ok_and(|number| number > 0);
    right.then_some(()).ok_or_else(|| "must be a whole number above 0".to_owned())
}
