//! The ledger: the money, in SQL.
//!
//! **Invariant:** each method is one statement, so one transaction; each money step has a natural id, so that
//! doing it again changes nothing and answers the same.

use hongbao_core::draft::Limits;
use hongbao_core::packet::{Facts, Recipient};
use hongbao_core::quote::Quote;
use hongbao_core::race::Claim;
use hongbao_core::split::{Kind, Seed};
use hongbao_core::wire::{MyPacket, PostingAnswer, Role};
use hongbao_core::{Error, Fen, PacketId, UserId, year};
use serde::Serialize;

use crate::sql::{Database, Failure, PATIENCE, Reader, Row, Value};

mod addressed;
mod books;
mod exceptions;
mod guesses;
mod keys;
mod lists;
mod operator;
mod retention;
mod shards;
mod shares;
mod statements;
pub use books::Drift;
pub use exceptions::Exception;
pub use guesses::Counted;
pub use keys::KeyUse;
pub use lists::List;
pub use operator::By;
pub use retention::{EndedPlace, RetiredMark};
pub use shards::{LEASE_MS, Refill, ShardRecord};
pub use shares::SharesPage;
pub use statements::Statements;

/// The column `packets.shard` of a packet that lives under the ledger's own authority.
const SQL_AUTHORITY: i64 = -1;

/// A packet as the ledger has it.
#[derive(Debug, Clone)]
pub struct Packet {
    /// What never changes.
    pub facts: Facts,
    /// A line of good wishes.
    pub greeting: Option<String>,
    /// The cover's name.
    pub cover: Option<String>,
    /// When it was sent.
    pub created_at_ms: i64,
    /// How many opened shares are paid.
    pub settled: u32,
    /// When it was closed with something left.
    pub closed_at_ms: Option<i64>,
    /// What went back to the sender.
    pub refunded: Option<Fen>,
    /// Whether a shard has confirmed that it holds the packet.
    pub is_loaded: bool,
    /// Whether grabs and opens are decided here instead of in Redis.
    pub is_in_sql: bool,
}

impl Packet {
    /// Whether nothing can be grabbed or opened any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.closed_at_ms.is_some() || self.settled >= self.facts.count
    }

    /// Whether nothing about it can change any more: every share is paid, or what was left is back.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.settled >= self.facts.count || self.refunded.is_some()
    }

    /// Whether a shard may have held it before `epoch` began, which is at least the Unix time in seconds then. A clock
    /// that was wrong by more than ten minutes costs vouchers from before.
    #[must_use]
    pub fn is_from_before(&self, epoch: u32) -> bool {
        self.created_at_ms < i64::from(epoch).saturating_mul(1_000).saturating_add(600_000)
    }

    /// Why nothing can be had of a packet that its shard does not hold: it is over, or else `why`.
    #[must_use]
    pub fn refusal(&self, why: Error) -> Error {
        if self.settled >= self.facts.count {
            Error::SoldOut
        } else if self.closed_at_ms.is_some() {
            Error::Expired
        } else {
            match why {
                lost @ Error::Unavailable(_) => lost,
                _ => Error::Unavailable(format!("{} is not loaded yet", self.facts.id)),
            }
        }
    }
}

/// One entry of the journal, ready to be settled.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Settlement {
    /// The entry's own id: shard and place in the stream.
    pub event: String,
    /// `load`, `open`, `close`, `contest` or `poison` (`risk` never comes here); first of all `fence`: the shard (in
    /// `packet`), the epoch (`opened`) and server process (`text`) that were read, and the place of the batch's last
    /// entry (`at_ms`, `seq`).
    pub kind: &'static str,
    /// The packet's id.
    pub packet: String,
    /// Of an open: the share's number.
    pub seq: Option<i64>,
    /// Of an open: who opened it.
    pub user: Option<String>,
    /// Of an open: what is in it, worked out from the ledger's own seed.
    pub amount_fen: Option<i64>,
    /// Of an open or a close: when.
    pub at_ms: Option<i64>,
    /// Of a close: how many shares were opened.
    pub opened: Option<u32>,
    /// The entry as it stands in the stream.
    pub text: String,
}

/// What a risk rule saw, ready to be put on record.
#[derive(Debug, Clone, Serialize)]
pub struct Sighting {
    /// The journal entry's own id: shard and place in the stream.
    pub event: String,
    /// The rule's id.
    pub rule: &'static str,
    /// Whom it saw.
    pub user: String,
    /// The packet that was asked for.
    pub packet: String,
    /// What was done.
    pub action: &'static str,
    /// What it saw.
    pub detail: String,
    /// When.
    pub at_ms: i64,
}

