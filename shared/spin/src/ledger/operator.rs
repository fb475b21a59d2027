//! The ledger for operators: their acts, each one row of the audit, and what those acts decide.
//!
//! **Invariant:** an act and its effect are one statement: the effect hangs on the insertion of the audit's row.

use core::time::Duration;

use hongbao_core::audit::{Act, Head, Link};
use hongbao_core::wire::operator::{BlockAnswer, RiskEvent};
use hongbao_core::{Error, Fen, PacketId, UserId};
use serde_json::json;

use super::{Ledger, Page, domain_error, page};
use crate::sql::{Reader, Row, Value};

/// How often an act is tried again because another one was written first.
const TRIES: u32 = 200;

/// Who does something, why and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The operator's name.
    pub operator: &'a str,
    /// Why; empty where nothing was said.
    pub reason: &'a str,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

impl By<'_> {
    /// An act of theirs on `subject`; its number comes with its place in the chain.
    fn act(&self, act: &str, subject: &str, amount: Option<Fen>, detail: String) -> Act {
        Act {
            number: 0,
            at_ms: self.at_ms,
            operator: self.operator.to_owned(),
            act: act.to_owned(),
            subject: subject.to_owned(),
            amount_fen: amount.map(Fen::get),
            reason: self.reason.to_owned(),
            detail,
        }
    }
}

impl Ledger {
    /// Does what `act` says, together with its row in the audit; nothing where that was done before.
    pub(super) async fn carry_out(&self, act: &Act) -> Result<(), Error> {
        for _ in 0..TRIES {
            let link = self.audit_head().await?.link(act.clone());
            match self.database.query(self.sql.act, parameters(&link)).await {
                Err(failure)
                    if ["audit_moved", "audit_one_next", "audit_pkey"].iter().any(|it| failure.text.contains(it)) => {}
                answer => return answer.map(drop).map_err(domain_error),
            }
        }
        Err(Error::Unavailable("the audit moved on too often".into()))
    }

    async fn audit_head(&self) -> Result<Head, Error> {
        let row = self.first(self.sql.audit_head, vec![]).await?;
        row.map_or(Ok(Head::default()), |mut row| Ok(Head { number: row.int()?, hash: row.text()? }))
    }

    /// The acts numbered below `before`, newest first; and the number that the next page is below.
    pub async fn audit(&self, before: i64, limit: i64) -> Result<Page<Link, i64>, Error> {
        let rows = self.rows(self.sql.audit_before, vec![before.into(), limit.saturating_add(1).into()]).await?;
        let links = rows.into_iter().map(link).collect::<Result<_, _>>()?;
        Ok(page(links, limit, |link: &Link| link.act.number))
    }

    /// The acts numbered above `after`, oldest first.
    pub async fn audit_after(&self, after: i64, limit: i64) -> Result<Vec<Link>, Error> {
        let rows = self.rows(self.sql.audit_after, vec![after.into(), limit.into()]).await?;
        rows.into_iter().map(link).collect()
    }

    /// Pays `amount` from the world into `user`'s wallet, once for each `id`, on an operator's order.
    ///
    /// # Errors
    /// [`Error::Conflict`] when `id` was used for another user or amount; [`Error::LimitExceeded`] when there would
    /// be more money than the books can hold.
    pub async fn deposit_by(&self, by: By<'_>, id: &str, user: &UserId, amount: Fen) -> Result<(), Error> {
        let act = by.act("deposit", id, Some(amount), json!({"user": user}).to_string());
        self.carry_out(&act).await?;
        let row = self.first(self.sql.posting, vec![format!("deposit:{id}").into()]).await?;
        let mut row = row.ok_or_else(|| Error::Internal("a deposit is gone".into()))?;
        let is_same = row.text()? == format!("wallet:{user}") && row.fen()? == amount;
        if is_same { Ok(()) } else { Err(Error::Conflict) }
    }

    /// Settles an exception's entry again; `detail` is the settlement, or what checking the books again found.
    pub async fn retry(&self, by: By<'_>, exception: &str, detail: String) -> Result<(), Error> {
        self.carry_out(&by.act("retry", exception, None, detail)).await
    }

    /// Pays `amount` to `user` from suspense, for an exception.
    pub async fn compensate(&self, by: By<'_>, exception: &str, user: &UserId, amount: Fen) -> Result<(), Error> {
        self.carry_out(&by.act("compensate", exception, Some(amount), json!({"user": user}).to_string())).await
    }

    /// Closes an exception with nothing owed to anybody.
    pub async fn dismiss(&self, by: By<'_>, exception: &str) -> Result<(), Error> {
        self.carry_out(&by.act("dismiss", exception, None, "{}".to_owned())).await
    }

    /// Turns a switch.
    pub async fn set_switch(&self, by: By<'_>, name: &str, is_on: bool) -> Result<(), Error> {
        self.carry_out(&by.act("switch", name, None, json!({"is_on": i64::from(is_on)}).to_string())).await
    }

