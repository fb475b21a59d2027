//! What operators do, on both databases: each act once, with its row in the audit, and drift stops a refund.

use std::collections::BTreeMap;

use hongbao_core::audit::Head;
use hongbao_core::wire::operator::ExceptionState;
use hongbao_core::{Error, Fen};

use hongbao_spin::ledger::{By, Drift, Ledger, List};
use hongbao_spin::sql::{PATIENCE, Value};

use crate::backend::Backend;
use crate::setting::{Journal, LIFE_MS, NOW_MS, fen, sent, user};

const LATER_MS: i64 = NOW_MS + 1_000;
const BY: By<'_> = By { operator: "ops", reason: "because", at_ms: LATER_MS };

/// How many acts there are, after the whole chain was verified.
async fn acts(ledger: &Ledger) -> i64 {
    let links = ledger.audit_after(0, 1_000).await.expect("acts");
    let head = links.iter().try_fold(Head::default(), |head, link| head.follow(link)).expect("a whole chain");
    head.number
}

async fn balance(ledger: &Ledger, name: &str) -> Fen {
    ledger.balance(&user(name)).await.expect("a balance")
}

/// Adds to a balance without a posting.
async fn tamper(books: &Backend, account: &str, change_fen: i64) {
    let statement = format!("UPDATE accounts SET balance_fen = balance_fen + {change_fen} WHERE id = '{account}'");
    books.owner().await.query(&statement, vec![]).await.expect("changed");
}

pub(crate) async fn an_operators_deposit_counts_once(books: &Backend) {
    let ledger = books.ledger().await;
    for _ in 0..3 {
        ledger.deposit_by(BY, "d1", &user("anna"), fen(500)).await.expect("a deposit");
    }
    let other = By { reason: "said otherwise", ..BY };
    ledger.deposit_by(other, "d1", &user("anna"), fen(500)).await.expect("the same deposit");
    for (name, amount) in [("anna", 501), ("ben", 500)] {
        let refused = ledger.deposit_by(BY, "d1", &user(name), fen(amount)).await;
        assert_eq!(refused, Err(Error::Conflict));
    }
    assert_eq!((balance(&ledger, "anna").await, acts(&ledger).await), (fen(500), 1));
    let (page, next) = ledger.audit(i64::MAX, 10).await.expect("acts");
    assert_eq!((page[0].act.operator.as_str(), page[0].act.subject.as_str(), next), ("ops", "d1", None));
}

pub(crate) async fn the_world_gives_no_more_than_can_be_counted(books: &Backend) {
    let ledger = books.ledger().await;
    ledger.deposit_by(BY, "all", &user("anna"), Fen::MAX).await.expect("all there can be");
    let refused = ledger.deposit_by(BY, "more", &user("ben"), fen(1)).await;
    assert_eq!(refused, Err(Error::LimitExceeded { limit: "world_fen", bound: Fen::MAX.get() }));
    ledger.deposit_by(BY, "all", &user("anna"), Fen::MAX).await.expect("the same deposit");
    assert_eq!((balance(&ledger, "anna").await, acts(&ledger).await), (Fen::MAX, 1));
}

/// A row a statement: what lost the race for a number is done under the next one.
pub(crate) async fn acts_at_once_are_one_chain(books: &Backend) {
    let done = books.at_once(4, async |number, ledger| {
        for round in 0..4 {
            let id = format!("{number}-{round}");
            ledger.deposit_by(BY, &id, &user("anna"), fen(1)).await.expect("a deposit");
            ledger.deposit_by(BY, "shared", &user("anna"), fen(7)).await.expect("a deposit");
        }
    });
    assert_eq!(done.len(), 4);
    let ledger = books.ledger().await;
    assert_eq!((balance(&ledger, "anna").await, acts(&ledger).await), (fen(23), 17));
}

pub(crate) async fn the_audit_cannot_be_rewritten(books: &Backend) {
    books.ledger().await.deposit_by(BY, "d1", &user("anna"), fen(500)).await.expect("a deposit");
    for statement in ["UPDATE audit SET reason = 'x'", "DELETE FROM audit"] {
        let refused = books.owner().await.query(statement, vec![]).await;
        assert!(refused.is_err_and(|failure| failure.text.contains("append-only")), "{statement}");
    }
}

pub(crate) async fn an_exception_is_compensated_once_from_suspense(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let opens = [journal.open(&packet, 0, &user("anna")), journal.open(&packet, 0, &user("eve"))];
    ledger.settle(&opens, LATER_MS).await.expect("settled");
    let id = format!("ex_{}", opens[1].event);
    let paid = books.at_once(4, async |_, ledger| ledger.compensate(BY, &id, &user("eve"), fen(33)).await);
    assert!(paid.iter().all(Result::is_ok), "{paid:?}");
    ledger.dismiss(BY, &id).await.expect("nothing");
    assert_eq!((balance(&ledger, "eve").await, acts(&ledger).await), (fen(33), 1));
    let exception = ledger.exception(&id).await.expect("an answer").expect("the exception");
    let resolution = exception.resolution.expect("resolved");
    assert_eq!((resolution.act.as_str(), resolution.amount_fen), ("compensate", Some(fen(33))));
    assert_eq!((resolution.operator.as_str(), resolution.audit_number, resolution.at_ms), ("ops", 1, LATER_MS));
    assert_eq!(books.number("SELECT balance_fen FROM accounts WHERE id = 'suspense'").await, 0);
    let postings = books.rows("SELECT id FROM postings WHERE id LIKE 'co%' ORDER BY id").await.concat();
    assert_eq!(postings, [Value::Text(format!("compensate:{id}")), Value::Text(format!("cover:{id}"))]);
}

