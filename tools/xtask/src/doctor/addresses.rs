//! The addresses of the servers: well formed, allowed by the pattern beside them, and answering.
//!
//! **Invariant:** what is printed holds no user and no password, and no program is given one on its command line, which
//! everybody on the machine can read.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hongbao_outbound::{AllowedHosts, without_secrets};
use url::Url;

use super::Finding;

/// How long a server may take.
const LIMIT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one look at the addresses in `variables` (all of the manifest's, by name) found.
pub(super) fn look(variables: &BTreeMap<String, String>) -> Vec<(String, Finding)> {
    let value = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
    let mut findings = Vec::new();
    let urls: Vec<&str> = value("redis_urls").split(',').map(str::trim).collect();
    for (shard, url) in urls.iter().enumerate().filter(|(_, url)| !url.is_empty()) {
        findings.push((format!("shard {shard}"), finding(url, ("redis_hosts", value("redis_hosts")), ping_redis)));
    }
    if value("bell_url") != urls[0] {
        let (heard, rung) = (without_secrets(value("bell_url")), without_secrets(urls[0]));
        let text = format!("is {heard}, and shard 0 is {rung}: the settlement would not hear the doorbell");
        findings.push(("bell_url".to_owned(), Finding::Bad(text)));
    }
    let database = value("database_url");
    if !database.starts_with("sqlite:") {
        let hosts = ("database_hosts", value("database_hosts"));
        findings.push(("database".to_owned(), finding(database, hosts, ping_postgres)));
    }
    findings
}

fn finding(url: &str, (variable, pattern): (&str, &str), ping: fn(&str) -> Result<String>) -> Finding {
    let shown = without_secrets(url);
    let allowed = AllowedHosts::parse(&[pattern.to_owned()]);
    match allowed {
        Err(error) => Finding::Bad(format!("{variable} {}", error.root_cause())),
        Ok(allowed) if !allowed.allows(url) => {
            Finding::Bad(format!("{shown} is not allowed by {variable} ({pattern}): components cannot connect to it"))
        }
        Ok(_) => match ping(url) {
            Ok(answer) => Finding::Good(format!("{shown}, {answer}")),
            Err(error) => Finding::Bad(format!("{shown}: {error:#}")),
        },
    }
}

/// Has Redis' own client ask, as the address' user.
fn ping_redis(address: &str) -> Result<String> {
    let url = Url::parse(address).ok().context("is not an address")?;
    let host = url.host_str().context("names no host")?.trim_matches(['[', ']']);
    let mut cli = Command::new("redis-cli");
    cli.args(["-h", host, "-p", &url.port().unwrap_or(6379).to_string()]);
    if !url.username().is_empty() {
        cli.args(["--user", &decoded(url.username())]);
    }
    if let Some(password) = url.password() {
        cli.env("REDISCLI_AUTH", decoded(password));
    }
    if url.scheme() == "rediss" {
        cli.arg("--tls");
        // The same file that both runtimes look into.
        if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
            cli.arg("--cacert").arg(file);
        }
    }
    let answer = answer_of(cli.args(["--no-auth-warning", "PING"]))?;
    // A wrong password is a warning there, and the next command is refused.
    ensure!(answer == "PONG", "{answer}");
    Ok("answers".to_owned())
}

/// Has PostgreSQL's own client ask, and looks at what a pooler may have dropped.
fn ping_postgres(address: &str) -> Result<String> {
    let mut url = Url::parse(address).ok().context("cannot be checked: several hosts, or no address")?;
    let mut psql = Command::new("psql");
    if let Some(password) = url.password() {
        psql.env("PGPASSWORD", decoded(password));
    }
    let _ = url.set_password(None);
    psql.env("PGCONNECT_TIMEOUT", LIMIT.as_secs().to_string()).args(["-X", "-A", "-t", "-d", url.as_str(), "-c"]);
    let read_only = answer_of(psql.arg("SELECT current_setting('transaction_read_only')"))?;
    ensure!(read_only == "off", "answers, and accepts no writes: it is a standby, or was made read-only");
    Ok("answers".to_owned())
}

/// What a command writes, when it succeeds in time.
fn answer_of(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().with_context(|| format!("cannot be checked without {program}"))?;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            bail!("no answer within {LIMIT:?}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let output = child.wait_with_output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{}", err.lines().chain(out.lines()).next().unwrap_or("no answer"));
    Ok(out.trim().to_owned())
}

/// Undoes an address' %XX.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[(&str, &str)]) -> Vec<String> {
        let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let text = |(name, finding)| match finding {
            Finding::Bad(text) => format!("{name} ✗ {text}"),
            Finding::Good(text) | Finding::Optional(text) => format!("{name} ✓ {text}"),
        };
        look(&variables).into_iter().map(text).collect()
    }

    #[test]
    fn an_address_that_the_pattern_does_not_allow_is_named_without_its_secrets() {
        let said = said(&[
            ("redis_urls", "redis://app:s%65cret@cache:6379"),
            ("redis_hosts", "redis://localhost:*"),
            ("bell_url", "redis://app:s%65cret@other:6379"),
            ("database_url", "postgres://app:secret@db:5432/hongbao"),
            ("database_hosts", "postgres://other:5432"),
        ]);
        assert!(said[0].starts_with("shard 0 ✗ redis://cache:6379 is not allowed by redis_hosts"), "{said:?}");
        assert!(said[1].starts_with("bell_url ✗ is redis://other:6379, and shard 0 is redis://cache:6379"), "{said:?}");
        assert!(said[2].starts_with("database ✗ postgres://db:5432/hongbao is not allowed"), "{said:?}");
        assert!(!said.concat().contains("secret") && !said.concat().contains("s%65cret"), "{said:?}");
    }

    #[test]
    fn a_server_that_is_not_there_is_said_so() {
        let said = said(&[
            ("redis_urls", "redis://127.0.0.1:1"),
            ("redis_hosts", "redis://127.0.0.1:*"),
            ("bell_url", "redis://127.0.0.1:1"),
            ("database_url", "sqlite:default"),
        ]);
        assert!(matches!(said.as_slice(), [line] if line.starts_with("shard 0 ✗ redis://127.0.0.1:1: ")), "{said:?}");
    }

    #[test]
    fn escapes_are_undone() {
        for (text, plain) in [("p%40ss", "p@ss"), ("100%", "100%"), ("%zz", "%zz"), ("%E4%BD%A0", "你")] {
            assert_eq!(decoded(text), plain, "{text}");
        }
    }
}
