//! The manifest, version 2, as it is written: `spin.toml` parsed, nothing resolved.
//!
//! **Invariant:** every key is either understood or refused by name. A key that Spin knows and this
//! host does not (`files`, `key_value_stores`, `ai_models`, `dependencies`, …) must never be ignored:
//! the application would run with less than it asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;

mod resolve;
mod template;

pub(crate) use resolve::{Application, Component, RedisTrigger};
use template::Variables;

/// A whole manifest file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    spin_manifest_version: u32,
    application: ApplicationSection,
    #[serde(default)]
    variables: BTreeMap<String, VariableSection>,
    #[serde(default)]
    trigger: TriggerSections,
    #[serde(default)]
    component: BTreeMap<String, ComponentSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationSection {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "version")]
    _version: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "authors")]
    _authors: Option<Vec<String>>,
    #[serde(default)]
    trigger: GlobalTriggers,
    #[serde(rename = "tool")]
    _tool: Option<IgnoredAny>,
}

/// `[application.trigger.*]`: settings shared by all triggers of a kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GlobalTriggers {
    redis: Option<GlobalRedis>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GlobalRedis {
    address: String,
}

/// One entry of `[variables]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableSection {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    /// Read, so that it is not refused. This host never prints a value, secret or not.
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggerSections {
    #[serde(default)]
    http: Vec<HttpSection>,
    #[serde(default)]
    redis: Vec<RedisSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpSection {
    #[serde(rename = "id")]
    _id: Option<String>,
    route: RouteSection,
    component: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a route is a string pattern or { private = true }")]
enum RouteSection {
    Pattern(String),
    Private(PrivateSection),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateSection {
    private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedisSection {
    #[serde(rename = "id")]
    _id: Option<String>,
    channel: String,
    component: String,
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentSection {
    /// A local path. A table here (`{ url, digest }` or a registry reference) is refused by its type.
    source: PathBuf,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    sqlite_databases: Vec<String>,
    #[serde(rename = "build")]
    _build: Option<IgnoredAny>,
    #[serde(rename = "tool")]
    _tool: Option<IgnoredAny>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    ///
    /// # Errors
    ///
    /// Occurs when the file cannot be read, is not valid, or asks for something this host does not do;
    /// the message names the key and its line.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the manifest {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in the manifest {}", path.display()))
    }

    /// Parses the text of a manifest.
    ///
    /// # Errors
    ///
    /// As for [`Manifest::read`].
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).context("not a manifest that hongbao-host supports")?;
        let version = manifest.spin_manifest_version;
        ensure!(version == 2, "spin_manifest_version {version} is not supported, only 2");
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests;
