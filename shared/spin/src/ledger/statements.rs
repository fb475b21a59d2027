//! The ledger's statements, read from `sql/<backend>/*.sql`.

/// Each statement's text in one database's dialect; the files say what they do.
pub struct Statements {
    pub(super) account_books: &'static str,
    pub(super) account_page: &'static str,
    pub(super) act: &'static str,
    pub(super) addressed: &'static str,
    pub(super) all_balances: &'static str,
    pub(super) audit_after: &'static str,
    pub(super) audit_before: &'static str,
    pub(super) audit_head: &'static str,
    pub(super) balance: &'static str,
    pub(super) blocked: &'static str,
    pub(super) claim: &'static str,
    pub(super) claims: &'static str,
    pub(super) claims_of: &'static str,
    pub(super) close_in_sql: &'static str,
    pub(super) conflicts: &'static str,
    pub(super) controls: &'static str,
    pub(super) deposit: &'static str,
    pub(super) drift: &'static str,
    pub(super) due: &'static str,
    pub(super) ended: &'static str,
    pub(super) epoch_next: &'static str,
    pub(super) excepted: &'static str,
    pub(super) exception: &'static str,
    pub(super) exceptions_open: &'static str,
    pub(super) exceptions_resolved: &'static str,
    pub(super) forgo_lost: &'static str,
    pub(super) fund: &'static str,
    pub(super) grab_in_sql: &'static str,
    pub(super) guess: &'static str,
    pub(super) guess_wait: &'static str,
    pub(super) key_note: &'static str,
    pub(super) key_uses: &'static str,
    pub(super) held_up: &'static str,
    pub(super) lease: &'static str,
    pub(super) live: &'static str,
    pub(super) local_key: &'static str,
    pub(super) local_key_make: &'static str,
    pub(super) meet: &'static str,
    pub(super) move_retired: &'static str,
    pub(super) move_to_sql: &'static str,
    pub(super) not_to_hold: &'static str,
    pub(super) note_ended: &'static str,
    pub(super) open_in_sql: &'static str,
    pub(super) opening: &'static str,
    pub(super) orphans: &'static str,
    pub(super) packet_books: &'static str,
    pub(super) packet_page: &'static str,
    pub(super) packets: &'static str,
    pub(super) place: &'static str,
    pub(super) place_set: &'static str,
    pub(super) posting: &'static str,
    pub(super) received: &'static str,
    pub(super) received_total: &'static str,
    pub(super) refill: &'static str,
    pub(super) refill_count: &'static str,
    pub(super) retired: &'static str,
    pub(super) risk_events: &'static str,
    pub(super) risk_record: &'static str,
    pub(super) sent: &'static str,
    pub(super) sent_total: &'static str,
    pub(super) settle: &'static str,
    pub(super) shard: &'static str,
    pub(super) shard_make: &'static str,
    pub(super) shard_packets: &'static str,
    pub(super) share: &'static str,
    pub(super) shares: &'static str,
    pub(super) statement: &'static str,
    pub(super) stats: &'static str,
    pub(super) summaries: &'static str,
    pub(super) unfinished: &'static str,
    pub(super) taken: &'static str,
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
        account_books account_page act addressed all_balances audit_after audit_before audit_head balance blocked
        claim claims claims_of close_in_sql conflicts controls deposit drift due ended epoch_next excepted exception
        exceptions_open exceptions_resolved forgo_lost fund grab_in_sql guess guess_wait held_up key_note key_uses lease live
        local_key local_key_make meet move_retired move_to_sql not_to_hold note_ended open_in_sql opening orphans packet_books
        packet_page packets place place_set posting received received_total refill refill_count retired risk_events risk_record sent sent_total settle
        shard shard_make shard_packets share shares statement stats summaries taken unfinished unloaded
    );

    /// PostgreSQL's.
    pub const POSTGRES: Self = statements!(
        "postgres",
        account_books account_page act addressed all_balances audit_after audit_before audit_head balance blocked
        claim claims claims_of close_in_sql conflicts controls deposit drift due ended epoch_next excepted exception
        exceptions_open exceptions_resolved forgo_lost fund grab_in_sql guess guess_wait held_up key_note key_uses lease live
        local_key local_key_make meet move_retired move_to_sql not_to_hold note_ended open_in_sql opening orphans packet_books
        packet_page packets place place_set posting received received_total refill refill_count retired risk_events risk_record sent sent_total settle
        shard shard_make shard_packets share shares statement stats summaries taken unfinished unloaded
    );
}
