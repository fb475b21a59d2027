//! People who send, grab, open and look all the time, and a log of when each of it was granted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hongbao_tests::person::text;
use hongbao_tests::{Draft, Person, Reply};
use serde_json::json;

/// How soon after a promotion everything has to be granted again.
const RECOVERY_LIMIT: Duration = Duration::from_secs(2);
/// How many of each kind have to be granted after it, so that every instance and connection had its turn.
const ENOUGH: usize = 40;
/// How many kinds of requests [`evening`] makes.
const KINDS: usize = 6;
/// Who is refused asks again, like a patient person's program.
const PATIENCE: Duration = Duration::from_millis(10);
const LIMIT: Duration = Duration::from_secs(60);

/// Variables without which the load would be refused for its own sake.
pub(crate) const NO_LIMITS: [(&str, &str); 2] =
    [("rate_limits", "grab_user=0,send_user=0,login_user=0"), ("limit_daily_send_count", "1000000")];

/// When requests ended, by kind, and whether they were granted.
#[derive(Default)]
pub(crate) struct Log {
    ended: Mutex<Vec<(&'static str, Instant, bool)>>,
    is_over: AtomicBool,
}

impl Log {
    fn note(&self, kind: &'static str, is_granted: bool) {
        self.ended.lock().expect("nobody panicked").push((kind, Instant::now(), is_granted));
    }

    /// Ends the load.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// How often each kind was granted since `moment`, and how long after it the last refusal came.
    fn since(&self, moment: Instant) -> BTreeMap<&'static str, (usize, Duration)> {
        let mut kinds: BTreeMap<_, (usize, Duration)> = BTreeMap::new();
        for (kind, at, is_granted) in self.ended.lock().expect("nobody panicked").iter() {
            let (granted, last_refusal) = kinds.entry(*kind).or_default();
            match at.checked_duration_since(moment) {
                Some(_) if *is_granted => *granted += 1,
                Some(after) => *last_refusal = after.max(*last_refusal),
                None => {}
            }
        }
        kinds
    }

    /// Waits until everybody is at it: enough of every kind was granted since `started`.
    pub(crate) async fn runs_in(&self, started: Instant) {
        while self.since(started).len() < KINDS || self.since(started).values().any(|(granted, _)| *granted < ENOUGH) {
            assert!(started.elapsed() < LIMIT, "the load does not run in: {:?}", self.since(started));
            tokio::time::sleep(PATIENCE).await;
        }
    }

    /// Waits until enough of every kind was granted after a promotion.
    pub(crate) async fn recovers(&self, promoted: Instant) {
        while promoted.elapsed() < RECOVERY_LIMIT * 2
            || self.since(promoted).values().any(|(granted, _)| *granted < ENOUGH)
        {
            assert!(promoted.elapsed() < LIMIT, "not all of it is granted again: {:?}", self.since(promoted));
            tokio::time::sleep(PATIENCE).await;
        }
        let kinds = self.since(promoted);
        println!("{:<8} {:>8} last refused after the promotion", "", "granted");
        for (kind, (granted, last_refusal)) in &kinds {
            println!("{kind:<8} {granted:>8} {last_refusal:?}");
        }
        for (kind, (_, last_refusal)) in kinds {
            assert!(last_refusal < RECOVERY_LIMIT, "{kind} was refused {last_refusal:?} after the promotion");
        }
    }
}

/// Asks until it is granted.
async fn granted(log: &Log, kind: &'static str, ask: impl AsyncFn() -> Reply) -> serde_json::Value {
    let started = Instant::now();
    loop {
        let reply = ask().await;
        // A packet that was sent before its answer was lost is 200, a new one 201.
        let is_granted = matches!(reply.status, 200 | 201);
        log.note(kind, is_granted);
        if is_granted {
            return reply.body;
        }
        assert!(matches!(reply.status, 429 | 503), "{kind}: {reply}");
        assert!(started.elapsed() < LIMIT, "{kind}: {reply}");
        tokio::time::sleep(PATIENCE).await;
    }
}

/// One person's evening: packets to themselves, each taken and looked at, until the load ends. What is sent is what is
/// taken, so that the wallet is as before.
pub(crate) async fn evening(person: &Person, group: &str, log: &Log) {
    let draft = Draft::new("lucky", 10, 1, group).body();
    while !log.is_over.load(Ordering::Relaxed) {
        let quote = text(&granted(log, "wrap", async || person.post("/v1/wrap", &draft).await).await, "quote");
        let body = json!({"quote": quote});
        let sent = granted(log, "send", async || person.post("/v1/send", &body).await).await;
        let packet = text(&sent, "packet_id");
        let voucher = text(&granted(log, "grab", async || person.try_grab(&packet).await).await, "voucher");
        granted(log, "open", async || person.try_open(&packet, &voucher).await).await;
        granted(log, "see", async || person.get(&format!("/v1/packets/{packet}")).await).await;
        granted(log, "balance", async || person.get("/v1/me").await).await;
    }
}