/// What a person sent or received in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// The sum: sent, or received.
    pub total: Fen,
    /// Sent: the part of it that came back. Received: nothing.
    pub refunded: Fen,
    /// The number of packets.
    pub count: i64,
    /// Received: the number of best lucks. Sent: 0.
    pub best_luck_count: i64,
}

/// A page of something, and where the next one starts; nothing on the last.
pub type Page<T, C> = (Vec<T>, Option<C>);

/// A place in a list of packets: a time, and the id that tells apart packets of the same millisecond.
pub type Place = (i64, String);

/// The ledger in a database.
pub struct Ledger {
    database: Box<dyn Database>,
    sql: &'static Statements,
}

impl Ledger {
    /// The ledger in `database`, spoken to with `sql`.
    #[must_use]
    pub const fn new(database: Box<dyn Database>, sql: &'static Statements) -> Self {
        Self { database, sql }
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer; so do all methods.
    pub async fn migrate(&self) -> Result<(), Error> {
        Ok(self.database.migrate().await?)
    }

    /// Answers within a second if the database does.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.database.query_within(PATIENCE, "SELECT 1 WHERE 1 = 0", vec![]).await.map(drop)?)
    }

    async fn rows(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.raw(statement, parameters).await.map_err(domain_error)
    }

    async fn raw(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        self.database.query(statement, parameters).await
    }

    async fn first(&self, statement: &str, parameters: Vec<Value>) -> Result<Option<Reader>, Error> {
        Ok(self.rows(statement, parameters).await?.into_iter().next().map(Reader::new))
    }

    /// What `user`'s wallet holds; nothing for a wallet nobody has paid into.
    pub async fn balance(&self, user: &UserId) -> Result<Fen, Error> {
        let account = format!("wallet:{user}");
        self.first(self.sql.balance, vec![account.into()]).await?.map_or(Ok(Fen::ZERO), |mut row| row.fen())
    }

    /// Pays `amount` from the world into `user`'s wallet, once for each `id`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when `id` was used for another user or amount.
    pub async fn deposit(&self, id: &str, user: &UserId, amount: Fen, now_ms: i64) -> Result<(), Error> {
        let parameters = vec![id.into(), user.as_str().into(), amount.get().into(), now_ms.into()];
        self.rows(self.sql.deposit, parameters).await.map(drop)
    }

    /// Sends a packet: moves its total from the wallet into escrow and writes it down, with `seed`, `shard` (none:
    /// SQL authority) and the times of the first call. Answers the packet as it stands, so that a retry sees the first one.
    ///
    /// # Errors
    /// [`Error::InsufficientBalance`], or [`Error::LimitExceeded`] for a daily limit.
    pub async fn fund(
        &self,
        quote: &Quote,
        seed: &Seed,
        shard: Option<u16>,
        limits: &Limits,
        now_ms: i64,
    ) -> Result<Packet, Error> {
        let start_ms = quote.start_ms(now_ms);
        // A packet that is open from the start has no start to be compared with anybody's clock.
        let starts_at_ms = if start_ms > now_ms { start_ms } else { 0 };
        let parameters = vec![
            quote.packet.to_string().into(),
            quote.sender.as_str().into(),
            quote.kind.as_str().into(),
            quote.total.get().into(),
            i64::from(quote.count).into(),
            quote.to.as_str().into(),
            quote.greeting.clone().into(),
            quote.cover.clone().into(),
            quote.password_mac.clone().into(),
            Value::Bytes(seed.to_vec()),
            now_ms.into(),
            starts_at_ms.into(),
            start_ms.saturating_add(quote.lifetime_ms).into(),
            shard.map_or(SQL_AUTHORITY, i64::from).into(),
            year::day_start_ms(now_ms).into(),
            limits.daily_send_fen.into(),
            limits.daily_send_count.into(),
        ];
        let funded = self.rows(self.sql.fund, parameters).await;
        match funded.map_err(|error| with_bound(error, limits)) {
            Ok(_) => self.packet(quote.packet).await?.ok_or_else(|| Error::Internal("a funded packet is gone".into())),
            Err(error) => Err(error),
        }
    }

    /// One packet.
    pub async fn packet(&self, id: PacketId) -> Result<Option<Packet>, Error> {
        Ok(self.packets(&[id]).await?.pop())
    }

    /// A packet that is known to exist, from its shard or from an earlier look.
    ///
    /// # Errors
    /// [`Error::Unavailable`] also when the ledger does not have it: then whoever answered is behind the one that was
    /// asked before.
    pub async fn known_packet(&self, id: PacketId) -> Result<Packet, Error> {
        let behind = || Error::Unavailable(format!("the ledger that answers does not know {id}"));
        self.packet(id).await?.ok_or_else(behind)
    }

