//! The bodies of the operators' calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::audit::Link;
use crate::json::Whole;
use crate::route::WEIGHT_MAX;
use crate::split::Kind;
use crate::{Error, Fen, PacketId, UserId, text};

/// The longest reason, in Unicode characters.
pub const REASON_MAX_CHARS: usize = 500;
/// The longest id of a deposit, in ASCII characters.
pub const DEPOSIT_ID_MAX_CHARS: usize = 100;
/// The most that one deposit moves: ten billion yuan.
pub const DEPOSIT_MAX_FEN: i64 = 1_000_000_000_000;
/// The most that one compensation pays: ten million yuan, far above any share.
pub const COMPENSATION_MAX_FEN: i64 = 1_000_000_000;

/// `POST /v1/admin/deposits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DepositRequest {
    /// The deposit's own id: the same id is the same deposit.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::deposit_id"))]
    pub id: String,
    /// Whose wallet.
    pub user: UserId,
    /// How much.
    pub amount_fen: Whole<1, DEPOSIT_MAX_FEN>,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: Option<String>,
}

impl DepositRequest {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id or a reason that is not allowed.
    pub fn check(&self) -> Result<(), Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if !(1..=DEPOSIT_ID_MAX_CHARS).contains(&self.id.len()) || !self.id.bytes().all(allowed) {
            let bound = format!("must be 1 to {DEPOSIT_ID_MAX_CHARS} characters of A-Z a-z 0-9 _ - . :");
            return Err(Error::invalid("id", bound));
        }
        if self.id.starts_with("login:") {
            return Err(Error::invalid("id", "must not start with login: those are first logins' deposits"));
        }
        check_reason(self.reason.as_deref())
    }
}

/// The answer of `POST /v1/admin/deposits`, the first time and every other time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DepositAnswer {
    /// The deposit's id.
    pub id: String,
    /// Whose wallet.
    pub user: UserId,
    /// How much.
    pub amount_fen: Fen,
}

/// `POST /v1/admin/exceptions/{id}/retry` and `…/dismiss`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: String,
}

/// `POST /v1/admin/exceptions/{id}/compensate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CompensateRequest {
    /// Why.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: String,
    /// How much; what the share of the entry holds, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Whole<1, COMPENSATION_MAX_FEN>>,
}

/// Checks a reason, where there is one: it stands in the audit for good, so it is one line that can be seen.
///
/// # Errors
/// [`Error::Invalid`] when [`text::check_line`] refuses it.
pub fn check_reason(reason: Option<&str>) -> Result<(), Error> {
    reason.map_or(Ok(()), |reason| text::check_line("reason", reason, REASON_MAX_CHARS))
}

/// What no rule could decide, with everything needed to understand it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExceptionAnswer {
    /// Its id, `ex_…`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::exception"))]
    pub id: String,
    /// Why it is one: `share_claimed_twice`, `unknown_packet`, `poison`, `drift`, …
    pub reason: String,
    /// `open` or `resolved`.
    pub state: ExceptionState,
    /// When it was recorded.
    pub created_at_ms: i64,
    /// The packet it is about, as the entry names it; absent where none is named.
    pub packet_id: Option<PacketId>,
    /// What there is to know.
    pub evidence: Evidence,
    /// What an operator did about it.
    pub resolution: Option<Resolution>,
}

/// Whether an operator has dealt with an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    /// Nobody has.
    Open,
    /// Somebody has.
    Resolved,
}

/// What there is to know about an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// The journal's entry as it stood in the stream, or what reconciliation found.
    pub entry: String,
    /// Whom it concerns: who opened the share, else who sent the packet.
    pub user: Option<UserId>,
    /// What the share that the entry names holds, worked out from the ledger's own seed.
    pub amount_fen: Option<Fen>,
    /// The packet as the ledger has it now; absent when there is none.
    pub packet: Option<PacketSummary>,
    /// The paid shares that stand in the way: of the same number, or of the same user.
    pub conflicts: Vec<PaidShare>,
}

/// A packet, as far as it helps to understand an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PacketSummary {
    /// The packet's id.
    pub packet_id: PacketId,
    /// Who sent it.
    pub sender: UserId,
    /// How the shares are made.
    pub kind: Kind,
    /// The sum of all shares.
    pub total_fen: Fen,
    /// The number of shares.
    pub count: u32,
    /// How many opened shares are paid.
    pub settled: u32,
    /// When it was sent.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
    /// When it was closed with something left.
    pub closed_at_ms: Option<i64>,
    /// How many shares were opened when it was closed.
    pub closed_opened: Option<u32>,
    /// What went back to the sender.
    pub refunded_fen: Option<Fen>,
    /// Since when its refund is stopped.
    pub frozen_at_ms: Option<i64>,
    /// What its escrow holds.
    pub escrow_fen: Fen,
}

/// One share that was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PaidShare {
    /// The number of the share, from 0.
    pub seq: u32,
    /// To whom.
    pub user: UserId,
    /// How much.
    pub amount_fen: Fen,
    /// When it was opened.
    pub opened_at_ms: i64,
}

