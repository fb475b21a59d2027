//! The journal becomes claims, postings, refunds and exceptions.

use std::time::{Duration, Instant};

use hongbao_core::Fen;
use hongbao_spin::ledger::{Ledger, Packet, Settlement};
use hongbao_spin::sql::{Cause, Failure, Value};

use crate::backend::{Backend, Kind};
use crate::setting::{Journal, LIFE_MS, NOW_MS, fen, id, sent, user};

/// When the batches are settled.
const LATER_MS: i64 = NOW_MS + 1_000;

async fn settle(ledger: &Ledger, batch: &[Settlement]) {
    ledger.settle(batch, LATER_MS).await.expect("a batch is settled");
}

async fn now(ledger: &Ledger, packet: &Packet) -> Packet {
    ledger.packet(packet.facts.id).await.expect("an answer").expect("the packet")
}

async fn balance(ledger: &Ledger, name: &str) -> Fen {
    ledger.balance(&user(name)).await.expect("a balance")
}

/// The exceptions' reasons, in order of their events.
async fn reasons(books: &Backend) -> Vec<String> {
    let rows = books.rows("SELECT reason FROM exceptions ORDER BY id").await;
    rows.into_iter()
        .flatten()
        .map(|value| if let Value::Text(text) = value { text } else { panic!("{value:?}") })
        .collect()
}

fn share(packet: &Packet, seq: usize) -> Fen {
    packet.facts.amounts()[seq]
}

pub(crate) async fn a_packet_is_settled_in_order(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    assert!(!packet.is_loaded);
    settle(&ledger, &[journal.load(&packet)]).await;
    assert!(now(&ledger, &packet).await.is_loaded);
    for (seq, name) in [(0, "anna"), (1, "ben"), (2, "cleo")] {
        settle(&ledger, &[journal.open(&packet, seq, &user(name))]).await;
        assert_eq!(now(&ledger, &packet).await.settled, seq + 1);
    }
    let claims = ledger.claims(packet.facts.id).await.expect("claims");
    let claims: Vec<_> = claims.iter().map(|(user, claim)| (user.as_str(), claim.seq, claim.opened_at_ms)).collect();
    assert_eq!(
        claims,
        [("us_anna", 0, Some(NOW_MS)), ("us_ben", 1, Some(NOW_MS + 1)), ("us_cleo", 2, Some(NOW_MS + 2)),]
    );
    assert_eq!(balance(&ledger, "ben").await, share(&packet, 1));
    assert_eq!(reasons(books).await, [""; 0]);
}

pub(crate) async fn a_batch_again_changes_nothing(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let opens = [journal.open(&packet, 0, &user("anna")), journal.open(&packet, 1, &user("ben"))];
    let twice_inside: Vec<_> = opens.iter().chain(&opens).cloned().collect();
    for batch in [&opens[..], &opens, &opens[..1], &twice_inside] {
        settle(&ledger, batch).await;
    }
    let close = [journal.close(&packet, 2)];
    for batch in [&close[..], &close, &opens, &close] {
        settle(&ledger, batch).await;
    }
    let packet = now(&ledger, &packet).await;
    assert_eq!((packet.settled, packet.refunded), (2, Some(share(&packet, 2))));
    assert_eq!(balance(&ledger, "anna").await, share(&packet, 0));
    assert_eq!(balance(&ledger, "sender1").await, share(&packet, 2));
    assert_eq!(reasons(books).await, [""; 0]);
}

pub(crate) async fn a_close_waits_for_its_opens(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 5).await;
    let opens: Vec<_> =
        (0..3).map(|seq| journal.open(&packet, seq, &user(["anna", "ben", "cleo"][seq as usize]))).collect();
    settle(&ledger, &[journal.close(&packet, 3)]).await;
    for (settled, open) in (1..).zip(opens) {
        let packet = now(&ledger, &packet).await;
        assert_eq!((packet.refunded, packet.closed_at_ms), (None, Some(NOW_MS + LIFE_MS + 3)));
        settle(&ledger, &[open]).await;
        assert_eq!(now(&ledger, &packet).await.settled, settled);
    }
    let refund = share(&packet, 3).checked_add(share(&packet, 4));
    assert_eq!(now(&ledger, &packet).await.refunded, refund);
    assert_eq!(Some(balance(&ledger, "sender1").await), refund);
}

