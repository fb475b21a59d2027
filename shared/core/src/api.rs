//! The HTTP contract as one table: what can be asked, by which method and path, with which query, by whom.
//!
//! Components find what they are asked for here ([`find`]), read the query by it ([`Query`]), and with the feature
//! `schema` the same table and the wire types make `/openapi.json` ([`document`]), so that the two cannot differ.
//!
//! To add an endpoint: one row below, one arm in `describe.rs`, an example of each new type in `shared/core/examples.json`, and the
//! arm of the component that answers it.

#[cfg(feature = "schema")]
mod describe;
#[cfg(feature = "schema")]
mod document;
mod query;
#[cfg(feature = "schema")]
pub(crate) mod schema;

#[cfg(feature = "schema")]
pub use document::document;
pub use query::{Form, PAGE, Parameter, Query, packet_cursor, unescape};

use query::{
    AFTER_SHARE, BEFORE_EXCEPTION, BEFORE_NUMBER, BEFORE_PACKET, BOOKS_AFTER, BOOKS_LIMIT, EXCEPTION_STATE, LIMIT,
    ROLE, SHARES, YEAR,
};

use crate::Error;
use crate::wire::BODY_MAX_BYTES;
use crate::wire::operator::REASON_MAX_CHARS;

/// A request's method, as far as any endpoint has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Does something that has a natural id.
    Post,
    /// Sets.
    Put,
    /// Takes back.
    Delete,
}

impl Method {
    /// The method as requests name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether requests bring a body.
    #[must_use]
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
}

/// Whose token a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// No token.
    Nobody,
    /// A person's.
    Person,
    /// An operator's.
    Operator,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The method.
    pub method: Method,
    /// The path; `{…}` stands for one segment, of which a path has at most one.
    pub path: &'static str,
    /// Whose token it needs.
    pub caller: Caller,
    /// What its query may hold.
    pub query: &'static [Parameter],
}

impl Row {
    /// The largest body of a request.
    #[must_use]
    pub const fn body_max_bytes(&self) -> usize {
        match self.caller {
            Caller::Operator => OPERATORS_BODY_MAX_BYTES,
            Caller::Person | Caller::Nobody => BODY_MAX_BYTES,
        }
    }
}

/// The largest body of an operator's request. In JSON's escapes, a character of a reason is up to two of six characters.
const OPERATORS_BODY_MAX_BYTES: usize = BODY_MAX_BYTES + REASON_MAX_CHARS * 12;

macro_rules! endpoints {
    ($($name:ident: $method:ident $path:literal, $caller:ident, $query:expr, $summary:literal;)*) => {
        /// Something that can be asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Endpoint {
            $(#[doc = $summary] $name,)*
        }

        impl Endpoint {
            /// All of them, in the order in which they are described.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The endpoint's row of the table.
            #[must_use]
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$name => {
                        Row { method: Method::$method, path: $path, caller: Caller::$caller, query: $query }
                    })*
                }
            }

            /// The endpoint in a few words.
            #[cfg(feature = "schema")]
            pub(crate) const fn summary(self) -> &'static str {
                match self {
                    $(Self::$name => $summary,)*
                }
            }
        }
    };
}

endpoints! {
    Wrap: Post "/v1/wrap", Person, &[], "Wrap: check a packet and get a quote";
    Send: Post "/v1/send", Person, &[], "Send: move the total into escrow";
    Grab: Post "/v1/packets/{id}/grab", Person, &[], "Grab: bind the next share to the caller";
    Open: Post "/v1/packets/{id}/open", Person, &[], "Open: see what is in the share";
    Packet: Get "/v1/packets/{id}", Person, &[SHARES, AFTER_SHARE], "One packet: state, shares, proof";
    GroupPackets: Get "/v1/groups/{group}/packets", Person, &[LIMIT, BEFORE_PACKET], "A group's packets";
    Me: Get "/v1/me", Person, &[], "My wallet";
    Statement: Get "/v1/me/statement", Person, &[LIMIT, BEFORE_NUMBER], "My postings";
    MyPackets: Get "/v1/me/packets", Person, &[ROLE, YEAR, LIMIT, BEFORE_PACKET], "My packets and the year's totals";
    Inbox: Get "/v1/me/inbox", Person, &[LIMIT, BEFORE_PACKET], "Packets to me alone";
    DevLogin: Post "/v1/dev/login", Nobody, &[], "Be anybody, for trying things out";

    Deposit: Post "/v1/admin/deposits", Operator, &[], "Deposit money from outside";
    Stats: Get "/v1/admin/stats", Operator, &[], "The system in numbers";
    Metrics: Get "/metrics", Operator, &[], "The numbers for Prometheus";
    Reconcile: Get "/v1/admin/reconcile", Operator, &[BOOKS_LIMIT, BOOKS_AFTER], "Whether the books are sound";
    Exceptions: Get "/v1/admin/exceptions", Operator, &[EXCEPTION_STATE, LIMIT, BEFORE_EXCEPTION],
        "What no rule could decide";
    Exception: Get "/v1/admin/exceptions/{id}", Operator, &[], "One exception";
    Retry: Post "/v1/admin/exceptions/{id}/retry", Operator, &[], "Settle the entry again";
    Compensate: Post "/v1/admin/exceptions/{id}/compensate", Operator, &[], "Pay from suspense";
    Dismiss: Post "/v1/admin/exceptions/{id}/dismiss", Operator, &[], "Close with nothing owed";
    Switches: Get "/v1/admin/switches", Operator, &[], "The switches";
    SetSwitches: Put "/v1/admin/switches", Operator, &[], "Turn switches";
    Ladder: Get "/v1/admin/ladder", Operator, &[], "The ladder of what is given up under load";
    SetLadder: Put "/v1/admin/ladder", Operator, &[], "Set the ladder, or let it follow the load";
    Keys: Get "/v1/admin/keys", Operator, &[], "The signing keys, and which of them can be dropped";
    RiskRules: Get "/v1/admin/risk-rules", Operator, &[], "The risk rules";
    SetRiskRule: Put "/v1/admin/risk-rules/{rule}", Operator, &[], "Set a risk rule";
    RiskEvents: Get "/v1/admin/risk-events", Operator, &[LIMIT, BEFORE_NUMBER], "What risk rules saw";
    Blocked: Get "/v1/admin/blacklist/{user}", Operator, &[], "Whether a user is blocked";
    Block: Put "/v1/admin/blacklist/{user}", Operator, &[], "Block a user";
    Unblock: Delete "/v1/admin/blacklist/{user}", Operator, &[], "Unblock a user";
    Shards: Get "/v1/admin/shards", Operator, &[], "The shards";
    Shard: Get "/v1/admin/shards/{number}", Operator, &[], "One shard";
    WeighShard: Put "/v1/admin/shards/{number}", Operator, &[], "Weigh a shard";
    MoveShard: Post "/v1/admin/shards/{number}/move", Operator, &[], "Give a dead shard up: its packets live in SQL";
    Preheat: Post "/v1/admin/preheat", Operator, &[], "Make packets ready before they open";
    Audit: Get "/v1/admin/audit", Operator, &[LIMIT, BEFORE_NUMBER], "What operators did";
    Sweep: Post "/internal/sweep", Operator, &[], "Settle, close, refund, rebuild what is due";
}

