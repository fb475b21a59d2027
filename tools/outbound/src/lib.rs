//! Addresses of servers: `allowed_outbound_hosts`, whom a component may connect to, and addresses as logs may show them.
//!
//! An entry is `scheme://host[:port]`. Each part may be `*`; a host may be `*.domain` or a network such as
//! `10.0.0.0/8`, a port may be a range `start..end` (end excluded). As in Spin an entry has no path, and a scheme's
//! usual port stands for a missing one; `rediss` has none, there as here.

use std::net::IpAddr;

use anyhow::{Context, Result, bail, ensure};
use url::{Host, Url};

/// The entries of one component. Nothing is allowed when there are none.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    /// `None` allows any scheme.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug)]
enum HostPattern {
    Any,
    /// `.domain`, for its subdomains.
    Suffix(String),
    /// The addresses that begin with so many bits of this one.
    Network(IpAddr, u32),
    Exact(Host),
}

#[derive(Debug)]
enum PortPattern {
    Any,
    /// Start included, end excluded.
    Range(u16, u16),
    Exact(u16),
}

impl AllowedHosts {
    /// Reads the entries, templates already filled in.
    ///
    /// # Errors
    ///
    /// Occurs when an entry is malformed or of a kind this host has no interface for.
    pub fn parse(entries: &[String]) -> Result<Self> {
        let parse = |text: &String| Entry::parse(text).with_context(|| format!("{text:?}"));
        entries.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Whether `address` may be connected to. An address that cannot be read may not.
    #[must_use]
    pub fn allows(&self, address: &str) -> bool {
        let Ok(url) = Url::parse(address) else { return false };
        let Some(host) = url.host_str() else { return false };
        // Non-special schemes leave the host unread: `Url` only knows http and friends.
        let Ok(host) = Host::parse(host) else { return false };
        let port = url.port().or_else(|| usual_port(url.scheme()));
        self.0.iter().any(|entry| entry.allows(url.scheme(), &host, port))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.trim().split_once("://").context("needs the form scheme://host[:port]")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(!rest.contains('@'), "must not have a user");
        let (host, port) = match rest.rsplit_once(':') {
            // The colons inside [..] belong to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let scheme = match scheme {
            "*" => None,
            "redis" | "rediss" | "postgres" => Some(scheme.to_owned()),
            other => bail!("the scheme {other:?} is not supported, only redis, rediss, postgres and *"),
        };
        let port = match port {
            Some(port) => PortPattern::parse(port)?,
            None => {
                let usual = scheme.as_deref().and_then(usual_port);
                PortPattern::Exact(usual.context("needs a port, because its scheme has no usual one")?)
            }
        };
        Ok(Self { scheme, host: HostPattern::parse(host)?, port })
    }

    fn allows(&self, scheme: &str, host: &Host, port: Option<u16>) -> bool {
        self.scheme.as_ref().is_none_or(|allowed| allowed == scheme) && self.host.allows(host) && self.port.allows(port)
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok().context("must not have a path")?;
            let bits = bits.parse::<u32>().ok().filter(|bits| *bits <= width(address));
            return Ok(Self::Network(address, bits.context("is not a network")?));
        }
        if let Some(domain) = text.strip_prefix("*.") {
            ensure!(!domain.contains('*'), "a host may only begin with *");
            return Ok(Self::Suffix(format!(".{}", Host::parse(domain)?)));
        }
        ensure!(!text.contains('*'), "a host may only begin with *.");
        Host::parse(text).map(Self::Exact).with_context(|| format!("{text:?} is not a host"))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Suffix(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Suffix(_), _) => false,
            (Self::Network(network, bits), Host::Ipv4(address)) => is_in(*network, *bits, IpAddr::V4(*address)),
            (Self::Network(network, bits), Host::Ipv6(address)) => is_in(*network, *bits, IpAddr::V6(*address)),
            (Self::Network(..), Host::Domain(_)) => false,
            (Self::Exact(allowed), host) => allowed == host,
        }
    }
}

impl PortPattern {
    fn parse(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse::<u16>().with_context(|| format!("{text:?} is not a port"));
        if text == "*" {
            return Ok(Self::Any);
        }
        match text.split_once("..") {
            Some((start, end)) => Ok(Self::Range(number(start)?, number(end)?)),
            None => Ok(Self::Exact(number(text)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::Range(start, end), Some(port)) => (*start..*end).contains(&port),
            (Self::Exact(allowed), Some(port)) => *allowed == port,
            (_, None) => false,
        }
    }
}

/// How many bits an address of this kind has.
const fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_in(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    // Left-aligned, so that both kinds compare their first bits alike.
    let first = |address| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let differing = first(network) ^ first(address);
    width(network) == width(address) && differing.leading_zeros() >= bits
}

/// An address without user and password, for logs and messages. What cannot be read is not shown at all.
#[must_use]
pub fn without_secrets(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return "(an unreadable address)".to_owned() };
    // A query may carry a password too; a path is a database's name or number.
    url.set_query(None);
    url.set_fragment(None);
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() && address.contains('@') {
        return "(an unreadable address)".to_owned();
    }
    url.to_string()
}

