//! The bodies of requests and answers, field by field as the API documents them.
//!
//! Amounts are whole fen, times Unix milliseconds. Requests refuse unknown fields.

use serde::{Deserialize, Serialize};

use crate::json::Whole;
use crate::packet::{Recipient, State};
use crate::split::Kind;
use crate::{Fen, GroupId, PacketId, UserId};

pub mod operator;

/// The most shares any packet may have, whoever sends it.
pub const COUNT_MAX: i64 = 10_000;
/// The longest life of a packet in seconds: 24 h.
pub const EXPIRES_IN_MAX_S: i64 = 24 * 3600;
/// The last moment the system knows, Unix milliseconds: the year 9999.
pub const TIME_MAX_MS: i64 = 253_402_300_799_999;
/// The most entries of a page.
pub const PAGE_MAX: i64 = 100;
/// The largest body of a person's request.
pub const BODY_MAX_BYTES: usize = 4 * 1024;
/// The most groups of which a development login makes somebody a member.
pub const GROUPS_MAX: usize = 50;

/// `POST /v1/wrap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WrapRequest {
    /// How the shares are made.
    pub kind: Kind,
    /// The sum of all shares.
    pub total_fen: Whole<1, { Fen::MAX.get() }>,
    /// The number of shares.
    pub count: Whole<1, COUNT_MAX>,
    /// Who it is for.
    pub to: Recipient,
    /// A line of good wishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::greeting"))]
    pub greeting: Option<String>,
    /// The cover's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::cover"))]
    pub cover: Option<String>,
    /// The password (口令) that opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::password"))]
    pub password: Option<String>,
    /// When it opens; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at_ms: Option<Whole<0, TIME_MAX_MS>>,
    /// How long it lives once it opens; 24 h when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_s: Option<Whole<1, EXPIRES_IN_MAX_S>>,
}

/// The answer of `POST /v1/wrap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WrapAnswer {
    /// The signed quote, for `send`.
    pub quote: String,
    /// The sum of all shares.
    pub total_fen: Fen,
    /// The number of shares.
    pub count: u32,
    /// What the wallet holds now.
    pub balance_fen: Fen,
    /// When the quote ends.
    pub quote_expires_at_ms: i64,
}

/// `POST /v1/send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// The quote that `wrap` answered.
    pub quote: String,
}

/// The answer of `POST /v1/send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendAnswer {
    /// The packet's id.
    pub packet_id: PacketId,
    /// The commitment to the seed: 64 hexadecimal digits.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::digest"))]
    pub commitment: String,
    /// The packet's state.
    pub state: State,
    /// When the packet ends.
    pub expires_at_ms: i64,
}

/// `POST /v1/packets/{id}/grab`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GrabRequest {
    /// The password, for a packet that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// The answer of `POST /v1/packets/{id}/grab`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrabAnswer {
    /// The packet's id.
    pub packet_id: PacketId,
    /// The number of the share, from 0.
    pub seq: u32,
    /// The signed voucher, for `open`.
    pub voucher: String,
}

/// `POST /v1/packets/{id}/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    /// The voucher that `grab` answered.
    pub voucher: String,
}

/// The answer of `POST /v1/packets/{id}/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenAnswer {
    /// The packet's id.
    pub packet_id: PacketId,
    /// The number of the share, from 0.
    pub seq: u32,
    /// What was in it.
    pub amount_fen: Fen,
    /// When it was opened first.
    pub opened_at_ms: i64,
}

/// The answer of `GET /v1/packets/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PacketAnswer {
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
    /// Who it is for.
    pub to: Recipient,
    /// A line of good wishes.
    pub greeting: Option<String>,
    /// The cover's name.
    pub cover: Option<String>,
    /// Whether a password is needed.
    pub has_password: bool,
    /// The packet's state.
    pub state: State,
    /// How many shares were grabbed.
    pub grabbed: u32,
    /// How many shares were opened.
    pub opened: u32,
    /// What went back to the sender.
    pub refunded_fen: Fen,
    /// The reader's own share, once it is opened.
    pub my_share: Option<ShareAnswer>,
    /// A page of the opened shares in order of `seq`, as far as the reader may see them: of a packet of up to 100 shares
    /// with what is not settled yet, of a larger one what is paid.
    pub shares: Vec<ShareAnswer>,
    /// `after` of the next page; absent on the last.
    pub next: Option<u32>,
    /// The commitment to the seed: 64 hexadecimal digits.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::digest"))]
    pub commitment: String,
    /// The seed, 64 hexadecimal digits, once every share is opened or the packet is closed.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::digest_or_null"))]
    pub seed: Option<String>,
    /// When it was sent.
    pub created_at_ms: i64,
    /// When it opens.
    pub starts_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
}

