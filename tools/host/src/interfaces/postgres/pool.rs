//! Connections: which addresses are allowed, and the pools they come from.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use hongbao_outbound::AllowedHosts;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;

/// How long a server may take to accept a connection, and to show that one which was idle still works. A server that
/// vanished without closing its connections is found out by this.
const CONNECTION_LIMIT: Duration = Duration::from_secs(1);
/// How many connections one component may have to one address. More calls wait for a free one.
const POOL_SIZE: usize = 64;
/// How many addresses a component may use at a time.
const ADDRESS_LIMIT: usize = 16;

/// The resource `connection`: back in its pool when the last clone is gone.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct Connection(pub(super) Arc<Object>);

/// The resource `connection-builder`. There is nothing to set but the address.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct Builder {
    pub(super) address: String,
}

/// The pools of one component, by address.
#[derive(Default)]
pub(crate) struct Pools(Mutex<BTreeMap<String, Used>>);

struct Used {
    pool: Pool,
    at: Instant,
}

/// Whom TLS trusts: the authorities of the system, or of the file that the environment's SSL_CERT_FILE names.
static TLS: LazyLock<ClientConfig> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!("an authority of this system cannot be read: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
});

impl Pools {
    /// A connection to `address`, opened or waited for.
    pub(super) async fn get(&self, allowed: &AllowedHosts, address: &str) -> Result<Connection, Error> {
        let pool = self.pool(allowed, address).map_err(Error::ConnectionFailed)?;
        let connection = pool.get().await.map_err(|error| Error::ConnectionFailed(format!("{error:?}")))?;
        Ok(Connection(Arc::new(connection)))
    }

    fn pool(&self, allowed: &AllowedHosts, address: &str) -> Result<Pool, String> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = pools.get_mut(address) {
            used.at = Instant::now();
            return Ok(used.pool.clone());
        }
        let config: Config = address.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
        check(allowed, &config)?;
        if pools.len() >= ADDRESS_LIMIT {
            // As in Spin: who comes next is served, and the pool that nobody used for longest goes. Connections of it
            // that are in use now live on until they are given back.
            let oldest = pools.iter().min_by_key(|(_, used)| used.at).map(|(address, _)| address.clone());
            pools.remove(&oldest.unwrap_or_default());
        }
        let pool = new_pool(config)?;
        pools.insert(address.to_owned(), Used { pool: pool.clone(), at: Instant::now() });
        Ok(pool)
    }
}

fn new_pool(config: Config) -> Result<Pool, String> {
    // As in Spin: the clean-up resets the session's settings and does not roll back, and everything but
    // `sslmode=disable` is a client that speaks TLS where the server does.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Clean };
    let manager = if config.get_ssl_mode() == SslMode::Disable {
        Manager::from_config(config, NoTls, recycling)
    } else {
        Manager::from_config(config, MakeRustlsConnect::new(TLS.clone()), recycling)
    };
    let pool = Pool::builder(manager).max_size(POOL_SIZE).runtime(Runtime::Tokio1);
    let pool = pool.create_timeout(Some(CONNECTION_LIMIT)).recycle_timeout(Some(CONNECTION_LIMIT));
    pool.build().map_err(|error| error.to_string())
}

/// Whether every server that the address names may be connected to.
fn check(allowed: &AllowedHosts, config: &Config) -> Result<(), String> {
    if config.get_hosts().is_empty() {
        return Err("the address names no host".to_owned());
    }
    let ports = config.get_ports();
    for (number, host) in config.get_hosts().iter().enumerate() {
        let Host::Tcp(host) = host else {
            return Err("Unix sockets are not supported".to_owned());
        };
        // One port stands for all hosts.
        let port = ports.get(number).or(ports.first()).map(|port| format!(":{port}")).unwrap_or_default();
        let url = format!("postgres://{host}{port}");
        if !allowed.allows(&url) {
            return Err(format!("address {url} is not permitted"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allowed_servers_are_reached_in_either_notation() {
        let allowed = AllowedHosts::parse(&["postgres://db:5432".to_owned()]).expect("valid");
        for (address, reason) in [
            ("postgres://user:secret@db/hongbao", None),
            ("host=db user=hongbao", None),
            ("host=db port=5432 sslmode=disable", None),
            ("postgres://db:5433/hongbao", Some("not permitted")),
            ("host=db,other user=hongbao", Some("postgres://other is not permitted")),
            ("host=/run/postgresql", Some("Unix sockets")),
            ("user=hongbao", Some("no host")),
            ("postgres://db/hongbao?sslmode=require", None),
        ] {
            let config: Config = address.parse().expect(address);
            match (check(&allowed, &config), reason) {
                (Ok(()), None) => {}
                (Err(text), Some(reason)) => assert!(text.contains(reason), "{text}"),
                (result, _) => panic!("{address}: {result:?}"),
            }
        }
    }
}
