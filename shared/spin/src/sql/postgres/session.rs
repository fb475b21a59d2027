//! Connections to a server that accepts writes, whose statements the server itself gives up on.
//!
//! The runtime's pool keeps connections for ever, also those to a server that was demoted, which goes on answering reads
//! with what gets older. And a pooler in front of the server refuses settings in the start-up packet. So a connection is
//! asked before its use, at most once a second: whether it accepts writes, and for how long a statement may run.
//!
//! **Invariant:** a connection to a server that accepts no writes is ended on the server, never given back: the pool, and
//! a pooler, then have none of them left to hand out.

use core::time::Duration;
use std::cell::RefCell;
use std::time::Instant;

use spin_sdk::pg::Connection;

use super::{Cause, Failure, Value, open, rows_of};

/// The first column says `on` where nothing can be written. Where nobody has set a limit the session gets one: the server
/// gives up on a statement before we do. Behind a pooler the next statement may run in another session, so there the
/// login's own limit counts (`ALTER ROLE … SET statement_timeout`), which is left as it is.
const CHECK: &str = "SELECT current_setting('transaction_read_only'), \
     CASE current_setting('statement_timeout') WHEN '0' THEN set_config('statement_timeout', '2900', false) END";
/// Ends the session that it runs in, which every login may do with its own.
const END: &str = "SELECT pg_terminate_backend(pg_backend_pid())";
/// How long a connection that was asked is believed.
const CHECK_EVERY: Duration = Duration::from_millis(1_000);
/// How many connections to a demoted server a pool may have: as many as Spin's holds, and one new one.
const STALE_MAX: usize = 65;
/// What the client itself looks at when it connects, unless the address says otherwise: with several hosts in the address
/// it goes on to the one that accepts writes; and what a server that has vanished does not acknowledge within a second
/// ends the connection.
const PARAMETERS: [(&str, &str); 4] = [
    ("target_session_attrs", "read-write"),
    ("connect_timeout", "2"),
    ("tcp_user_timeout", "1"),
    ("application_name", "hongbao"),
];

/// A connection that accepts writes, as of at most a second ago.
pub(super) struct Session {
    pub(super) connection: Connection,
    checked_at: Instant,
}

thread_local! {
    /// The connection that nobody uses now. One an instance: the host keeps the others for all instances.
    static IDLE: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// The address with these parameters, as far as it does not have them.
pub(super) fn address(url: &str) -> String {
    PARAMETERS.iter().fold(url.to_owned(), |url, (name, value)| with(&url, name, value))
}

/// The address with one more parameter, unless it has it.
pub(super) fn with(url: &str, name: &str, value: &str) -> String {
    let has = |pair: &str| pair.split('=').next() == Some(name);
    match url.split_once('?') {
        Some((_, query)) if query.split('&').any(has) => url.to_owned(),
        Some(_) => format!("{url}&{name}={value}"),
        None => format!("{url}?{name}={value}"),
    }
}

impl Session {
    /// The idle one, else one of the runtime's pool.
    pub(super) async fn take(address: &str) -> Result<Self, Failure> {
        let mut idle = match IDLE.take() {
            Some(session) if session.checked_at.elapsed() < CHECK_EVERY => return Ok(session),
            session => session.map(|session| session.connection),
        };
        for _ in 0..STALE_MAX {
            let connection = match idle.take() {
                Some(connection) => connection,
                None => open(address).await?,
            };
            match rows_of(&connection, CHECK, vec![]).await {
                Ok(rows) if rows.first().and_then(|row| row.first()) == Some(&Value::Text("off".to_owned())) => {
                    return Ok(Self { connection, checked_at: Instant::now() });
                }
                Ok(_) => end(&connection).await,
                // Closed while it was idle.
                Err(failure) if failure.cause == Cause::Lost => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::lost("the database accepts no writes"))
    }

    /// Keeps it for the next statement.
    pub(super) fn keep(self) {
        IDLE.set(Some(self));
    }

    /// Ends it: the server it leads to is not the one to talk to.
    pub(super) async fn leave(self) {
        end(&self.connection).await;
    }
}

async fn end(connection: &Connection) {
    // The answer is that there is none.
    let _ = rows_of(connection, END, vec![]).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_keeps_what_it_says_and_gets_what_it_does_not() {
        let all = "target_session_attrs=read-write&connect_timeout=2&tcp_user_timeout=1&application_name=hongbao";
        for (url, expected) in [
            ("postgres://a/b", format!("postgres://a/b?{all}")),
            ("postgres://a/b?sslmode=require", format!("postgres://a/b?sslmode=require&{all}")),
            (
                "postgres://a/b?connect_timeout=9&target_session_attrs=any",
                "postgres://a/b?connect_timeout=9&target_session_attrs=any&tcp_user_timeout=1&application_name=hongbao"
                    .to_owned(),
            ),
        ] {
            assert_eq!(super::address(url), expected);
        }
    }
}
