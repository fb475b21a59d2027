//! What a host is started with.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use crate::faults::Faults;

/// Everything that `Host::start` needs. [`Options::new`] gives the defaults of the command line.
#[derive(Clone)]
pub struct Options {
    /// The manifest's file.
    pub manifest: PathBuf,
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values of the manifest's variables; one that is not declared is an error.
    pub variables: BTreeMap<String, String>,
    /// Values of second rank, from the environment; what is not declared is ignored.
    pub environment_variables: BTreeMap<String, String>,
    /// Where the SQLite database lives.
    pub state_dir: PathBuf,
    /// Where compiled components are kept. Hosts may share it.
    pub cache_dir: PathBuf,
    /// The components whose triggers run. Empty means all.
    pub components: Vec<String>,
    /// How many threads serve HTTP, each with instances of its own.
    pub threads: usize,
    /// How long instances live and how much they take on.
    pub instances: Instances,
    /// How many connections there are and how long they wait for their clients.
    pub connections: Connections,
    /// How long a shutdown waits for requests in flight.
    pub shutdown_grace: Duration,
    /// Decides the fate of host calls, for tests.
    pub faults: Option<Arc<dyn Faults>>,
    /// How far ahead of the real one the components' wall clock is, in milliseconds, for tests. It may
    /// change while the host runs.
    pub clock_offset_ms: Option<Arc<AtomicI64>>,
}

/// The limits of component instances.
#[derive(Clone, Copy, Debug)]
pub struct Instances {
    /// How many requests an instance answers in its life.
    pub max_reuse_count: usize,
    /// How many requests an instance answers at once.
    pub max_concurrent_reuse_count: usize,
    /// How long an instance with nothing to do is kept.
    pub idle_timeout: Duration,
    /// How long a request may take, if limited.
    pub request_timeout: Option<Duration>,
    /// How many instances there may be at once, of all components together. Each reserves some 4 GiB of
    /// address space (not memory), which the system must allow.
    pub max_count: u32,
}

impl Instances {
    /// The default of [`Instances::max_reuse_count`]. Spin has 128; each new instance costs about as much
    /// as 20 requests, and a tenth of the throughput is gained by making fewer.
    pub const MAX_REUSE_COUNT: usize = 10_000;
    /// The default of [`Instances::max_concurrent_reuse_count`]. Spin has 16; requests that share an instance share its
    /// connections, where their commands go out together, and its memory: a grab took a tenth less at 128. More than
    /// the components' own limit of requests in hand, so that it is theirs that refuses.
    pub const MAX_CONCURRENT_REUSE_COUNT: usize = 512;
    /// The default of [`Instances::idle_timeout`], in milliseconds.
    pub const IDLE_TIMEOUT_MS: u64 = 1_000;
    /// The default of [`Instances::max_count`].
    pub const MAX_COUNT: u32 = 1_000;
}

impl Default for Instances {
    fn default() -> Self {
        Self {
            max_reuse_count: Self::MAX_REUSE_COUNT,
            max_concurrent_reuse_count: Self::MAX_CONCURRENT_REUSE_COUNT,
            idle_timeout: Duration::from_millis(Self::IDLE_TIMEOUT_MS),
            request_timeout: None,
            max_count: Self::MAX_COUNT,
        }
    }
}

/// The limits of inbound connections.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// How many there may be at once. More clients wait in the kernel's queue.
    pub max_count: usize,
    /// How long a client may take to send a request's head.
    pub header_timeout: Duration,
    /// How long a client may take to send a request's body.
    pub body_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle_timeout: Duration,
    /// How long a client may read nothing of an answer that is ready.
    pub write_timeout: Duration,
}

impl Connections {
    /// The default of [`Connections::max_count`].
    pub const MAX_COUNT: usize = 4_096;
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            max_count: Self::MAX_COUNT,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// How long a shutdown waits by default, in milliseconds.
    pub const SHUTDOWN_GRACE_MS: u64 = 10_000;
    /// What the names of environment variables that set manifest variables begin with.
    pub const VARIABLE_PREFIX: &str = "SPIN_VARIABLE_";

    /// The defaults for the manifest at `manifest`: a free port of this machine only, state beside the
    /// manifest in `.spin`, as `spin up` keeps it.
    #[must_use]
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        let manifest = manifest.into();
        let state_dir = folder_of(&manifest).join(".spin");
        Self {
            cache_dir: state_dir.join("compiled"),
            manifest,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            variables: BTreeMap::new(),
            environment_variables: BTreeMap::new(),
            state_dir,
            components: Vec::new(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            instances: Instances::default(),
            connections: Connections::default(),
            shutdown_grace: Duration::from_millis(Self::SHUTDOWN_GRACE_MS),
            faults: None,
            clock_offset_ms: None,
        }
    }
}

/// The folder that relative paths of the manifest start from.
pub(crate) fn folder_of(manifest: &Path) -> &Path {
    manifest.parent().unwrap_or(Path::new(""))
}
