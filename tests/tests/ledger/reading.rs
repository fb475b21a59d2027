//! What the books say to people and to the sweep.

use hongbao_core::packet::{Recipient, State};
use hongbao_core::wire::Role;
use hongbao_core::{Fen, PacketId};
use hongbao_spin::ledger::{List, Totals};

use crate::backend::Backend;
use crate::setting::{Journal, LIFE_MS, NO_LIMITS, NOW_MS, fen, id, quote, seed, sent, user};

/// After every place in a list.
const END: i64 = i64::MAX;

pub(crate) async fn a_statement_is_read_in_pages(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    for number in 1..=4_i32 {
        ledger.deposit(&number.to_string(), &anna, fen(number.into()), NOW_MS).await.expect("a deposit");
    }
    ledger.fund(&quote(7, &anna, 5, 5), &seed(7), Some(0), &NO_LIMITS, NOW_MS + 9).await.expect("a packet");
    let mut found = Vec::new();
    let mut before = Some(END);
    while let Some(place) = before {
        let (page, next) = ledger.statement(&anna, place, 2).await.expect("a page");
        assert!(page.len() <= 2);
        found.extend(
            page.into_iter().map(|posting| (posting.id, posting.change_fen, posting.counterparty, posting.at_ms)),
        );
        before = next;
    }
    let deposit = |number: i64| (format!("deposit:{number}"), number, "world".to_owned(), NOW_MS);
    let fund = (format!("fund:{}", id(7)), -5, format!("packet:{}", id(7)), NOW_MS + 9);
    assert_eq!(found, [fund, deposit(4), deposit(3), deposit(2), deposit(1)]);
    assert_eq!(ledger.statement(&user("ben"), END, 2).await.expect("a page").0.len(), 0);
}

pub(crate) async fn packets_are_listed_in_pages_and_summed(books: &Backend) {
    let (ledger, mut journal, anna) = (books.ledger().await, Journal::default(), user("anna"));
    ledger.deposit("much", &anna, fen(10_000), NOW_MS).await.expect("a deposit");
    let mut packets = Vec::new();
    // The last three are of one millisecond.
    for number in 0..5 {
        let at_ms = NOW_MS + i64::try_from(number.min(2_u64)).expect("small");
        let quote = quote(number, &anna, 100, 2);
        packets.push(ledger.fund(&quote, &seed(number), Some(0), &NO_LIMITS, at_ms).await.expect("a packet"));
    }
    let opens: Vec<_> = packets.iter().map(|packet| journal.open(packet, 0, &user("ben"))).collect();
    ledger.settle(&opens, NOW_MS).await.expect("settled");
    let finish = [journal.open(&packets[0], 1, &user("cleo")), journal.close(&packets[1], 1)];
    ledger.settle(&finish, NOW_MS).await.expect("settled");

    let total = |role: Role, name: &'static str| (role, user(name));
    for (role, user) in [total(Role::Sent, "anna"), total(Role::Received, "ben")] {
        let mut before = Some((END, String::new()));
        let mut found = Vec::new();
        while let Some(place) = before {
            let (page, next) = ledger.my_packets(&user, role, 0, &place, 2).await.expect("a page");
            found.extend(page);
            before = next;
        }
        assert_eq!(found.len(), 5);
        let mut sorted: Vec<(i64, PacketId)> = found.iter().map(|packet| (packet.at_ms, packet.packet_id)).collect();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        assert!(found.iter().map(|packet| (packet.at_ms, packet.packet_id)).eq(sorted), "newest first");
        let sum: i64 = found.iter().map(|packet| packet.amount_fen.get()).sum();
        let best = i64::try_from(found.iter().filter(|packet| packet.best).count()).expect("small");
        let totals = ledger.my_totals(&user, role, 0, END).await.expect("totals");
        let refunded: i64 = found.iter().map(|packet| packet.refunded_fen.get()).sum();
        assert_eq!(totals, Totals { total: fen(sum), refunded: fen(refunded), count: 5, best_luck_count: best });
        assert_eq!(refunded > 0, role == Role::Sent);
    }
    let later = ledger.my_totals(&anna, Role::Sent, NOW_MS + 1, NOW_MS + 2).await.expect("totals");
    // The packet of that millisecond is the one that came back in part.
    let refunded = packets[1].facts.amounts()[1];
    assert_eq!(later, Totals { total: fen(100), refunded, count: 1, best_luck_count: 0 });
    let none = Totals { total: Fen::ZERO, refunded: Fen::ZERO, count: 0, best_luck_count: 0 };
    assert_eq!(ledger.my_totals(&anna, Role::Received, 0, END).await.expect("totals"), none);
}

