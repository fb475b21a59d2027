//! Starting an application and stopping it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::task::JoinHandle;
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::engine;
use crate::guest::{ComponentContext, Guest};
use crate::http::{self, Recipe, Routes, Server, Service};
use crate::interfaces::postgres::Pools;
use crate::manifest::{Application, Component, Manifest};
use crate::options::{Options, folder_of};
use crate::stop::{self, Stop, Stopper};
use crate::subscriber::Subscriber;

/// The file of the default database, in the state directory. Spin gives it the same name.
const DATABASE_FILE: &str = "sqlite_db.db";
/// How often loops that never wait are made to yield, when requests have a time limit.
const EPOCH: Duration = Duration::from_millis(2);

/// An application that runs in this process.
pub struct Host;

impl Host {
    /// Loads the application and serves it. Must be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// Occurs when the manifest is wrong or asks for something unsupported, a component does not load,
    /// or the address is taken. A Redis server that is down is no error: the trigger keeps trying.
    pub async fn start(options: Options) -> Result<Running> {
        // TLS to Redis and PostgreSQL. Only the first call counts, and all of them say the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Reading and compiling take seconds, which an async thread must not spend.
        let options = Arc::new(options);
        let shared = Arc::clone(&options);
        let loaded = tokio::task::spawn_blocking(move || Loaded::new(&shared)).await??;
        loaded.run(&options).await
    }
}

/// A running application. Without [`Running::shutdown`] it runs until the runtime that started it ends.
pub struct Running {
    address: SocketAddr,
    stop: Stopper,
    server: Server,
    subscribers: Vec<JoinHandle<()>>,
    grace: Duration,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests and messages in flight finish within the grace period, and returns.
    ///
    /// # Errors
    ///
    /// Occurs when something was still in flight at the end of the grace period.
    pub async fn shutdown(self) -> Result<()> {
        self.stop.stop();
        let finished = async {
            self.server.finished().await;
            for subscriber in self.subscribers {
                let _ = subscriber.await;
            }
        };
        if tokio::time::timeout(self.grace, finished).await.is_err() {
            bail!("gave up on requests in flight after {:?}", self.grace);
        }
        Ok(())
    }
}

/// Components compiled and their imports resolved.
struct Loaded {
    engine: Engine,
    application: Application,
    components: BTreeMap<String, (Arc<ComponentContext>, InstancePre<Guest>)>,
}

impl Loaded {
    fn new(options: &Options) -> Result<Self> {
        let mut application = Manifest::read(&options.manifest)?.resolve(
            folder_of(&options.manifest),
            &options.components,
            &options.variables,
            &options.environment_variables,
        )?;
        std::fs::create_dir_all(&options.state_dir)
            .with_context(|| format!("cannot make {}", options.state_dir.display()))?;
        let database = options.state_dir.join(DATABASE_FILE);
        let engine = engine::engine(&options.cache_dir, &options.instances)?;
        let linker = engine::linker(&engine)?;
        let mut components = BTreeMap::new();
        for (id, component) in std::mem::take(&mut application.components) {
            let pre = engine::load(&linker, &component.source).with_context(|| format!("component {id:?}"))?;
            let context = Arc::new(context(&id, component, &database, options));
            components.insert(id, (context, pre));
        }
        Ok(Self { engine, application, components })
    }

    async fn run(self, options: &Options) -> Result<Running> {
        let (stop, stopped) = stop::signal();
        let service = |_| {
            let routes = Routes::new(self.routes(options, &stopped)?)?;
            Ok(Service::new(routes, options.connections.body_timeout))
        };
        let services = (0..options.threads.max(1)).map(service).collect::<Result<Vec<_>>>()?;
        let mut subscribers = Vec::new();
        for trigger in self.application.redis {
            let (context, pre) = &self.components[&trigger.component];
            let timeout = options.instances.request_timeout;
            let subscriber = Subscriber::new(trigger, &self.engine, pre.clone(), context, timeout)
                .with_context(|| format!("component {:?}", context.id))?;
            subscribers.push(subscriber);
        }
        let server = http::serve(options.listen, services, options.connections, stopped.clone()).await?;
        if options.instances.request_timeout.is_some() {
            tokio::spawn(tick(self.engine, stopped.clone()));
        }
        let run = |subscriber: Subscriber| tokio::spawn(subscriber.run(stopped.clone()));
        let subscribers = subscribers.into_iter().map(run).collect();
        Ok(Running { address: server.address, stop, server, subscribers, grace: options.shutdown_grace })
    }

    /// The routes, those of one component sharing its pool.
    fn routes(&self, options: &Options, stop: &Stop) -> Result<Vec<(String, http::Pool)>> {
        let mut pools = BTreeMap::new();
        let mut routes = Vec::new();
        for trigger in &self.application.http {
            let id = &trigger.component;
            if !pools.contains_key(id) {
                let (context, pre) = &self.components[id];
                let pool = Recipe::pool(&self.engine, pre.clone(), context, options.instances, stop.clone())
                    .with_context(|| format!("component {id:?}"))?;
                pools.insert(id, pool);
            }
            routes.push((trigger.route.clone(), pools[id].clone()));
        }
        Ok(routes)
    }
}

fn context(id: &str, component: Component, database: &std::path::Path, options: &Options) -> ComponentContext {
    ComponentContext {
        id: id.to_owned(),
        variables: component.variables,
        environment: component.environment.into_iter().collect(),
        allowed_hosts: component.allowed_hosts,
        sqlite_file: component.sqlite.then(|| PathBuf::from(database)),
        postgres: Pools::default(),
        faults: options.faults.clone(),
        clock_offset_ms: options.clock_offset_ms.clone(),
        calls: AtomicU64::new(0),
    }
}

/// Advances the engine's epoch until the host stops.
async fn tick(engine: Engine, mut stop: Stop) {
    let mut interval = tokio::time::interval(EPOCH);
    loop {
        tokio::select! {
            _ = interval.tick() => engine.increment_epoch(),
            () = stop.requested() => return,
        }
    }
}
