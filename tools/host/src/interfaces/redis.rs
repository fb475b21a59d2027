//! `spin:redis@3.0.0`: every connection is a TCP connection of its own, on which concurrent calls
//! pipeline. As in Spin, there is no reconnecting and no time limit on a call: both are the component's.

use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::io::tcp::TcpSettings;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, ServerErrorKind,
    Value, cmd,
};
use hongbao_outbound::without_secrets;
use wasmtime::component::{Accessor, HasSelf, Resource};

use super::bindings::spin::redis::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, Payload, RedisParameter, RedisResult,
};
use super::{component, push, with_resource};
use crate::faults::INJECTED;
use crate::guest::Guest;

/// Long enough for a slow network, short enough that a dead server is noticed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The resource `connection`.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
#[derive(Clone)]
pub struct Connection(MultiplexedConnection);

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Caller<T> = Accessor<T, HasSelf<Guest>>;

impl Host for Guest {}

impl HostConnection for Guest {
    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open(accessor: &Caller<T>, address: String) -> Answer<Resource<Connection>> {
        let component = component(accessor);
        let work = async {
            if !component.allowed_hosts.allows(&address) {
                tracing::warn!(
                    component = component.id,
                    "not in allowed_outbound_hosts: {}",
                    without_secrets(&address)
                );
                return Err(Error::InvalidAddress);
            }
            connect(&address).await
        };
        match component.call("redis.open", injected, work).await? {
            Ok(connection) => push(accessor, Connection(connection)).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn publish(
        accessor: &Caller<T>,
        connection: Resource<Connection>,
        channel: String,
        payload: Payload,
    ) -> Answer<()> {
        let mut command = cmd("PUBLISH");
        command.arg(channel).arg(payload);
        query(accessor, &connection, "redis.publish", command).await
    }

    async fn get(accessor: &Caller<T>, connection: Resource<Connection>, key: String) -> Answer<Option<Payload>> {
        let mut command = cmd("GET");
        command.arg(key);
        query(accessor, &connection, "redis.get", command).await
    }

    async fn set(accessor: &Caller<T>, connection: Resource<Connection>, key: String, value: Payload) -> Answer<()> {
        let mut command = cmd("SET");
        command.arg(key).arg(value);
        query(accessor, &connection, "redis.set", command).await
    }

    async fn incr(accessor: &Caller<T>, connection: Resource<Connection>, key: String) -> Answer<i64> {
        let mut command = cmd("INCRBY");
        command.arg(key).arg(1);
        query(accessor, &connection, "redis.incr", command).await
    }

    async fn del(accessor: &Caller<T>, connection: Resource<Connection>, keys: Vec<String>) -> Answer<u32> {
        let mut command = cmd("DEL");
        command.arg(keys);
        query(accessor, &connection, "redis.del", command).await
    }

    async fn sadd(
        accessor: &Caller<T>,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("SADD");
        command.arg(key).arg(values);
        query(accessor, &connection, "redis.sadd", command).await
    }

    async fn smembers(accessor: &Caller<T>, connection: Resource<Connection>, key: String) -> Answer<Vec<String>> {
        let mut command = cmd("SMEMBERS");
        command.arg(key);
        query(accessor, &connection, "redis.smembers", command).await
    }

    async fn srem(
        accessor: &Caller<T>,
        connection: Resource<Connection>,
        key: String,
        values: Vec<String>,
    ) -> Answer<u32> {
        let mut command = cmd("SREM");
        command.arg(key).arg(values);
        query(accessor, &connection, "redis.srem", command).await
    }

    async fn execute(
        accessor: &Caller<T>,
        connection: Resource<Connection>,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<RedisResult>> {
        let mut command = cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let reply = query(accessor, &connection, "redis.execute", command).await?;
        Ok(reply.and_then(flatten))
    }
}

/// Sends one command on the connection.
async fn query<T: Send, R: FromRedisValue>(
    accessor: &Caller<T>,
    connection: &Resource<Connection>,
    function: &'static str,
    command: Cmd,
) -> Answer<R> {
    let (component, mut connection) = with_resource(accessor, connection)?;
    let work = async { command.query_async(&mut connection.0).await.map_err(|error| other(&error)) };
    component.call(function, injected, work).await
}

async fn connect(address: &str) -> Result<MultiplexedConnection, Error> {
    let info = address.into_connection_info().map_err(|_| Error::InvalidAddress)?;
    // Requests are small and wait for their answers: Nagle's algorithm would only hold them back.
    let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None);
    let client = Client::open(info).map_err(|_| Error::InvalidAddress)?;
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(|error| other(&error))
}

/// Turns a reply into the interface's flat list, as Spin does: nested lists lose their nesting.
fn flatten(reply: Value) -> Result<Vec<RedisResult>, Error> {
    let mut results = Vec::new();
    append(&mut results, reply)?;
    Ok(results)
}

fn append(results: &mut Vec<RedisResult>, value: Value) -> Result<(), Error> {
    results.push(match value {
        Value::Nil => RedisResult::Nil,
        Value::Int(number) => RedisResult::Int64(number),
        Value::Boolean(truth) => RedisResult::Int64(truth.into()),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => RedisResult::Binary(bytes),
        Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".to_owned()),
        Value::Array(values) | Value::Set(values) => {
            results.reserve(values.len());
            return values.into_iter().try_for_each(|value| append(results, value));
        }
        Value::ServerError(error) => return Err(other(&error.into())),
        Value::Map(_) => return Err(unsupported("map")),
        Value::Attribute { .. } => return Err(unsupported("attribute")),
        Value::VerbatimString { .. } => return Err(unsupported("verbatim string")),
        Value::Push { .. } => return Err(unsupported("push")),
        _ => return Err(unsupported("unknown kind")),
    });
    Ok(())
}

fn unsupported(kind: &str) -> Error {
    Error::Other(format!("a reply of the kind {kind} is not supported"))
}

/// The error's text, worded as Spin's version of the client words it: components look into it.
fn other(error: &RedisError) -> Error {
    let Some(code) = error.code() else { return Error::Other(error.to_string()) };
    let kind = match error.kind() {
        ErrorKind::Server(ServerErrorKind::ExecAbort) => "ExecAbortError",
        ErrorKind::Server(ServerErrorKind::BusyLoading) => "BusyLoadingError",
        ErrorKind::Server(ServerErrorKind::NoScript) => "NoScriptError",
        ErrorKind::Server(ServerErrorKind::ResponseError) => "ResponseError",
        ErrorKind::Server(ServerErrorKind::ReadOnly) => "ReadOnly",
        ErrorKind::Server(ServerErrorKind::MasterDown) => "MasterDown",
        ErrorKind::Server(ServerErrorKind::ClusterDown) => "ClusterDown",
        ErrorKind::Server(ServerErrorKind::Moved) => "Moved",
        ErrorKind::Server(ServerErrorKind::Ask) => "Ask",
        ErrorKind::Server(ServerErrorKind::TryAgain) => "TryAgain",
        ErrorKind::Server(ServerErrorKind::CrossSlot) => "CrossSlot",
        ErrorKind::Server(ServerErrorKind::NotBusy) => "NotBusy",
        ErrorKind::Server(ServerErrorKind::NoSub) => "NoSub",
        // A script's own code, or one that this application cannot meet: no prose before it.
        _ => return Error::Other(format!("{code}: {}", error.detail().unwrap_or_default())),
    };
    let detail = error.detail().unwrap_or_default();
    Error::Other(format!("An error was signalled by the server - {kind}: {detail}"))
}

fn injected() -> Error {
    Error::Other(INJECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn replies_flatten_as_in_spin() {
        let nested = Value::Array(vec![
            Value::Int(1),
            Value::Array(vec![bulk("a"), Value::Nil, Value::Array(vec![])]),
            Value::Set(vec![Value::Boolean(true)]),
        ]);
        for (reply, expected) in [
            (Value::Nil, "[RedisResult::Nil]"),
            (Value::Okay, "[RedisResult::Status(\"OK\")]"),
            (Value::SimpleString("PONG".to_owned()), "[RedisResult::Status(\"PONG\")]"),
            (bulk("a"), "[RedisResult::Binary([97])]"),
            (Value::Double(0.5), "[RedisResult::Binary([48, 46, 53])]"),
            (Value::Array(vec![]), "[]"),
            (nested, "[RedisResult::Int64(1), RedisResult::Binary([97]), RedisResult::Nil, RedisResult::Int64(1)]"),
        ] {
            let text = format!("{reply:?}");
            assert_eq!(format!("{:?}", flatten(reply).expect(&text)), expected, "{text}");
        }
    }

    #[test]
    fn a_map_anywhere_fails_the_whole_reply() {
        let reply = Value::Array(vec![Value::Int(1), Value::Map(vec![])]);
        let error = flatten(reply).expect_err("maps are not supported");
        assert!(matches!(error, Error::Other(text) if text.contains("map")));
    }
}