/// The port that an address without one means.
fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "redis" => Some(6379),
        "postgres" => Some(5432),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entry, address, whether it is allowed.
    const CASES: &[(&str, &str, bool)] = &[
        ("redis://localhost:6379", "redis://localhost:6379", true),
        ("redis://localhost:6379", "redis://localhost", true),
        ("redis://localhost", "redis://localhost:6379/3", true),
        ("redis://localhost", "redis://user:secret@localhost", true),
        ("redis://localhost:6379", "redis://localhost:6380", false),
        ("redis://localhost:6379", "redis://127.0.0.1:6379", false),
        ("redis://localhost:6379", "postgres://localhost:6379", false),
        ("redis://127.0.0.1:6379", "redis://127.0.0.1:6379", true),
        ("redis://[::1]:6379", "redis://[::1]:6379", true),
        ("redis://[::1]", "redis://[::1]", true),
        ("redis://*:6379", "redis://anywhere:6379", true),
        ("redis://*.example.com", "redis://a.example.com", true),
        ("redis://*.example.com", "redis://example.com", false),
        ("redis://*.example.com", "redis://notexample.com", false),
        ("redis://localhost:*", "redis://localhost:1", true),
        ("redis://localhost:7000..7003", "redis://localhost:7002", true),
        ("redis://localhost:7000..7003", "redis://localhost:7003", false),
        ("*://localhost:6379", "redis://localhost", true),
        ("*://*:*", "postgres://somewhere/db", true),
        ("postgres://db", "postgres://user:secret@db/hongbao?sslmode=disable", true),
        ("postgres://db", "postgres://user:secret@other/hongbao", false),
        ("redis://localhost/", "redis://localhost", true),
        ("rediss://*:6380", "rediss://user:p%40ss@cache.internal:6380", true),
        ("rediss://*:6380", "redis://cache.internal:6380", false),
        ("redis://*:6380", "rediss://cache.internal:6380", false),
        ("rediss://*:*", "rediss://cache.internal", true),
        ("redis://10.1.0.0/16:*", "redis://10.1.2.3:7000", true),
        ("redis://10.1.0.0/16:*", "redis://10.2.2.3:7000", false),
        ("redis://10.1.0.0/16:*", "redis://cache:7000", false),
        ("redis://0.0.0.0/0:*", "redis://10.2.2.3:7000", true),
        ("redis://localhost", "localhost:6379", false),
        ("redis://localhost", "", false),
    ];

    #[test]
    fn an_address_is_allowed_only_by_a_matching_entry() {
        for &(entry, address, expected) in CASES {
            let hosts = AllowedHosts::parse(&[entry.to_owned()]).expect(entry);
            assert_eq!(hosts.allows(address), expected, "{entry} and {address}");
        }
        assert!(!AllowedHosts::default().allows("redis://localhost"), "no entry allows nothing");
    }

    #[test]
    fn an_entry_that_means_nothing_here_is_refused_with_a_reason() {
        for (entry, reason) in [
            ("localhost:6379", "scheme://host"),
            ("", "scheme://host"),
            ("https://example.com", "\"https\" is not supported"),
            ("redis://localhost/0", "path"),
            ("redis://localhost:6379/0", "not a port"),
            ("redis://10.0.0.0/33:6379", "not a network"),
            ("rediss://localhost", "needs a port"),
            ("redis://user@localhost", "user"),
            ("*://localhost", "needs a port"),
            ("redis://local*", "begin with *"),
            ("redis://localhost:many", "not a port"),
        ] {
            let error = AllowedHosts::parse(&[entry.to_owned()]).expect_err(entry);
            assert!(format!("{error:#}").contains(reason), "{entry}: {error:#}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        for (address, shown) in [
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("redis://:secret@localhost:6379/3", "redis://localhost:6379/3"),
            ("rediss://user:sec%40ret@cache:6380", "rediss://cache:6380"),
            ("postgres://user:secret@db:5432/hongbao?password=secret", "postgres://db:5432/hongbao"),
            ("postgres://user:secret@a,b:5432/hongbao", "postgres://a,b:5432/hongbao"),
            ("host=db password=secret", "(an unreadable address)"),
            ("user:secret@db", "(an unreadable address)"),
            ("sqlite:default", "sqlite:default"),
        ] {
            assert_eq!(without_secrets(address), shown, "{address}");
        }
    }
}
