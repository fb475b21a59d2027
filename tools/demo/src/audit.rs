//! The audit: waits until nothing moves any more and compares what people have with what they were told.
//!
//! **Invariant:** nothing is taken from the application's own books but what it answers to people.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use hongbao_client::{Failure, Session};
use hongbao_core::PacketId;
use hongbao_core::sign::parse_hex;
use hongbao_core::split::{Shares, commitment, hex};
use hongbao_core::wire::PacketAnswer;
use tokio::time::{Instant, sleep};

use crate::book::Sent;
use crate::evening::{Evening, now_ms};

const PAUSE: Duration = Duration::from_millis(100);
/// How many questions are asked at once.
const AUDITORS: usize = 8;
const PAGE: u32 = 100;

/// What the audit found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many packets gave something back.
    pub refunds: u64,
    /// What they gave back.
    pub refunded_fen: i64,
    /// How many opened shares are in their owner's statement, once.
    pub settled: u64,
    /// What all wallets hold.
    pub wallets_fen: i64,
    /// The sum of every wallet's deviation from what it must hold, and of all money's from what there was.
    pub drift_fen: i64,
    /// What is wrong, a line each.
    pub findings: Vec<String>,
}

impl Verdict {
    /// Whether no fen is lost or too many and nobody was told anything untrue.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.drift_fen == 0 && self.findings.is_empty()
    }
}

/// Waits until every packet is over, refunded and settled, at most for `limit` after the last packet's end, and
/// checks everything.
pub async fn audit(evening: &Evening, limit: Duration) -> Verdict {
    let packets: Vec<(PacketId, Sent)> = evening.book().packets.clone().into_iter().collect();
    let last_end_ms = packets.iter().map(|(_, sent)| sent.answer.expires_at_ms).max().unwrap_or_default();
    let open_for = Duration::from_millis(u64::try_from(last_end_ms - now_ms()).unwrap_or_default());
    let end = Instant::now() + open_for + limit;
    let mut verdict = Verdict { findings: evening.book().contradictions.clone(), ..Verdict::default() };

    let mut checks = stream::iter(packets.iter().map(|(id, sent)| check_packet(evening, *id, sent, end)));
    let mut checks = checks.by_ref().buffer_unordered(AUDITORS);
    while let Some(check) = checks.next().await {
        match check {
            Ok(refunded_fen) => {
                verdict.refunded_fen += refunded_fen;
                verdict.refunds += u64::from(refunded_fen > 0);
            }
            Err(finding) => verdict.findings.push(finding),
        }
    }
    let wallets = (0..evening.people.len()).map(|person| check_wallet(evening, person, end));
    let mut wallets = stream::iter(wallets).buffer_unordered(AUDITORS);
    while let Some(wallet) = wallets.next().await {
        verdict.settled += wallet.settled;
        verdict.wallets_fen += wallet.balance_fen;
        verdict.drift_fen += wallet.drift_fen;
        verdict.findings.extend(wallet.findings);
    }
    // Every packet is over: no money is anywhere but in the wallets.
    verdict.drift_fen += (verdict.wallets_fen - evening.purses_fen.iter().sum::<i64>()).abs();
    verdict
}

/// What went back to the sender of a packet that is over, or what is wrong with it.
async fn check_packet(evening: &Evening, id: PacketId, sent: &Sent, end: Instant) -> Result<i64, String> {
    let sender = evening.people.iter().find(|person| *person.user() == sent.sender).ok_or("a stranger's packet")?;
    let left_fen = evening.book().left_fen(id);
    let is_at_rest = |packet: &PacketAnswer| packet.state.is_over() && packet.refunded_fen.get() == left_fen;
    let packet = last_answer(end, || sender.packet(id), is_at_rest).await;
    let packet = packet.map_err(|failure| format!("{id}: its sender sees nothing: {failure}"))?;
    if !is_at_rest(&packet) {
        let (state, refunded) = (packet.state, packet.refunded_fen);
        return Err(format!("{id}: {state:?}, {refunded} went back instead of {left_fen}"));
    }
    let told: Vec<_> =
        evening.book().opens_of(id).map(|(seq, open)| (seq, open.user.clone(), open.amount_fen)).collect();
    let mut shown: Vec<_> =
        packet.shares.iter().map(|share| (share.seq, share.user.clone(), share.amount_fen.get())).collect();
    shown.sort();
    if told != shown {
        return Err(format!("{id}: people opened {told:?}, the packet shows {shown:?}"));
    }
    check_fairness(sent, &packet).map_err(|wrong| format!("{id}: {wrong}"))?;
    Ok(left_fen)
}

