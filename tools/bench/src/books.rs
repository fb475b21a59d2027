//! Conservation: after every scenario the journal is settled, what was opened is in the wallets, and the books balance.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hongbao_client::{Client, Method};
use hongbao_core::wire::operator::{ReconcileAnswer, StatsAnswer};
use serde::de::DeserializeOwned;

use crate::race::connect;
use crate::site::Site;

/// How long a journal may take to be settled before the settlement counts as stuck.
const SETTLED_LIMIT: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// An operator at the application's own books.
pub(crate) struct Books<'a> {
    site: &'a Site,
    client: Client,
}

impl<'a> Books<'a> {
    pub(crate) fn of(site: &'a Site) -> Self {
        Self { site, client: Client::new(site.stack.base_url()) }
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let token = self.site.stack.operator_token()?; // Good for minutes only.
        let answer = self.client.call(Method::GET, path).token(&token).send().await;
        answer.and_then(|answer| answer.decode()).map_err(|failure| anyhow::anyhow!("{path}: {failure}"))
    }

    pub(crate) async fn stats(&self) -> Result<StatsAnswer> {
        self.ask("/v1/admin/stats").await
    }

    /// What all people have together, in fen.
    pub(crate) async fn wallets_fen(&self) -> Result<i64> {
        let money = self.stats().await?.money;
        Ok(money.context("the ledger does not answer")?.wallets_fen)
    }

    /// How many entries of the journals wait.
    pub(crate) async fn backlog(&self) -> Result<u64> {
        let mut waiting = 0;
        for (shard, redis) in self.site.stack.redis.iter().enumerate() {
            let mut connection = connect(redis.url()).await?;
            let journal = format!("hb:{{{shard}}}:events");
            waiting += redis::cmd("XLEN").arg(journal).query_async::<u64>(&mut connection).await?;
        }
        Ok(waiting)
    }

    /// Waits until nothing waits to be settled, sweeping: a packet that was loaded rings no bell.
    pub(crate) async fn settled(&self) -> Result<()> {
        self.site.sweep().await?;
        self.settle(Duration::from_secs(1)).await.map(drop)
    }

    /// Waits until the doorbell's settlement has settled everything; how long that took. What it leaves is swept up
    /// seldom, so that it is not the sweep that is measured.
    pub(crate) async fn settled_by_bell(&self) -> Result<Duration> {
        self.settle(Duration::from_secs(10)).await
    }

    async fn settle(&self, sweep_every: Duration) -> Result<Duration> {
        let started = Instant::now();
        let mut next_sweep = started + sweep_every;
        while self.backlog().await? > 0 {
            ensure!(started.elapsed() < SETTLED_LIMIT, "the journal is not settled after {SETTLED_LIMIT:?}");
            tokio::time::sleep(LOOK_EVERY).await;
            if Instant::now() > next_sweep {
                self.site.sweep().await?;
                next_sweep = Instant::now() + sweep_every;
            }
        }
        Ok(started.elapsed())
    }

    /// Settles everything and compares: people have `opened_fen` more than `before_fen`, and no fen drifts.
    pub(crate) async fn check(&self, before_fen: i64, opened_fen: i64) -> Result<Checked> {
        self.settled().await?;
        let now_fen = self.wallets_fen().await?;
        let drift_fen = self.reconcile().await?;
        ensure!(drift_fen == 0, "reconciliation finds a drift of {drift_fen} fen");
        if now_fen - before_fen != opened_fen {
            bail!("people opened {opened_fen} fen, {} fen are settled", now_fen - before_fen);
        }
        Ok(Checked { opened_fen, drift_fen })
    }

    async fn reconcile(&self) -> Result<i64> {
        let (mut after, mut drift_fen) = (String::new(), 0);
        loop {
            let page: ReconcileAnswer = self.ask(&format!("/v1/admin/reconcile?limit=10000{after}")).await?;
            ensure!(
                page.ok,
                "the books are not sound: {:?}",
                page.checks.iter().filter(|check| !check.ok).collect::<Vec<_>>()
            );
            drift_fen = page.drift_fen.max(drift_fen);
            let Some(next) = page.next else { return Ok(drift_fen) };
            after = format!("&after={next}");
        }
    }
}

/// What was found in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) opened_fen: i64,
    pub(crate) drift_fen: i64,
}
