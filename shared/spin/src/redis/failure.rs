//! Why a call to Redis got no answer: one table of what the servers and the client say.
//!
//! The binding passes on nothing but the client's text. A server's own error begins with its code: the client of Spin
//! 4.1 (redis 0.32, whose words the project's host uses too) names the codes it knows by names of its own behind a fixed
//! sentence, and gives every other as it came, `CODE: words`. Anything else is the connection's or the client's.

use hongbao_core::Error;

/// Why a call got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The server refused the command: its words.
    Refused(String),
    /// The connection failed, the deadline passed, or this server is not the one to talk to, any more or yet: a new
    /// connection may lead to another one. Whether the command ran is unknown.
    Lost(String),
}

/// What is to be done about a server's error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Remedy {
    /// A new connection: see [`Failure::Lost`].
    Reconnect,
    /// None: the command is refused, and this says more than the server does.
    Tell(&'static str),
}

/// What Spin's client puts in front of the codes that it knows.
const KNOWN: &str = "An error was signalled by the server - ";

/// Codes by Redis' own name and by that of Spin's client. One that is not here refuses the command.
const CODES: &[(&str, &str, Remedy)] = &[
    // A primary that was demoted, or a replica that was never promoted.
    ("READONLY", "ReadOnly", Remedy::Reconnect),
    // A server that starts: another may have taken over.
    ("LOADING", "BusyLoadingError", Remedy::Reconnect),
    // A replica that has lost its primary, a node whose cluster has.
    ("MASTERDOWN", "MasterDown", Remedy::Reconnect),
    ("CLUSTERDOWN", "ClusterDown", Remedy::Reconnect),
    ("TRYAGAIN", "TryAgain", Remedy::Reconnect),
    // A primary that has lost its replicas: cut off, and perhaps replaced.
    ("NOREPLICAS", "NoReplicas", Remedy::Reconnect),
    // It was demoted while the command waited.
    ("UNBLOCKED", "Unblocked", Remedy::Reconnect),
    // The password was set after the connection was made.
    ("NOAUTH", "NoAuth", Remedy::Reconnect),
    ("NOPERM", "NoPerm", Remedy::Tell("the user in redis_urls lacks a right")),
    ("WRONGPASS", "WrongPass", Remedy::Tell("the user or the password in redis_urls is wrong")),
    ("MOVED", "Moved", Remedy::Tell(CLUSTER)),
    ("ASK", "Ask", Remedy::Tell(CLUSTER)),
    ("MISCONF", "MisConf", Remedy::Tell("the server cannot write to its disk")),
];

const CLUSTER: &str = "redis_urls names a node of a cluster that does not hold this shard's keys";

impl Failure {
    /// Sorts the text of an error.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let Some(code) = code(text) else { return Self::Lost(text.to_owned()) };
        let known = CODES.iter().find(|(redis, client, _)| code == *redis || code == *client);
        match known.map(|(_, _, remedy)| *remedy) {
            Some(Remedy::Reconnect) => Self::Lost(text.to_owned()),
            Some(Remedy::Tell(more)) => Self::Refused(format!("{more}: {text}")),
            None => Self::Refused(text.to_owned()),
        }
    }

    /// The failure of a connection that could not be made.
    #[must_use]
    pub fn of_opening(error: &spin_sdk::redis::Error) -> Self {
        use spin_sdk::redis::Error as Opening;
        Self::Lost(match error {
            Opening::InvalidAddress => "redis_urls has an address that redis_hosts does not allow".to_owned(),
            Opening::TooManyConnections => "the runtime allows no more connections".to_owned(),
            Opening::TypeError => "an answer of another type".to_owned(),
            Opening::Other(text) if text.contains("AuthenticationFailed") || text.contains("WRONGPASS") => {
                format!("the user or the password in redis_urls is wrong: {text}")
            }
            Opening::Other(text) if text.contains("NOAUTH") => format!("redis_urls has no password: {text}"),
            Opening::Other(text) => text.clone(),
        })
    }

    /// The failure of a call on a connection.
    #[must_use]
    pub fn of_call(error: spin_sdk::redis::Error) -> Self {
        match error {
            spin_sdk::redis::Error::Other(text) => Self::of(&text),
            other => Self::Lost(other.to_string()),
        }
    }
}

/// The code that a server's own error begins with.
fn code(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(KNOWN) {
        return rest.split(':').next();
    }
    let (first, _) = text.split_once([':', ' '])?;
    let is_code = first.len() > 2 && first.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code.then_some(first)
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(cause) => Self::Unavailable(format!("redis refused: {cause}")),
            Failure::Lost(cause) => Self::Unavailable(format!("redis is out of reach: {cause}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn a_server_that_is_not_the_one_to_talk_to_is_a_lost_connection_in_both_runtimes_words() {
        for text in [
            "An error was signalled by the server - ReadOnly: You can't write against a read only replica.",
            "READONLY: You can't write against a read only replica.",
            "An error was signalled by the server - BusyLoadingError: Redis is loading the dataset in memory",
            "LOADING: Redis is loading the dataset in memory",
            "An error was signalled by the server - MasterDown: Link with MASTER is down",
            "MASTERDOWN: Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "An error was signalled by the server - ClusterDown: The cluster is down",
            "NOREPLICAS: Not enough good replicas to write.",
            "UNBLOCKED: force unblock from blocking operation, instance state changed (master -> replica?)",
            "NOAUTH: Authentication required.",
            "Connection reset by peer (os error 104)",
            "Connection refused (os error 111)",
            "broken pipe",
            "Multiplexed connection driver unexpectedly terminated- IoError",
            "injected fault",
        ] {
            assert_eq!(Failure::of(text), Failure::Lost(text.to_owned()));
        }
    }

    #[test]
    fn a_command_that_is_refused_keeps_the_connection() {
        for text in [
            "An error was signalled by the server - NoScriptError: No matching script. Please use EVAL.",
            "An error was signalled by the server - ResponseError: wrong number of arguments",
            "OOM: command not allowed when used memory > 'maxmemory'.",
            "BUSYGROUP: Consumer Group name already exists",
            "NOGROUP: No such key",
            "WRONGTYPE: Operation against a key holding the wrong kind of value",
            "BUSY: Redis is busy running a script.",
        ] {
            assert_eq!(Failure::of(text), Failure::Refused(text.to_owned()));
        }
    }

    #[test]
    fn a_mistake_in_the_configuration_names_the_variable() {
        for text in [
            "An error was signalled by the server - Moved: 1234 127.0.0.1:7001",
            "NOPERM: this user has no permissions to run the 'evalsha' command",
            "WRONGPASS: invalid username-password pair or user is disabled.",
        ] {
            let Failure::Refused(told) = Failure::of(text) else { panic!("{text}") };
            assert!(told.contains("redis_urls") && told.ends_with(text), "{told}");
        }
    }
}