/// What an operator did about an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resolution {
    /// `retry`, `compensate` or `dismiss`.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::remedy"))]
    pub act: String,
    /// Who.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// What was paid, of a compensation.
    pub amount_fen: Option<Fen>,
    /// When.
    pub at_ms: i64,
    /// The act's number in the audit.
    pub audit_number: i64,
}

/// The answer of `GET /v1/admin/exceptions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExceptionsAnswer {
    /// Newest first.
    pub exceptions: Vec<ExceptionAnswer>,
    /// `before` of the next page; absent on the last.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::exception_or_null"))]
    pub next: Option<String>,
}

/// The answer of `GET /v1/admin/reconcile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReconcileAnswer {
    /// Whether every check holds.
    pub ok: bool,
    /// The most that any one check misses.
    pub drift_fen: i64,
    /// The checks.
    pub checks: Vec<CheckAnswer>,
    /// `after` of the call that goes on; absent when everything was looked at.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::books_cursor_or_null"))]
    pub next: Option<String>,
}

/// One check of the reconciliation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CheckAnswer {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was looked at, or what is wrong.
    pub detail: String,
}

/// The switches, as `GET` tells and `PUT` sets them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SwitchesAnswer {
    /// Whether packets can be wrapped and sent.
    pub sends: bool,
    /// `ledger` when it did not answer: then this is the copy of the controls that a shard holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// `PUT /v1/admin/switches`: a switch that is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SwitchesRequest {
    /// Whether packets can be wrapped and sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends: Option<bool>,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: Option<String>,
}

/// The ladder of what is given up under load: 0 nothing, 1 history and details, 2 new packets too, 3 new shares too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LadderAnswer {
    /// The level that holds.
    pub level: i64,
    /// The level that an operator has set; absent while it follows the load.
    pub set: Option<i64>,
    /// The level that the load asks for.
    pub by_load: i64,
    /// `ledger` when it did not answer: then this is the copy of the controls that a shard holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// `PUT /v1/admin/ladder`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LadderRequest {
    /// The level; without one the ladder follows the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Whole<0, 3>>,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: Option<String>,
}

/// A signing key, by the id that what it signed names. Never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyAnswer {
    /// Its id.
    pub id: String,
    /// Whether it is among the configured keys, or the ledger's own where none is configured.
    pub in_force: bool,
    /// Whether it signs.
    pub signs: bool,
    /// Until when it may have signed.
    pub signed_until_ms: i64,
    /// Until when something that it signed may be out.
    pub needed_until_ms: i64,
    /// Whether nothing that it signed is out any more.
    pub can_be_dropped: bool,
}

/// The answer of `GET /v1/admin/keys`: all signing keys that were ever in force, the one that signed last first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeysAnswer {
    /// The keys.
    pub keys: Vec<KeyAnswer>,
}

/// One risk rule, as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RiskRule {
    /// Its id.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::rule"))]
    pub rule: String,
    /// `off`, `flag`, `slow` or `deny`, and the rule's bound after a colon.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::setting"))]
    pub setting: String,
}

/// The answer of every call on `/v1/admin/risk-rules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RiskRulesAnswer {
    /// All rules that can be set.
    pub rules: Vec<RiskRule>,
    /// `ledger` when it did not answer: then this is the copy of the controls that a shard holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// `PUT /v1/admin/risk-rules/{rule}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskRuleRequest {
    /// `off`, `flag`, `slow` or `deny`, and the rule's bound after a colon; without one the bound is the usual one.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::setting"))]
    pub setting: String,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: Option<String>,
}

/// A shard of Redis, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShardAnswer {
    /// The shard's number.
    pub shard: u16,
    /// Whether it answers.
    pub is_up: bool,
    /// Whether it is configured; packets of one that is not wait until it is, or until it is given up.
    pub is_configured: bool,
    /// How many new packets it takes compared with the others, 0 for none; absent while nobody can tell.
    pub weight: Option<u32>,
    /// How many packets it has to hold, as the ledger says; absent while that does not answer.
    pub packets: Option<i64>,
    /// How many of them are back in the race since it lost contents; nothing when all are.
    pub rebuilt: Option<i64>,
    /// How many that will be.
    pub to_rebuild: Option<i64>,
    /// How many entries of its journal wait to be settled.
    pub backlog: Option<i64>,
    /// The age of the oldest of them.
    pub oldest_unsettled_ms: Option<i64>,
    /// How many packets Redis holds.
    pub race_packets: Option<i64>,
    /// How many bytes of memory Redis uses.
    pub race_bytes: Option<i64>,
    /// How many it may use; absent where it has no limit.
    pub race_bytes_max: Option<i64>,
}

/// The answer of `GET /v1/admin/shards`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShardsAnswer {
    /// By number; without the ledger, those that are configured.
    pub shards: Vec<ShardAnswer>,
    /// The stores that did not answer: `ledger`, `shard 0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// `PUT /v1/admin/shards/{n}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WeightRequest {
    /// How many new packets the shard takes compared with the others; 100 is the usual, 0 is none.
    pub weight: Whole<0, WEIGHT_MAX>,
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: Option<String>,
}