    /// Those of these packets that exist, in no order.
    pub async fn packets(&self, ids: &[PacketId]) -> Result<Vec<Packet>, Error> {
        let rows = self.rows(self.sql.packets, vec![json(ids)?]).await?;
        rows.into_iter().map(|row| packet(Reader::new(row))).collect()
    }

    /// Writes down one batch of the journal, all of it or nothing.
    ///
    /// # Errors
    /// Why it was not done: [`Failure::cause`] tells whose fault it is.
    pub async fn settle(&self, batch: &[Settlement], now_ms: i64) -> Result<(), Failure> {
        self.raw(self.sql.settle, vec![list(batch)?, now_ms.into()]).await.map(drop)
    }

    /// Those events of a batch for which somebody else has locked a row now, by their own ids.
    ///
    /// # Errors
    /// As for [`settle`](Self::settle).
    pub async fn held_up(&self, batch: &[Settlement]) -> Result<Vec<String>, Failure> {
        let rows = self.raw(self.sql.held_up, vec![list(batch)?]).await?;
        let text = |row| Reader::new(row).text().map_err(|error| Failure::of_answer(format!("{error:?}")));
        rows.into_iter().map(text).collect()
    }

    /// The paid shares of a packet, in order of `seq`.
    pub async fn claims(&self, id: PacketId) -> Result<Vec<(UserId, Claim)>, Error> {
        let rows = self.rows(self.sql.claims, vec![id.to_string().into()]).await?;
        let claim = |row| {
            let mut row = Reader::new(row);
            Ok((row.parsed(UserId::parse)?, Claim { seq: row.count()?, opened_at_ms: Some(row.int()?) }))
        };
        rows.into_iter().map(claim).collect()
    }

    /// Postings of `user`'s wallet numbered below `before`, newest first; and the number that the next page is below.
    pub async fn statement(&self, user: &UserId, before: i64, limit: i64) -> Result<Page<PostingAnswer, i64>, Error> {
        let parameters = vec![format!("wallet:{user}").into(), before.into(), limit.saturating_add(1).into()];
        let rows = self.rows(self.sql.statement, parameters).await?;
        let posting = |row| {
            let mut row = Reader::new(row);
            let (number, id, change_fen) = (row.int()?, row.text()?, row.int()?);
            Ok((number, PostingAnswer { id, change_fen, counterparty: row.text()?, at_ms: row.int()? }))
        };
        let postings = rows.into_iter().map(posting).collect::<Result<_, Error>>()?;
        let (postings, next) = page(postings, limit, |(number, _)| *number);
        Ok((postings.into_iter().map(|(_, posting)| posting).collect(), next))
    }

    /// `user`'s packets from `from_ms` on and below `before`, newest first; and the place that the next page is below.
    pub async fn my_packets(
        &self,
        user: &UserId,
        role: Role,
        from_ms: i64,
        before: &Place,
        limit: i64,
    ) -> Result<Page<MyPacket, Place>, Error> {
        let statement = match role {
            Role::Sent => self.sql.sent,
            Role::Received => self.sql.received,
        };
        let (before_ms, before_id) = before.clone();
        let limit_and_one = limit.saturating_add(1);
        let parameters =
            vec![user.as_str().into(), from_ms.into(), before_ms.into(), before_id.into(), limit_and_one.into()];
        let rows = self.rows(statement, parameters).await?;
        let packets = rows.into_iter().map(|row| my_packet(Reader::new(row))).collect::<Result<_, _>>()?;
        Ok(page(packets, limit, |packet: &MyPacket| (packet.at_ms, packet.packet_id.to_string())))
    }

    /// The totals of `user`'s packets at `from_ms..before_ms`.
    pub async fn my_totals(&self, user: &UserId, role: Role, from_ms: i64, before_ms: i64) -> Result<Totals, Error> {
        let statement = match role {
            Role::Sent => self.sql.sent_total,
            Role::Received => self.sql.received_total,
        };
        let parameters = vec![user.as_str().into(), from_ms.into(), before_ms.into()];
        let mut row =
            self.first(statement, parameters).await?.ok_or_else(|| Error::Internal("a sum of nothing".into()))?;
        Ok(Totals { total: row.fen()?, refunded: row.fen()?, count: row.int()?, best_luck_count: row.int()? })
    }

    /// Puts on record what risk rules saw; what is on record already stays as it is.
    ///
    /// # Errors
    /// As for [`settle`](Self::settle).
    pub async fn record_risks(&self, sightings: &[Sighting]) -> Result<(), Failure> {
        self.raw(self.sql.risk_record, vec![list(sightings)?]).await.map(drop)
    }