    /// Gives a setting a value.
    pub async fn set(&self, by: By<'_>, name: &str, value: &str) -> Result<(), Error> {
        self.carry_out(&by.act("set", name, None, json!({"value": value}).to_string())).await
    }

    /// Moves what a dead shard held to SQL authority and begins the shard's next epoch, so that it is fenced when it
    /// returns; `epoch` is the one that the caller has seen.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while a sweep rebuilds the shard, or when its epoch is another one by now.
    pub async fn move_shard(&self, by: By<'_>, shard: u16, epoch: u32) -> Result<(), Error> {
        self.carry_out(&by.act("move_shard", &shard.to_string(), None, json!({"epoch": epoch}).to_string())).await
    }

    /// Puts `user` on the blacklist, or gives a new reason for it.
    pub async fn block(&self, by: By<'_>, user: &UserId) -> Result<(), Error> {
        self.carry_out(&by.act("block", user.as_str(), None, "{}".to_owned())).await
    }

    /// Takes `user` off the blacklist.
    pub async fn unblock(&self, by: By<'_>, user: &UserId) -> Result<(), Error> {
        self.carry_out(&by.act("unblock", user.as_str(), None, "{}".to_owned())).await
    }

    /// Whether `user` is on the blacklist, and why.
    pub async fn blocked(&self, user: &UserId) -> Result<BlockAnswer, Error> {
        let (user, row) = (user.clone(), self.first(self.sql.blocked, vec![user.as_str().into()]).await?);
        let Some(mut row) = row else {
            return Ok(BlockAnswer {
                user,
                blocked: false,
                reason: None,
                operator: None,
                at_ms: None,
                missing: vec![],
            });
        };
        let (_user, reason) = (row.text()?, Some(row.text()?).filter(|reason| !reason.is_empty()));
        let (operator, at_ms) = (Some(row.text()?), Some(row.int()?));
        Ok(BlockAnswer { user, blocked: true, reason, operator, at_ms, missing: vec![] })
    }

    /// The switches that were ever turned, the settings, and the first `most` of the blacklist: kind, name and value.
    ///
    /// Asked on the way of every request now and then, so it gives up after `bound`.
    pub async fn controls(&self, most: i64, bound: Duration) -> Result<Vec<(String, String, String)>, Error> {
        let rows =
            self.database.query_within(bound, self.sql.controls, vec![most.into()]).await.map_err(domain_error)?;
        let control = |row| {
            let mut row = Reader::new(row);
            Ok((row.text()?, row.text()?, row.text()?))
        };
        rows.into_iter().map(control).collect()
    }

    /// The system in numbers, by name.
    pub async fn stats(&self, now_ms: i64) -> Result<Vec<(String, i64)>, Error> {
        let rows = self.rows(self.sql.stats, vec![now_ms.into()]).await?;
        let number = |row| {
            let mut row = Reader::new(row);
            Ok((row.text()?, row.int()?))
        };
        rows.into_iter().map(number).collect()
    }

    /// What risk rules saw, numbered below `before`, newest first; and the number that the next page is below.
    pub async fn risk_events(&self, before: i64, limit: i64) -> Result<Page<RiskEvent, i64>, Error> {
        let rows = self.rows(self.sql.risk_events, vec![before.into(), limit.saturating_add(1).into()]).await?;
        let events = rows.into_iter().map(risk_event).collect::<Result<_, Error>>()?;
        Ok(page(events, limit, |event: &RiskEvent| event.number))
    }
}

fn parameters(link: &Link) -> Vec<Value> {
    let Act { number, at_ms, operator, act, subject, amount_fen, reason, detail } = link.act.clone();
    let act: [Value; 8] = [
        number.into(),
        at_ms.into(),
        operator.into(),
        act.into(),
        subject.into(),
        amount_fen.into(),
        reason.into(),
        detail.into(),
    ];
    act.into_iter().chain([link.previous_hash.clone().into(), link.hash.clone().into()]).collect()
}

fn link(row: Row) -> Result<Link, Error> {
    let mut row = Reader::new(row);
    let (number, at_ms, operator, act) = (row.int()?, row.int()?, row.text()?, row.text()?);
    let (subject, amount_fen, reason, detail) = (row.text()?, row.optional_int()?, row.text()?, row.text()?);
    let act = Act { number, at_ms, operator, act, subject, amount_fen, reason, detail };
    Ok(Link { act, previous_hash: row.text()?, hash: row.text()? })
}

fn risk_event(row: Row) -> Result<RiskEvent, Error> {
    let mut row = Reader::new(row);
    Ok(RiskEvent {
        number: row.int()?,
        rule: row.text()?,
        user: row.parsed(UserId::parse)?,
        packet_id: row.optional_text()?.as_deref().and_then(PacketId::parse),
        action: row.text()?,
        detail: row.text()?,
        at_ms: row.int()?,
    })
}
