//! What operators set while the system runs, shards that are given up, and what risk rules saw.

use hongbao_core::Error;
use hongbao_core::quote::Quote;
use hongbao_spin::ledger::{By, LEASE_MS, List, Sighting};
use hongbao_spin::sql::PATIENCE;

use crate::backend::Backend;
use crate::setting::{NO_LIMITS, NOW_MS, fen, quote, seed, sent, user};

const BY: By<'static> = By { operator: "ops", reason: "", at_ms: NOW_MS };

pub(crate) async fn a_setting_is_set_once_and_every_change_is_an_act(books: &Backend) {
    let ledger = books.ledger().await;
    for value in ["0", "0", "50"] {
        ledger.set(BY, "weight:1", value).await.expect("set");
    }
    let controls = ledger.controls(10, PATIENCE).await.expect("controls");
    assert_eq!(controls, [("setting".to_owned(), "weight:1".to_owned(), "50".to_owned())]);
    assert_eq!(books.number("SELECT COUNT(*) FROM audit WHERE act = 'set'").await, 2);
    // The other acts of the same statement are still what they were.
    ledger.deposit_by(BY, "gift", &user("anna"), fen(5)).await.expect("a deposit");
    ledger.set_switch(BY, "sends", false).await.expect("off");
    assert_eq!(books.number("SELECT COUNT(*) FROM audit").await, 4);
}

pub(crate) async fn a_shard_is_given_up_by_an_act_under_its_next_epoch(books: &Backend) {
    let ledger = books.ledger().await;
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let before = ledger.shard(0).await.expect("a record");
    assert_eq!(ledger.shard_packets().await.expect("numbers").get(&0), Some(&1));
    let stale = ledger.move_shard(BY, 0, before.epoch + 1).await;
    assert!(matches!(stale, Err(Error::Unavailable(_))), "{stale:?}");
    let rebuilt = ledger.next_epoch(&before, NOW_MS, NOW_MS + 10).await.expect("an answer").expect("an epoch");
    let busy = ledger.move_shard(BY, 0, rebuilt).await;
    assert!(matches!(busy, Err(Error::Unavailable(_))), "a sweep is at it: {busy:?}");
    for _ in 0..2 {
        ledger.move_shard(By { at_ms: NOW_MS + 10, ..BY }, 0, rebuilt).await.expect("it is given up");
    }
    assert!(ledger.shard(0).await.expect("a record").epoch > rebuilt);
    assert_eq!(ledger.shard_packets().await.expect("numbers").get(&0), None);
    assert_eq!(books.number("SELECT COUNT(*) FROM audit").await, 1);
    assert_eq!(ledger.grab_in_sql(packet.facts.id, &user("anna"), NOW_MS).await.expect("a share"), 2);
}

pub(crate) async fn a_lease_of_a_clock_ahead_keeps_no_shard(books: &Backend) {
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;
    let ledger = books.ledger().await;
    for (number, ends_ms, is_running) in [(1, LEASE_MS, true), (2, LEASE_MS + 1, false), (3, YEAR_MS, false)] {
        sent(&ledger, number, 10, 1).await;
        let record = ledger.shard(0).await.expect("a record");
        ledger.renew_lease(&record, NOW_MS + ends_ms).await.expect("a lease");
        let record = ledger.shard(0).await.expect("a record");
        assert_eq!(record.is_leased(NOW_MS), is_running, "{ends_ms}");
        let moved = ledger.move_shard(BY, 0, record.epoch).await;
        assert_eq!(moved.is_err(), is_running, "{ends_ms}: {moved:?}");
    }
}

pub(crate) async fn what_a_rule_saw_is_on_record_once(books: &Backend) {
    let ledger = books.ledger().await;
    let sighting = |number: u64| Sighting {
        event: format!("0:{NOW_MS}-{number}"),
        rule: "device_users",
        user: "us_bot".to_owned(),
        packet: crate::setting::id(1).to_string(),
        action: "deny",
        detail: "users=5".to_owned(),
        at_ms: NOW_MS,
    };
    ledger.record_risks(&[sighting(1), sighting(2)]).await.expect("on record");
    ledger.record_risks(&[sighting(2), sighting(3)]).await.expect("on record");
    let (events, next) = ledger.risk_events(i64::MAX, 10).await.expect("events");
    assert_eq!((events.len(), next), (3, None));
    let event = &events[0];
    assert_eq!(
        (event.rule.as_str(), event.action.as_str(), event.detail.as_str()),
        ("device_users", "deny", "users=5")
    );
    assert_eq!((event.user.as_str(), event.packet_id, event.at_ms), ("us_bot", Some(crate::setting::id(1)), NOW_MS));
}

pub(crate) async fn packets_are_found_ahead_of_their_start_a_shard_at_a_time(books: &Backend) {
    let ledger = books.ledger().await;
    let at_once = sent(&ledger, 1, 10, 1).await;
    let later = Quote { starts_at_ms: Some(NOW_MS + 100), ..quote(2, &user("planner"), 10, 1) };
    ledger.deposit("for-2", &later.sender, fen(10), NOW_MS).await.expect("a deposit");
    let packet = ledger.fund(&later, &seed(2), Some(0), &NO_LIMITS, NOW_MS).await.expect("a packet");
    assert_eq!((at_once.facts.starts_at_ms, packet.facts.starts_at_ms), (0, NOW_MS + 100));
    for (after_ms, until_ms, found) in [(0, 99, false), (0, 100, true), (99, 200, true), (100, 200, false)] {
        let list = List::Opening { after_ms: NOW_MS + after_ms, until_ms: NOW_MS + until_ms };
        let ids = ledger.page(list, Some(0), "", 10).await.expect("ids");
        assert_eq!(ids, if found { vec![packet.facts.id] } else { vec![] }, "{after_ms} {until_ms}");
    }
    let unloaded = List::Unloaded { before_ms: NOW_MS };
    assert_eq!(ledger.page(unloaded, Some(1), "", 10).await.expect("ids"), []);
    assert_eq!(ledger.page(unloaded, Some(0), "", 10).await.expect("ids").len(), 2);
}