    async fn ids(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<PacketId>, Error> {
        let rows = self.rows(statement, parameters).await?;
        rows.into_iter().map(|row| Reader::new(row).parsed(PacketId::parse)).collect()
    }

    /// The key `name` that this ledger made for itself; `fresh` becomes it the first time.
    pub async fn local_key(&self, name: &str, fresh: &str) -> Result<String, Error> {
        self.rows(self.sql.local_key_make, vec![name.into(), fresh.into()]).await?;
        let row = self.first(self.sql.local_key, vec![name.into()]).await?;
        row.ok_or_else(|| Error::Internal("a local key is gone".into()))?.text()
    }

    /// The key `name`, if this ledger ever made one.
    pub async fn existing_local_key(&self, name: &str) -> Result<Option<String>, Error> {
        self.first(self.sql.local_key, vec![name.into()]).await?.map(|mut row| row.text()).transpose()
    }
}

/// What a rule of the schema means: a broken constraint becomes a domain error here and nowhere else.
fn domain_error(failure: Failure) -> Error {
    let broke = |rule: &str| failure.text.contains(rule);
    if broke("balance_not_negative") {
        Error::InsufficientBalance
    } else if broke("limit_daily_send_fen") {
        Error::LimitExceeded { limit: "limit_daily_send_fen", bound: 0 }
    } else if broke("limit_daily_send_count") {
        Error::LimitExceeded { limit: "limit_daily_send_count", bound: 0 }
    } else if broke("world_fen") {
        Error::LimitExceeded { limit: "world_fen", bound: Fen::MAX.get() }
    } else if broke("conflict") {
        Error::Conflict
    } else if broke("not_started") {
        Error::NotStarted { retry_after_ms: 1_000 }
    } else if broke("sold_out") {
        Error::SoldOut
    } else if broke("packet_expired") {
        Error::Expired
    } else if broke("voucher_contested") {
        Error::Contested
    } else {
        failure.into()
    }
}

/// The database knows which limit was broken, the caller its value.
fn with_bound(error: Error, limits: &Limits) -> Error {
    match error {
        Error::LimitExceeded { limit, .. } if limit == "limit_daily_send_fen" => {
            Error::LimitExceeded { limit, bound: limits.daily_send_fen }
        }
        Error::LimitExceeded { limit, .. } => Error::LimitExceeded { limit, bound: limits.daily_send_count },
        other => other,
    }
}

/// A page of the entries, of which one more than `limit` was asked for; and the `place` of the page's last entry
/// when there is a next page.
fn page<T, C>(mut entries: Vec<T>, limit: i64, place: impl Fn(&T) -> C) -> Page<T, C> {
    let limit = usize::try_from(limit).unwrap_or_default();
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| has_more).map(place);
    (entries, next)
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    serde_json::to_string(value).map(Value::Text).map_err(|error| Error::Internal(error.to_string()))
}

/// As [`json`], for what is told by its failures.
fn list<T: Serialize>(values: &[T]) -> Result<Value, Failure> {
    serde_json::to_string(values).map(Value::Text).map_err(|error| Failure::of_answer(error.to_string()))
}

fn packet(mut row: Reader) -> Result<Packet, Error> {
    let (id, sender, kind) = (row.parsed(PacketId::parse)?, row.parsed(UserId::parse)?, row.parsed(Kind::parse)?);
    let (total, count, to) = (row.fen()?, row.count()?, row.parsed(Recipient::parse)?);
    let (greeting, cover, password_mac) = (row.optional_text()?, row.optional_text()?, row.optional_text()?);
    let seed = row.bytes()?.try_into().map_err(|_| Error::Internal("a seed of another length".into()))?;
    let (created_at_ms, starts_at_ms, expires_at_ms) = (row.int()?, row.int()?, row.int()?);
    let facts = Facts { id, sender, kind, total, count, to, password_mac, seed, starts_at_ms, expires_at_ms };
    let (settled, closed_at_ms) = (row.count()?, row.optional_int()?);
    let refunded = row.optional_int()?.and_then(Fen::new);
    let (is_loaded, is_in_sql) = (row.int()? != 0, row.int()? == SQL_AUTHORITY);
    Ok(Packet { facts, greeting, cover, created_at_ms, settled, closed_at_ms, refunded, is_loaded, is_in_sql })
}

fn my_packet(mut row: Reader) -> Result<MyPacket, Error> {
    Ok(MyPacket {
        packet_id: row.parsed(PacketId::parse)?,
        sender: row.parsed(UserId::parse)?,
        kind: row.parsed(Kind::parse)?,
        amount_fen: row.fen()?,
        opened: row.count()?,
        count: row.count()?,
        refunded_fen: row.fen()?,
        best: row.int()? != 0,
        at_ms: row.int()?,
    })
}