pub(crate) async fn a_close_and_its_opens_in_one_batch_in_any_order(books: &Backend) {
    let ledger = books.ledger().await;
    for place in 0..3 {
        let mut journal = Journal::default();
        let packet = sent(&ledger, place, 1_000, 4).await;
        let mut batch = vec![journal.open(&packet, 0, &user("anna")), journal.open(&packet, 1, &user("ben"))];
        batch.insert(usize::try_from(place).expect("small"), journal.close(&packet, 2));
        settle(&ledger, &batch).await;
        let refund = share(&packet, 2).checked_add(share(&packet, 3));
        assert_eq!(now(&ledger, &packet).await.refunded, refund, "close at {place}");
    }
}

pub(crate) async fn a_refund_is_made_once(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let close = journal.close(&packet, 0);
    let settled = books.at_once(8, async |_, ledger| ledger.settle(std::slice::from_ref(&close), LATER_MS).await);
    assert!(settled.iter().all(Result::is_ok), "{settled:?}");
    assert_eq!(now(&ledger, &packet).await.refunded, Some(fen(1_000)));
    assert_eq!(balance(&ledger, "sender1").await, fen(1_000));
}

pub(crate) async fn a_share_for_two_is_an_exception(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    for number in 0..2 {
        let packet = sent(&ledger, number, 1_000, 3).await;
        let first = journal.open(&packet, 0, &user("anna"));
        let second = journal.open(&packet, 0, &user("ben"));
        let batches: [&[Settlement]; 2] = [std::slice::from_ref(&first), std::slice::from_ref(&second)];
        if number == 0 {
            for batch in batches {
                settle(&ledger, batch).await;
            }
        } else {
            settle(&ledger, &[first, second.clone()]).await;
        }
        settle(&ledger, &[second]).await;
        assert_eq!(now(&ledger, &packet).await.settled, 1);
    }
    assert_eq!(balance(&ledger, "ben").await, Fen::ZERO);
    assert_eq!(reasons(books).await, ["share_claimed_twice"; 2]);
}

pub(crate) async fn two_shares_for_one_are_an_exception(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let batch = [
        journal.open(&packet, 0, &user("anna")),
        journal.open(&packet, 1, &user("anna")),
        journal.open(&packet, 1, &user("ben")),
    ];
    settle(&ledger, &batch).await;
    assert_eq!(reasons(books).await, ["user_claimed_twice"]);
    assert_eq!(balance(&ledger, "anna").await, share(&packet, 0));
    assert_eq!(balance(&ledger, "ben").await, share(&packet, 1));
}

pub(crate) async fn who_lost_a_share_may_have_another(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let batch = [
        journal.open(&packet, 0, &user("anna")),
        journal.open(&packet, 0, &user("ben")),
        journal.open(&packet, 1, &user("ben")),
    ];
    settle(&ledger, &batch).await;
    assert_eq!(reasons(books).await, ["share_claimed_twice"]);
    assert_eq!(balance(&ledger, "ben").await, share(&packet, 1));
}

pub(crate) async fn an_open_after_the_refund_finds_an_empty_escrow(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    for number in 0..2 {
        let packet = sent(&ledger, number, 1_000, 3).await;
        let (close, open) = (journal.close(&packet, 0), journal.open(&packet, 0, &user("anna")));
        if number == 0 {
            settle(&ledger, &[close]).await;
            settle(&ledger, &[open]).await;
        } else {
            settle(&ledger, &[close, open]).await;
        }
        let packet = now(&ledger, &packet).await;
        assert_eq!((packet.settled, packet.refunded), (0, Some(fen(1_000))));
    }
    assert_eq!(reasons(books).await, ["escrow_empty"; 2]);
}

pub(crate) async fn the_opens_beyond_the_close_are_those_that_came_last(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 4).await;
    let batch = [
        journal.open(&packet, 2, &user("cleo")),
        journal.close(&packet, 2),
        journal.open(&packet, 0, &user("anna")),
        journal.open(&packet, 1, &user("ben")),
    ];
    settle(&ledger, &batch).await;
    assert_eq!(reasons(books).await, ["escrow_empty"]);
    assert_eq!(balance(&ledger, "ben").await, Fen::ZERO);
    assert_eq!(now(&ledger, &packet).await.refunded, share(&packet, 1).checked_add(share(&packet, 3)));
}