/// The seed is the one that was promised, and every share follows from it.
fn check_fairness(sent: &Sent, packet: &PacketAnswer) -> Result<(), &'static str> {
    let seed = packet.seed.as_deref().and_then(parse_hex).ok_or("it is over and shows no seed")?;
    if hex(&commitment(packet.packet_id, &seed)) != sent.answer.commitment {
        return Err("the seed is not the one promised");
    }
    let shares = Shares::new(packet.kind, &seed, packet.total_fen, packet.count).ok_or("it cannot be split")?;
    let amounts: Vec<_> = shares.collect();
    let is_fair = packet.shares.iter().all(|share| amounts.get(share.seq as usize) == Some(&share.amount_fen));
    if is_fair { Ok(()) } else { Err("a share does not follow from the seed") }
}

#[derive(Default)]
struct Wallet {
    balance_fen: i64,
    drift_fen: i64,
    settled: u64,
    findings: Vec<String>,
}

async fn check_wallet(evening: &Evening, number: usize, end: Instant) -> Wallet {
    let (Some(person), Some(purse_fen)) = (evening.people.get(number), evening.purses_fen.get(number)) else {
        return Wallet::default();
    };
    let user = person.user();
    let must_fen = purse_fen + evening.book().change_fen(user);
    let me = last_answer(end, || person.me(), |me| me.balance_fen.get() == must_fen).await;
    let statement = credits(person).await;
    let (me, mut credits) = match (me, statement) {
        (Ok(me), Ok(credits)) => (me, credits),
        (Err(failure), _) | (_, Err(failure)) => {
            let findings = vec![format!("{user}: the wallet cannot be read: {failure}")];
            return Wallet { drift_fen: must_fen, findings, ..Wallet::default() };
        }
    };
    let mut wallet = Wallet { balance_fen: me.balance_fen.get(), ..Wallet::default() };
    wallet.drift_fen = (wallet.balance_fen - must_fen).abs();
    if wallet.drift_fen != 0 {
        wallet.findings.push(format!("{user}: has {} fen instead of {must_fen}", wallet.balance_fen));
    }
    let book = evening.book();
    for ((packet, seq), open) in book.opens.iter().filter(|(_, open)| open.user == *user) {
        match credits.remove(&format!("open:{packet}:{seq}")) {
            Some(amounts) if amounts == [open.amount_fen] => wallet.settled += 1,
            found => wallet.findings.push(format!("{user}: share {packet}:{seq} {open:?} is credited as {found:?}")),
        }
    }
    let strange = credits.iter().filter(|(id, _)| id.starts_with("open:"));
    wallet.findings.extend(strange.map(|(id, amounts)| format!("{user}: credited {amounts:?} for {id}, never opened")));
    wallet
}

/// The amounts of a person's statement by the postings' ids.
async fn credits(person: &Session) -> Result<BTreeMap<String, Vec<i64>>, Failure> {
    let mut credits: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = person.statement(PAGE, before).await?;
        for posting in page.postings {
            credits.entry(posting.id).or_default().push(posting.change_fen);
        }
        before = page.next;
        if before.is_none() {
            return Ok(credits);
        }
    }
}

/// The first answer that is as it has to be; at `end`, the last answer there was.
async fn last_answer<T, F>(end: Instant, ask: impl Fn() -> F, is_right: impl Fn(&T) -> bool) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    loop {
        let answer = ask().await;
        if Instant::now() >= end || answer.as_ref().is_ok_and(&is_right) {
            return answer;
        }
        sleep(PAUSE).await;
    }
}