pub(crate) async fn a_retry_resolves_only_what_it_settles(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let escrow = format!("packet:{}", packet.facts.id);
    tamper(books, &escrow, -1_000).await;
    let open = journal.open(&packet, 1, &user("anna"));
    ledger.settle(std::slice::from_ref(&open), LATER_MS).await.expect("settled");
    let id = format!("ex_{}", open.event);
    let detail = serde_json::to_string(&open).expect("JSON");
    ledger.retry(BY, &id, detail.clone()).await.expect("tried");
    let is_open = async || ledger.exception(&id).await.expect("an answer").expect("the exception").resolution.is_none();
    assert!(is_open().await);
    tamper(books, &escrow, 1_000).await;
    for _ in 0..3 {
        ledger.retry(BY, &id, detail.clone()).await.expect("tried");
    }
    assert!(!is_open().await);
    assert_eq!((balance(&ledger, "anna").await, acts(&ledger).await), (packet.facts.amounts()[1], 2));
    let poison = journal.poison();
    ledger.settle(std::slice::from_ref(&poison), LATER_MS).await.expect("settled");
    let id = format!("ex_{}", poison.event);
    ledger.retry(BY, &id, serde_json::to_string(&poison).expect("JSON")).await.expect("tried");
    ledger.dismiss(BY, &id).await.expect("dismissed");
    ledger.dismiss(BY, &id).await.expect("nothing");
    assert_eq!(acts(&ledger).await, 4);
}

fn drift(subject: &str, packet: &str) -> Drift {
    Drift { subject: subject.to_owned(), packet: packet.to_owned(), evidence: "this and that".to_owned() }
}

pub(crate) async fn a_frozen_packets_refund_waits_for_the_retry(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let name = packet.facts.id.to_string();
    let found = [drift(&name, &name), drift("wallet:us_anna", "")];
    for _ in 0..3 {
        ledger.record_drift(&found, LATER_MS).await.expect("recorded");
    }
    assert_eq!(books.number("SELECT COUNT(*) FROM exceptions").await, 2);
    let entries = [journal.open(&packet, 0, &user("anna")), journal.close(&packet, 1)];
    ledger.settle(&entries, LATER_MS).await.expect("settled");
    assert_eq!(balance(&ledger, "sender1").await, Fen::ZERO);
    let id = format!("ex_drift:{name}:0");
    let retry = async |is_sound: i64| {
        let detail = serde_json::json!({"kind": "drift", "packet": name, "is_sound": is_sound}).to_string();
        ledger.retry(BY, &id, detail).await.expect("tried");
    };
    retry(0).await;
    assert_eq!(balance(&ledger, "sender1").await, Fen::ZERO);
    retry(1).await;
    retry(1).await;
    let rest = fen(1_000 - packet.facts.amounts()[0].get());
    assert_eq!((balance(&ledger, "sender1").await, acts(&ledger).await), (rest, 2));
    let packet = ledger.packet(packet.facts.id).await.expect("an answer").expect("the packet");
    assert_eq!((packet.refunded, packet.closed_at_ms), (Some(rest), Some(NOW_MS + LIFE_MS + 1)));
    // What was found sound and drifts again is told again; what was dismissed is not.
    ledger.dismiss(BY, "ex_drift:wallet:us_anna:0").await.expect("dismissed");
    ledger.record_drift(&found, LATER_MS).await.expect("recorded");
    let open = books.number("SELECT COUNT(*) FROM exceptions WHERE resolved_at_ms IS NULL").await;
    assert_eq!((open, books.number("SELECT COUNT(*) FROM exceptions").await), (1, 3));
}

pub(crate) async fn a_refund_gives_back_only_what_the_claims_left(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let escrow = format!("packet:{}", packet.facts.id);
    tamper(books, &escrow, 5).await;
    ledger.settle(&[journal.close(&packet, 0)], LATER_MS).await.expect("settled");
    assert_eq!(balance(&ledger, "sender1").await, Fen::ZERO);
    let books_of = ledger.packet_books(&[packet.facts.id.to_string()]).await.expect("books");
    assert!(books_of[0].1.is_frozen && !books_of[0].1.faults().is_empty(), "{books_of:?}");
    assert_eq!(books.number("SELECT COUNT(*) FROM exceptions WHERE reason = 'drift'").await, 1);
    tamper(books, &escrow, -5).await;
}

