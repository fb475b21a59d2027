//! Connections: which addresses are allowed, and the pools they come from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};

use super::Error;
use crate::outbound::AllowedHosts;

/// How many connections one component may have to one address. More calls wait for a free one.
const POOL_SIZE: usize = 64;
/// How many addresses a component may use.
const ADDRESS_LIMIT: usize = 16;

/// The resource `connection`: back in its pool when the last clone is gone.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct Connection(pub(super) Arc<Object>);

/// The resource `connection-builder`. Without TLS there is nothing to set but the address.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct Builder {
    pub(super) address: String,
}

/// The pools of one component, by address.
#[derive(Default)]
pub(crate) struct Pools(Mutex<BTreeMap<String, Pool>>);

impl Pools {
    /// A connection to `address`, opened or waited for.
    pub(super) async fn get(&self, allowed: &AllowedHosts, address: &str) -> Result<Connection, Error> {
        let pool = self.pool(allowed, address).map_err(Error::ConnectionFailed)?;
        let connection = pool.get().await.map_err(|error| Error::ConnectionFailed(format!("{error:?}")))?;
        Ok(Connection(Arc::new(connection)))
    }

    fn pool(&self, allowed: &AllowedHosts, address: &str) -> Result<Pool, String> {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(address) {
            return Ok(pool.clone());
        }
        let config: Config = address.parse().map_err(|error: tokio_postgres::Error| error.to_string())?;
        check(allowed, &config)?;
        if pools.len() >= ADDRESS_LIMIT {
            return Err(format!("a component may use {ADDRESS_LIMIT} addresses"));
        }
        // As in Spin: the clean-up resets the session's settings and does not roll back.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Clean };
        let manager = Manager::from_config(config, NoTls, recycling);
        let pool = Pool::builder(manager).max_size(POOL_SIZE).build().map_err(|error| error.to_string())?;
        pools.insert(address.to_owned(), pool.clone());
        Ok(pool)
    }
}

/// Whether every server that the address names may be connected to.
fn check(allowed: &AllowedHosts, config: &Config) -> Result<(), String> {
    if !matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
        return Err("TLS to Postgres is not supported by this host: use sslmode=disable".to_owned());
    }
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
            ("postgres://db/hongbao?sslmode=require", Some("TLS")),
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