/// One opened share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShareAnswer {
    /// Who opened it.
    pub user: UserId,
    /// The number of the share, from 0.
    pub seq: u32,
    /// What was in it.
    pub amount_fen: Fen,
    /// When it was opened.
    pub opened_at_ms: i64,
    /// Whether it is the best luck of a finished lucky packet of two or more; the earliest opening wins a tie.
    pub best: bool,
}

/// One packet of `GET /v1/groups/{group}/packets` and `GET /v1/me/inbox`: what the ledger knows of it, which the
/// race is ahead of by what is not settled yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressedPacket {
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
    /// A line of good wishes.
    pub greeting: Option<String>,
    /// The cover's name.
    pub cover: Option<String>,
    /// Whether a password is needed.
    pub has_password: bool,
    /// The packet's state.
    pub state: State,
    /// How many opened shares are paid.
    pub settled: u32,
    /// What the reader was paid of it; absent when nothing was, or not yet.
    pub my_amount_fen: Option<Fen>,
    /// When it was sent.
    pub created_at_ms: i64,
    /// When it opens.
    pub starts_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: i64,
}

/// The answer of `GET /v1/groups/{group}/packets` and `GET /v1/me/inbox`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AddressedAnswer {
    /// Newest first.
    pub packets: Vec<AddressedPacket>,
    /// `before` of the next page; absent on the last.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::packet_cursor_or_null"))]
    pub next: Option<String>,
}

/// The answer of `GET /v1/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeAnswer {
    /// Who is asking.
    pub user: UserId,
    /// What the wallet holds.
    pub balance_fen: Fen,
    /// Every share opened before this time is in the balance; absent while no shard answers.
    pub settled_through_ms: Option<i64>,
    /// The fields that are absent because what they are read from does not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// One posting of a wallet, seen from its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PostingAnswer {
    /// The posting's natural id.
    pub id: String,
    /// What came in (positive) or went out (negative), in fen.
    pub change_fen: i64,
    /// The account on the other side.
    pub counterparty: String,
    /// When it was written.
    pub at_ms: i64,
}

/// The answer of `GET /v1/me/statement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatementAnswer {
    /// Newest first.
    pub postings: Vec<PostingAnswer>,
    /// `before` of the next page; absent on the last.
    pub next: Option<i64>,
}

/// Which side of a packet: `role` of `GET /v1/me/packets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Packets I sent.
    Sent,
    /// Packets of which I opened a share.
    Received,
}

/// One packet of `GET /v1/me/packets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MyPacket {
    /// The packet's id.
    pub packet_id: PacketId,
    /// Who sent it.
    pub sender: UserId,
    /// How the shares are made.
    pub kind: Kind,
    /// Sent: the packet's total. Received: my share.
    pub amount_fen: Fen,
    /// Sent: the number of shares settled. Received: 1.
    pub opened: u32,
    /// The number of shares.
    pub count: u32,
    /// Sent: what came back. Received: 0.
    pub refunded_fen: Fen,
    /// Received: whether mine was the best luck.
    pub best: bool,
    /// Sent: when it was sent. Received: when I opened it.
    pub at_ms: i64,
}

/// The answer of `GET /v1/me/packets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MyPacketsAnswer {
    /// Newest first.
    pub packets: Vec<MyPacket>,
    /// `before` of the next page; absent on the last.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::packet_cursor_or_null"))]
    pub next: Option<String>,
    /// The year the totals are for, in China's time.
    pub year: i64,
    /// The year's sum: sent, or received.
    pub total_fen: Fen,
    /// Sent: the part of the sum that came back. Received: 0.
    pub refunded_fen: Fen,
    /// The year's number of packets.
    pub count: i64,
    /// The year's number of best lucks; 0 for sent packets.
    pub best_luck_count: i64,
}

/// `POST /v1/dev/login`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Who to be.
    pub user: UserId,
    /// The groups to be a member of.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(length(max = GROUPS_MAX)))]
    pub groups: Vec<GroupId>,
}

/// The answer of `POST /v1/dev/login`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginAnswer {
    /// The bearer token.
    pub token: String,
}

/// Why a request did not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorAnswer {
    /// What to tell, and whom to ask about it.
    pub error: ErrorDetail,
}

/// One refusal or failure, as the table of errors tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorDetail {
    /// The machine-readable reason.
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::api::schema::error_code"))]
    pub code: String,
    /// A short text for a person.
    pub message: String,
    /// The field that is wrong, where one is.
    pub field: Option<String>,
    /// Finds the request in the log.
    pub request_id: String,
    /// When to come back, where coming back helps; `Retry-After` then says the same in seconds.
    pub retry_after_ms: Option<i64>,
}