pub(crate) async fn sound_books_are_found_sound(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let (live, over, full) =
        (sent(&ledger, 1, 1_000, 4).await, sent(&ledger, 2, 900, 3).await, sent(&ledger, 3, 10, 2).await);
    let entries = [
        journal.load(&live),
        journal.open(&live, 0, &user("anna")),
        journal.load(&over),
        journal.open(&over, 0, &user("anna")),
        journal.close(&over, 1),
        journal.open(&full, 0, &user("anna")),
        journal.open(&full, 1, &user("ben")),
    ];
    ledger.settle(&entries, LATER_MS).await.expect("settled");
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = ledger.packet_page(&after, 2).await.expect("a page");
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        for (id, found) in ledger.packet_books(&page).await.expect("books") {
            assert_eq!(found.faults(), [], "{id}: {found:?}");
            seen.push(id);
        }
    }
    assert_eq!(seen.len(), 3);
    let accounts = ledger.account_page("", 100).await.expect("a page");
    let found = ledger.account_books(&accounts).await.expect("books");
    assert!(found.iter().all(|books| books.faults().is_empty()), "{found:?}");
    // Three escrows, three senders, two people and suspense.
    assert_eq!((found.len(), ledger.all_balances().await.expect("a sum")), (9, (0, 10)));
    let page = ledger.page(List::Live { now_ms: NOW_MS }, Some(0), "", 10).await;
    assert_eq!(page.expect("live"), [live.facts.id]);
    let numbers: BTreeMap<_, _> = ledger.stats(NOW_MS).await.expect("numbers").into_iter().collect();
    for (name, number) in [("open", 1), ("expired", 1), ("finished", 1), ("scheduled", 0), ("world_fen", -1_910)] {
        assert_eq!(numbers.get(name), Some(&number), "{name}: {numbers:?}");
    }
    tamper(books, "wallet:us_ben", 3).await;
    let found = ledger.account_books(&["wallet:us_ben".to_owned()]).await.expect("books");
    assert_eq!(found[0].faults()[0].drift_fen, 3);
    tamper(books, "wallet:us_ben", -3).await;
}

pub(crate) async fn exceptions_are_listed_in_pages_with_what_stands_in_the_way(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 4).await;
    let mut entries = vec![journal.open(&packet, 0, &user("anna")), journal.open(&packet, 1, &user("ben"))];
    entries.extend((0..3).map(|_| journal.poison()));
    entries.push(journal.open(&packet, 1, &user("anna")));
    ledger.settle(&entries, LATER_MS).await.expect("settled");
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let (page, next) = ledger.exceptions(ExceptionState::Open, &before, 3).await.expect("a page");
        seen.extend(page.into_iter().map(|exception| exception.id));
        let Some(next) = next else { break };
        before = next;
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!((seen.len(), &seen), (4, &sorted), "one time: by id, and each once");
    let id = packet.facts.id;
    let conflicts = ledger.conflicts(&[(id, 1, user("anna"))]).await.expect("conflicts");
    let who: Vec<_> = conflicts.iter().map(|(packet, paid)| (*packet, paid.seq, paid.user.as_str())).collect();
    assert_eq!(who, [(id, 0, "us_anna"), (id, 1, "us_ben")]);
    let summary = &ledger.summaries(&[id]).await.expect("a summary")[0];
    assert_eq!((summary.settled, summary.count, summary.frozen_at_ms), (2, 4, None));
    assert_eq!(ledger.excepted(id).await.expect("entries"), [entries[5].text.clone()]);
}

pub(crate) async fn switches_and_the_blacklist_are_turned_once(books: &Backend) {
    let ledger = books.ledger().await;
    let anna = user("anna");
    assert_eq!(ledger.controls(10, PATIENCE).await.expect("controls"), []);
    for _ in 0..2 {
        ledger.set_switch(BY, "sends", true).await.expect("on it is");
        ledger.set_switch(BY, "sends", false).await.expect("off");
    }
    assert_eq!(acts(&ledger).await, 3); // Off, on, off: on it was at first.
    for reason in ["a bot", "a bot", "two bots"] {
        ledger.block(By { reason, ..BY }, &anna).await.expect("blocked");
    }
    let found = ledger.blocked(&anna).await.expect("an answer");
    assert_eq!(
        (found.blocked, found.reason.as_deref(), found.operator.as_deref()),
        (true, Some("two bots"), Some("ops"))
    );
    let controls = ledger.controls(10, PATIENCE).await.expect("controls");
    let row = |kind: &str, name: &str, value: &str| (kind.to_owned(), name.to_owned(), value.to_owned());
    assert_eq!(controls, [row("switch", "sends", "0"), row("blocked", "us_anna", "")]);
    for _ in 0..2 {
        ledger.unblock(BY, &anna).await.expect("unblocked");
    }
    assert_eq!((ledger.blocked(&anna).await.expect("an answer").blocked, acts(&ledger).await), (false, 6));
    assert_eq!(ledger.risk_events(i64::MAX, 10).await.expect("events"), (vec![], None));
}