/// Which of `endpoints` a request is for, and the segment of its `path` (without the query) that `{…}` stands for.
///
/// # Errors
/// [`Error::NotFound`] when none has the path; [`Error::MethodNotAllowed`], naming those it has, when none has the
/// method.
pub fn find(endpoints: &[Endpoint], method: &str, path: &str) -> Result<(Endpoint, Option<String>), Error> {
    let mut allowed = Vec::new();
    for endpoint in endpoints {
        let row = endpoint.row();
        let Some(segment) = segment_of(row.path, path) else { continue };
        if row.method.as_str() == method {
            return Ok((*endpoint, segment.map(|text| unescape(text).ok_or(Error::NotFound)).transpose()?));
        }
        allowed.push(row.method.as_str());
    }
    if allowed.is_empty() { Err(Error::NotFound) } else { Err(Error::MethodNotAllowed(allowed.join(", "))) }
}

/// What `{…}` in `template` stands for in `path`, if the two fit: `Some(None)` for a template without.
fn segment_of<'a>(template: &str, path: &'a str) -> Option<Option<&'a str>> {
    let Some((start, rest)) = template.split_once('{') else { return (template == path).then_some(None) };
    let (_, end) = rest.split_once('}')?;
    let segment = path.strip_prefix(start)?.strip_suffix(end)?;
    (!segment.is_empty() && !segment.contains('/')).then_some(Some(segment))
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, find};
    use crate::Error;

    #[test]
    fn a_path_and_a_method_find_their_endpoint() {
        let found = |method, path| find(Endpoint::ALL, method, path);
        assert_eq!(found("POST", "/v1/wrap"), Ok((Endpoint::Wrap, None)));
        assert_eq!(found("GET", "/v1/packets/hb_1"), Ok((Endpoint::Packet, Some("hb_1".into()))));
        assert_eq!(found("POST", "/v1/packets/hb_1/grab"), Ok((Endpoint::Grab, Some("hb_1".into()))));
        assert_eq!(
            found("POST", "/v1/admin/exceptions/ex_0%3A1%3a2/retry"),
            Ok((Endpoint::Retry, Some("ex_0:1:2".into())))
        );
        for path in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v1/wrap/",
            "//v1/wrap",
            "/V1/wrap",
            "/v1/%77rap",
            "/v1/packets/",
            "/v1/packets//grab",
            "/v1/packets/hb_1/",
            "/v1/packets/hb_1/grab/",
            "/v1/packets/hb_1/2/grab",
            "/v1/packets/%ff",
            "/v1/packets/%0",
            "/v1/admin/exceptions/ex_0/undo",
        ] {
            assert_eq!(found("GET", path), Err(Error::NotFound), "{path}");
        }
        for (method, path, allowed) in [
            ("GET", "/v1/wrap", "POST"),
            ("post", "/v1/wrap", "POST"),
            ("HEAD", "/v1/me", "GET"),
            ("POST", "/v1/admin/blacklist/us_x", "GET, PUT, DELETE"),
        ] {
            assert_eq!(found(method, path), Err(Error::MethodNotAllowed(allowed.into())), "{method} {path}");
        }
    }

    #[test]
    fn no_two_rows_are_the_same() {
        let rows: std::collections::BTreeSet<_> =
            Endpoint::ALL.iter().map(|one| (one.row().path, one.row().method.as_str())).collect();
        assert_eq!(rows.len(), Endpoint::ALL.len());
    }
}
