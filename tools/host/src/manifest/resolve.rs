//! The manifest with every variable filled in and every reference checked: what the host runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{ComponentSection, Manifest, RouteSection, Variables};
use hongbao_outbound::AllowedHosts;

/// The only database there is: Spin's default one.
const DEFAULT_DATABASE: &str = "default";

/// An application ready to run.
#[derive(Debug)]
pub(crate) struct Application {
    /// The public routes, in the manifest's order.
    pub(crate) http: Vec<HttpTrigger>,
    /// The channels to listen on.
    pub(crate) redis: Vec<RedisTrigger>,
    /// The components that some trigger above runs, by id.
    pub(crate) components: BTreeMap<String, Component>,
}

/// A public route.
#[derive(Debug, PartialEq)]
pub(crate) struct HttpTrigger {
    /// The pattern, such as `/a/:id/...`.
    pub(crate) route: String,
    /// The component that answers.
    pub(crate) component: String,
}

/// A Redis channel.
#[derive(Debug, PartialEq)]
pub(crate) struct RedisTrigger {
    /// The server, such as `redis://localhost:6379`.
    pub(crate) address: String,
    /// The channel's name.
    pub(crate) channel: String,
    /// The component that is called for every message.
    pub(crate) component: String,
}

/// A component and what it may do.
#[derive(Debug)]
pub(crate) struct Component {
    /// Its WebAssembly file.
    pub(crate) source: PathBuf,
    /// What `spin:variables` answers.
    pub(crate) variables: BTreeMap<String, String>,
    /// Its environment variables.
    pub(crate) environment: BTreeMap<String, String>,
    /// Whom it may connect to.
    pub(crate) allowed_hosts: AllowedHosts,
    /// Whether it may open the default database.
    pub(crate) sqlite: bool,
}

impl Manifest {
    /// Fills in the variables and keeps what `only` (component ids; empty means all) asks for.
    ///
    /// `folder` is where relative component sources start.
    ///
    /// # Errors
    ///
    /// Occurs when a variable is missing, a template is wrong, a component does not exist, or a
    /// component asks for something this host does not have.
    pub(crate) fn resolve(
        &self,
        folder: &Path,
        only: &[String],
        given: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Application> {
        let variables = Variables::resolve(&self.variables, given, environment)?;
        let mut names = only.iter().chain(self.trigger.http.iter().map(|trigger| &trigger.component));
        let unknown = names.find(|name| !self.component.contains_key(*name));
        ensure!(unknown.is_none(), "there is no component {:?}", unknown.unwrap_or(&String::new()));

        let wanted = |component: &String| only.is_empty() || only.contains(component);
        let http = self.http_triggers(wanted)?;
        let redis = self.redis_triggers(wanted, &variables)?;
        let used: BTreeSet<&String> = http
            .iter()
            .map(|trigger| &trigger.component)
            .chain(redis.iter().map(|trigger| &trigger.component))
            .collect();
        let mut components = BTreeMap::new();
        for id in used {
            let section = self.component.get(id).with_context(|| format!("there is no component {id:?}"))?;
            let component = section.resolve(folder, &variables);
            components.insert(id.clone(), component.with_context(|| format!("component {id:?}"))?);
        }
        Ok(Application { http, redis, components })
    }

    /// The public routes. A private one cannot be reached: no component may call another here.
    fn http_triggers(&self, wanted: impl Fn(&String) -> bool) -> Result<Vec<HttpTrigger>> {
        let mut triggers = Vec::new();
        for section in self.trigger.http.iter().filter(|section| wanted(&section.component)) {
            let component = section.component.clone();
            match &section.route {
                RouteSection::Pattern(route) => {
                    triggers.push(HttpTrigger { route: route.clone(), component });
                }
                RouteSection::Private(private) if private.private => {}
                RouteSection::Private(_) => {
                    bail!("component {component:?}: a route is a string pattern or {{ private = true }}");
                }
            }
        }
        Ok(triggers)
    }

    fn redis_triggers(&self, wanted: impl Fn(&String) -> bool, variables: &Variables) -> Result<Vec<RedisTrigger>> {
        let shared = self.application.trigger.redis.as_ref().map(|redis| &redis.address);
        let sections = self.trigger.redis.iter().filter(|section| wanted(&section.component));
        sections
            .map(|section| {
                let component = section.component.clone();
                let address = section.address.as_ref().or(shared).with_context(|| {
                    format!("the Redis trigger of {component:?} has no address, and the application has none")
                })?;
                let (address, channel) = (variables.expand(address)?, variables.expand(&section.channel)?);
                Ok(RedisTrigger { address, channel, component })
            })
            .collect()
    }
}

impl ComponentSection {
    fn resolve(&self, folder: &Path, variables: &Variables) -> Result<Component> {
        for database in &self.sqlite_databases {
            ensure!(
                database == DEFAULT_DATABASE,
                "sqlite_databases: {database:?} is not supported, only {DEFAULT_DATABASE:?}"
            );
        }
        let mut own = BTreeMap::new();
        for (name, template) in &self.variables {
            own.insert(name.clone(), variables.expand(template)?);
        }
        let mut hosts = Vec::new();
        for template in &self.allowed_outbound_hosts {
            let host = variables.expand(template)?;
            // A template that comes out empty is an optional endpoint that is not there.
            if !(host.is_empty() && template.contains("{{")) {
                hosts.push(host);
            }
        }
        Ok(Component {
            source: folder.join(&self.source),
            variables: own,
            environment: self.environment.clone(),
            allowed_hosts: AllowedHosts::parse(&hosts).context("allowed_outbound_hosts")?,
            sqlite: !self.sqlite_databases.is_empty(),
        })
    }
}