pub(crate) async fn a_groups_packets_are_listed_in_pages_with_the_readers_share(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let mut sent_packets = Vec::new();
    for number in 1..=5 {
        sent_packets.push(sent(&ledger, number, 100, 1).await);
    }
    ledger.settle(&[journal.open(&sent_packets[1], 0, &user("ben"))], NOW_MS).await.expect("settled");
    let family = sent_packets[0].facts.to.clone();
    let (mut before, mut found) = (Some((END, String::new())), Vec::new());
    while let Some(place) = before {
        let (page, next) = ledger.addressed(&family, &user("ben"), &place, 2, NOW_MS).await.expect("a page");
        assert!(page.len() <= 2);
        found.extend(page);
        before = next;
    }
    let mut newest_first: Vec<PacketId> = sent_packets.iter().map(|packet| packet.facts.id).collect();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    assert!(found.iter().map(|packet| packet.packet_id).eq(newest_first), "{found:?}");
    for packet in &found {
        let is_bens = packet.packet_id == sent_packets[1].facts.id;
        assert_eq!(packet.my_amount_fen, is_bens.then(|| fen(100)), "{packet:?}");
        assert_eq!((packet.state == State::Finished, packet.settled), (is_bens, u32::from(is_bens)), "{packet:?}");
        assert_eq!((packet.greeting.as_deref(), packet.has_password), (Some("恭喜发财"), false));
    }
    let other = Recipient::User(user("ben"));
    assert_eq!(ledger.addressed(&other, &user("ben"), &(END, String::new()), 2, NOW_MS).await, Ok((vec![], None)));
}

pub(crate) async fn overdue_and_unloaded_packets_are_found(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let (open, closed, finished) =
        (sent(&ledger, 1, 100, 2).await, sent(&ledger, 2, 100, 2).await, sent(&ledger, 3, 1, 1).await);
    let batch = [
        journal.load(&open),
        journal.close(&closed, 0),
        journal.load(&closed),
        journal.open(&finished, 0, &user("anna")),
    ];
    ledger.settle(&batch, NOW_MS).await.expect("settled");
    let (end_ms, half_sent) = (NOW_MS + LIFE_MS, sent(&ledger, 4, 1, 1).await);
    let page = async |list| ledger.page(list, Some(0), "", 10).await.expect("ids");
    assert_eq!(page(List::Due { now_ms: end_ms - 1 }).await, []);
    assert_eq!(page(List::Due { now_ms: end_ms }).await, [open.facts.id, half_sent.facts.id]);
    // One that is over, and whose load nobody has told of, needs no shard any more.
    assert_eq!(page(List::Unloaded { before_ms: NOW_MS }).await, [half_sent.facts.id]);
    assert_eq!(page(List::Unloaded { before_ms: NOW_MS - 1 }).await, []);
    ledger.settle(&[journal.load(&half_sent), journal.close(&half_sent, 0)], NOW_MS).await.expect("settled");
    assert_eq!(ledger.unfinished(0, "", 10).await.expect("ids"), [open.facts.id]);
    assert_eq!(ledger.unfinished(1, "", 10).await.expect("ids"), []);
}

/// Whatever waits at other shards, a shard's own packets are found; and what is configured nowhere is told.
pub(crate) async fn a_list_is_read_in_pages_of_a_shard(books: &Backend) {
    let (ledger, list) = (books.ledger().await, List::Due { now_ms: NOW_MS + LIFE_MS });
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(sent(&ledger, number, 10, 1).await.facts.id);
    }
    let orphan = quote(9, &user("orphan"), 10, 1);
    ledger.deposit("for-9", &orphan.sender, fen(10), NOW_MS).await.expect("a deposit");
    ledger.fund(&orphan, &seed(9), Some(5), &NO_LIMITS, NOW_MS).await.expect("a packet");
    for shard in [0, 5] {
        ledger.shard(shard).await.expect("a record");
    }
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = ledger.page(list, Some(0), &after, 2).await.expect("a page");
        let Some(last) = page.last() else { break };
        after = last.to_string();
        found.extend(page);
    }
    assert_eq!(found, expected);
    assert_eq!(ledger.page(list, Some(5), "", 10).await.expect("a page").len(), 1);
    assert_eq!(ledger.page(list, None, "", 10).await.expect("a page"), []);
    assert_eq!(ledger.orphans(&[0], 10).await.expect("shards"), [(5, 1)]);
    assert_eq!(ledger.orphans(&[0, 5], 10).await.expect("shards"), []);
    assert_eq!(ledger.place("due:0").await.expect("a place"), "");
    for value in [after.as_str(), ""] {
        ledger.set_place("due:0", value).await.expect("noted");
        assert_eq!(ledger.place("due:0").await.expect("a place"), value);
    }
}

pub(crate) async fn a_key_is_made_once(books: &Backend) {
    let ledger = books.ledger().await;
    let keys = books.at_once(5, async |number, ledger| ledger.local_key("signing", &number.to_string()).await);
    let first = ledger.local_key("signing", "late").await.expect("a key");
    assert!(keys.iter().all(|key| key.as_ref().ok() == Some(&first)), "{keys:?}");
    assert_eq!(ledger.local_key("other", "fresh").await.expect("a key"), "fresh");
}
