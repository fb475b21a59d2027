//! The ledger's statements, read from `sql/<backend>/*.sql`.

/// Each statement's text in one database's dialect; the files say what they do.
pub struct Statements {
    pub(super) balance: &'static str,
    pub(super) claim: &'static str,
    pub(super) claims: &'static str,
    pub(super) close_in_sql: &'static str,
    pub(super) deposit: &'static str,
    pub(super) due: &'static str,
    pub(super) epoch_next: &'static str,
    pub(super) fund: &'static str,
    pub(super) grab_in_sql: &'static str,
    pub(super) lease: &'static str,
    pub(super) local_key: &'static str,
    pub(super) local_key_make: &'static str,
    pub(super) move_to_sql: &'static str,
    pub(super) open_in_sql: &'static str,
    pub(super) packets: &'static str,
    pub(super) received: &'static str,
    pub(super) received_total: &'static str,
    pub(super) sent: &'static str,
    pub(super) sent_total: &'static str,
    pub(super) settle: &'static str,
    pub(super) shard: &'static str,
    pub(super) shard_make: &'static str,
    pub(super) statement: &'static str,
    pub(super) unfinished: &'static str,
    pub(super) unloaded: &'static str,
}

macro_rules! statements {
    ($backend:literal, $($name:ident)*) => {
        Statements { $($name: include_str!(concat!("../../sql/", $backend, "/", stringify!($name), ".sql")),)* }
    };
}

impl Statements {
    /// SQLite's.
    pub const SQLITE: Self = statements!(
        "sqlite",
        balance claim claims close_in_sql deposit due epoch_next fund grab_in_sql lease local_key local_key_make
        move_to_sql open_in_sql packets received received_total sent sent_total settle shard shard_make
        statement unfinished unloaded
    );
}