/// The most packets that one call preheats.
pub const PREHEAT_MAX: usize = 100;

/// `POST /v1/admin/preheat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PreheatRequest {
    /// Which packets; without any, those that open within ten minutes.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = PREHEAT_MAX)))]
    pub packets: Vec<PacketId>,
}

/// The answer of `POST /v1/admin/preheat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreheatAnswer {
    /// How many packets were looked at.
    pub packets: usize,
    /// How many of them had to be loaded into their shard.
    pub loaded: usize,
    /// How many shards know the scripts.
    pub shards: usize,
}

/// `PUT /v1/admin/blacklist/{user}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// Why, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::reason"))]
    pub reason: Option<String>,
}

/// The answer of every call on `/v1/admin/blacklist/{user}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockAnswer {
    /// The user.
    pub user: UserId,
    /// Whether the user is blocked now.
    pub blocked: bool,
    /// Why, where it was said.
    pub reason: Option<String>,
    /// Who did it.
    pub operator: Option<String>,
    /// When.
    pub at_ms: Option<i64>,
    /// `ledger` when it did not answer: then this is the copy of the controls that a shard holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// The answer of `GET /v1/admin/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditAnswer {
    /// Newest first.
    pub acts: Vec<Link>,
    /// `before` of the next page; absent on the last.
    pub next: Option<i64>,
}

/// One thing that a risk rule saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RiskEvent {
    /// Its number, from 1.
    pub number: i64,
    /// The rule's id.
    pub rule: String,
    /// Whom it saw.
    pub user: UserId,
    /// The packet, where there is one.
    pub packet_id: Option<PacketId>,
    /// What was done: denied, flagged or slowed down.
    pub action: String,
    /// What the rule saw.
    pub detail: String,
    /// When.
    pub at_ms: i64,
}

/// The answer of `GET /v1/admin/risk-events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RiskEventsAnswer {
    /// Newest first.
    pub events: Vec<RiskEvent>,
    /// `before` of the next page; absent on the last.
    pub next: Option<i64>,
}

/// The answer of `GET /v1/admin/stats`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatsAnswer {
    /// Whether the ledger answers. What follows up to the shards is its own, and absent where it gave no numbers.
    pub is_ledger_up: bool,
    /// How many packets are in which state.
    pub packets: Option<PacketStats>,
    /// Where the money is.
    pub money: Option<MoneyStats>,
    /// Exceptions nobody has dealt with.
    pub exceptions_open: Option<i64>,
    /// Blocked users.
    pub blacklisted: Option<i64>,
    /// Acts in the audit.
    pub audit_acts: Option<i64>,
    /// The shards of Redis.
    pub shards: Vec<ShardStats>,
    /// The age of the oldest entry of all journals that waits; 0 when none does, absent when a shard does not answer.
    pub oldest_unsettled_ms: Option<i64>,
    /// The level of the ladder that the journals ask for.
    pub level_by_load: i64,
    /// What instances have counted since the shards began: how often memory had the answer, what was refused.
    pub counters: BTreeMap<String, i64>,
    /// The stores that did not answer: `ledger`, `shard 0`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Packets by state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PacketStats {
    /// They open later.
    pub scheduled: i64,
    /// Their shares can be grabbed and opened.
    pub open: i64,
    /// Their time is over and they are not closed yet.
    pub overdue: i64,
    /// Every share is settled.
    pub finished: i64,
    /// Closed with something left.
    pub expired: i64,
    /// Funded, and confirmed by no shard yet.
    pub unloaded: i64,
    /// Their refund is stopped.
    pub frozen: i64,
}

/// Where the money is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoneyStats {
    /// In packets.
    pub escrow_fen: i64,
    /// In wallets.
    pub wallets_fen: i64,
    /// In suspense.
    pub suspense_fen: i64,
    /// What came from the world, as a negative number.
    pub world_fen: i64,
}

/// One shard of Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShardStats {
    /// Its number.
    pub shard: u16,
    /// Whether it answers.
    pub is_up: bool,
    /// How many entries of its journal wait to be settled.
    pub backlog: Option<i64>,
    /// The age of the oldest of them.
    pub oldest_unsettled_ms: Option<i64>,
    /// How many packets Redis holds.
    pub race_packets: Option<i64>,
    /// How many bytes of memory Redis uses.
    pub race_bytes: Option<i64>,
    /// How many it may use; absent where it has no limit.
    pub race_bytes_max: Option<i64>,
}

/// The answer of `POST /internal/sweep`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepAnswer {
    /// Entries of the journals settled.
    pub settled: usize,
    /// Half-sent packets loaded.
    pub loaded: usize,
    /// Expired packets closed.
    pub closed: usize,
    /// Packets put back into a shard that had lost its contents.
    pub rebuilt: usize,
    /// Packets that left Redis, since they ended long enough ago.
    pub retired: usize,
    /// What does not fit in the part of the books that was reconciled; it is on record.
    pub problems: usize,
    /// Steps that could not be done now.
    pub left: usize,
}