pub(crate) async fn a_second_close_that_differs_is_an_exception(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 4).await;
    let open = journal.open(&packet, 0, &user("anna"));
    settle(&ledger, &[journal.close(&packet, 1), journal.close(&packet, 0), journal.close(&packet, 1), open]).await;
    settle(&ledger, &[journal.close(&packet, 2)]).await;
    assert_eq!(reasons(books).await, ["closed_twice"; 2]);
    let packet = now(&ledger, &packet).await;
    assert_eq!((packet.settled, packet.closed_at_ms), (1, Some(NOW_MS + LIFE_MS + 1)));
    assert!(packet.refunded.is_some());
}

pub(crate) async fn what_is_unknown_or_unreadable_is_an_exception(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 4).await;
    let mut stranger = packet.clone();
    stranger.facts.id = id(99);
    let unpaid = |open: Settlement| Settlement { amount_fen: None, ..open };
    let batch = [
        unpaid(journal.open(&stranger, 0, &user("anna"))),
        journal.close(&stranger, 0),
        journal.load(&stranger),
        journal.poison(),
        journal.contest(&packet),
        journal.open(&packet, 4, &user("anna")),
    ];
    settle(&ledger, &batch).await;
    settle(&ledger, &batch).await;
    let expected = ["unknown_packet", "unknown_packet", "poison", "voucher_contested", "escrow_empty"];
    assert_eq!(reasons(books).await, expected);
}

pub(crate) async fn a_contradiction_stops_nobody_else(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let (sound, torn) = (sent(&ledger, 1, 1_000, 2).await, sent(&ledger, 2, 1_000, 2).await);
    let batch = [
        journal.open(&sound, 0, &user("anna")),
        journal.open(&torn, 0, &user("anna")),
        journal.poison(),
        journal.open(&torn, 0, &user("ben")),
        journal.open(&sound, 1, &user("ben")),
        journal.open(&torn, 1, &user("cleo")),
    ];
    settle(&ledger, &batch).await;
    assert_eq!((now(&ledger, &sound).await.settled, now(&ledger, &torn).await.settled), (2, 2));
    assert_eq!(reasons(books).await, ["poison", "share_claimed_twice"]);
}

pub(crate) async fn a_batch_of_an_epoch_that_is_over_is_refused(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let record = ledger.shard(0).await.expect("a shard");
    let batch = |epoch: u32, place, open: &Settlement| [Journal::fence(0, epoch, place), open.clone()];
    let open = journal.open(&packet, 0, &user("anna"));
    settle(&ledger, &batch(record.epoch, 5, &open)).await;
    settle(&ledger, &batch(record.epoch, 4, &open)).await;
    assert_eq!(ledger.shard(0).await.expect("a shard").settled, (NOW_MS, 5), "an older place moves nothing back");

    let next = ledger.next_epoch(&record, NOW_MS, NOW_MS + 1).await.expect("an answer").expect("a new epoch");
    let open = journal.open(&packet, 1, &user("ben"));
    let late = ledger.settle(&batch(record.epoch, 6, &open), LATER_MS).await;
    assert!(late.as_ref().is_err_and(|failure| failure.text.contains("epoch_is_over")), "{late:?}");
    assert_eq!(now(&ledger, &packet).await.settled, 1);
    settle(&ledger, &batch(next, 6, &open)).await;
    assert_eq!(now(&ledger, &packet).await.settled, 2);
}

pub(crate) async fn a_batch_read_from_an_earlier_server_process_is_refused(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let epoch = ledger.shard(0).await.expect("a shard").epoch;
    let read_from = |run_id: &str| Settlement { text: run_id.to_owned(), ..Journal::fence(0, epoch, 1) };
    ledger.meet(0, "first").await.expect("it is met");
    settle(&ledger, &[read_from("first"), journal.open(&packet, 0, &user("anna"))]).await;
    ledger.meet(0, "second").await.expect("it is met");
    assert_eq!(ledger.shard(0).await.expect("a shard").run_id, "second");
    let open = journal.open(&packet, 1, &user("ben"));
    let late = ledger.settle(&[read_from("first"), open.clone()], LATER_MS).await;
    assert!(late.as_ref().is_err_and(|failure| failure.text.contains("epoch_is_over")), "{late:?}");
    assert_eq!(now(&ledger, &packet).await.settled, 1);
    settle(&ledger, &[read_from("second"), open]).await;
    assert_eq!(now(&ledger, &packet).await.settled, 2);
}

/// A close was settled, and opens that came before it are lost with the journal: the refund is made without them, and
/// an operator can see of which packet.
pub(crate) async fn lost_opens_are_given_up_on_record(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let (packet, sound) = (sent(&ledger, 1, 1_000, 4).await, sent(&ledger, 2, 1_000, 4).await);
    let entries = [
        journal.open(&packet, 0, &user("anna")),
        journal.close(&packet, 3),
        journal.open(&sound, 0, &user("anna")),
        journal.close(&sound, 1),
    ];
    settle(&ledger, &entries).await;
    assert_eq!(now(&ledger, &packet).await.refunded, None, "two opens are missing");
    let record = ledger.shard(0).await.expect("a shard");
    for _ in 0..2 {
        ledger.forgo_lost(&record, LATER_MS).await.expect("they are given up");
    }
    let left_fen = 1_000 - packet.facts.amounts()[0].get();
    assert_eq!(now(&ledger, &packet).await.refunded, Some(fen(left_fen)));
    assert_eq!(reasons(books).await, ["opens_lost"]);
    // Whoever opened one of them and comes late finds the escrow empty, on record too.
    settle(&ledger, &[journal.open(&packet, 1, &user("ben"))]).await;
    assert_eq!(reasons(books).await, ["escrow_empty", "opens_lost"]);
}

pub(crate) async fn parallel_batches_over_the_same_wallets_settle_all(books: &Backend) {
    const SHARES: u32 = 40;
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let mut batches = Vec::new();
    // The same wallets, in another order each: the steps have no divisor in common with the number of shares.
    for (number, step) in (0..).zip([1, 3, 7, 9, 11, 13, 17, 19]) {
        let packet = sent(&ledger, number, 10_000, SHARES).await;
        let name = |seq: u32| format!("user{}", seq * step % SHARES);
        let mut batch: Vec<_> = (0..SHARES).map(|seq| journal.open(&packet, seq, &user(&name(seq)))).collect();
        if number % 2 == 1 {
            batch.reverse();
            batch.push(journal.open(&packet, 0, &user("loser"))); // This packet is settled entry by entry.
        }
        batches.push(batch);
    }
    let settled = books.at_once(batches.len(), async |number, ledger| {
        for part in batches[number].chunks(10) {
            ledger.settle(part, LATER_MS).await?;
        }
        Ok::<_, Failure>(())
    });
    assert!(settled.iter().all(Result::is_ok), "{settled:?}");
    let paid = "SELECT CAST(SUM(settled) AS bigint) FROM packets";
    let refused = books.number("SELECT COUNT(*) FROM exceptions").await;
    assert_eq!(books.number(paid).await, i64::from(SHARES) * 8);
    assert_eq!(refused, 4);
}

/// A lock on one wallet stops who needs it, soon, and is told; on SQLite one lock is for everything.
pub(crate) async fn what_somebody_has_locked_is_told(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let (one, two) = (sent(&ledger, 1, 1_000, 3).await, sent(&ledger, 2, 1_000, 3).await);
    let (anna, ben) = (user("anna"), user("ben"));
    for who in [&anna, &ben] {
        ledger.deposit(who.as_str(), who, fen(1), NOW_MS).await.expect("a deposit");
    }
    let batch = [
        journal.open(&one, 0, &anna),
        journal.open(&one, 1, &ben),
        journal.open(&two, 0, &ben),
        journal.close(&two, 1),
    ];
    assert_eq!(ledger.held_up(&batch).await, Ok(vec![]));
    if books.kind == Kind::Postgres {
        let other = books.owner().await;
        for (locked, held) in [
            ("accounts WHERE id = 'wallet:us_anna'", vec![&batch[0]]),
            ("accounts WHERE id = 'wallet:us_sender2'", vec![&batch[3]]),
            (&format!("packets WHERE id = '{}'", one.facts.id), vec![&batch[0], &batch[1]]),
        ] {
            other.query("BEGIN", vec![]).await.expect("a transaction");
            other.query(&format!("SELECT id FROM {locked} FOR UPDATE"), vec![]).await.expect("a lock");
            let events: Vec<_> = held.into_iter().map(|entry| entry.event.clone()).collect();
            assert_eq!(ledger.held_up(&batch).await, Ok(events), "{locked}");
            let begun = Instant::now();
            let failure = ledger.settle(&batch, LATER_MS).await.expect_err("it is locked");
            assert!(failure.is_lock() && failure.cause == Cause::HeldUp, "{failure:?}");
            assert!(begun.elapsed() < Duration::from_millis(1_900), "{:?}", begun.elapsed());
            other.query("ROLLBACK", vec![]).await.expect("the end");
        }
    }
    settle(&ledger, &batch).await;
    assert_eq!(reasons(books).await, [""; 0]);
}
