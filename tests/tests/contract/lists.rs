//! A person's own lists: balance, statement, packets sent and received.

use std::time::Duration;

use hongbao_tests::draft::in_ms;
use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::{Value, json};

/// All entries of a list, read page by page of `limit`.
async fn all(person: &Person, path: &str, list: &str, limit: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut before = String::new();
    loop {
        let page = person.get(&format!("{path}limit={limit}{before}")).await.granted(200);
        let found = page[list].as_array().unwrap_or_else(|| panic!("no {list}: {page}")).clone();
        assert!(found.len() == limit || (found.len() < limit && page["next"].is_null()), "{page}");
        entries.extend(found);
        match &page["next"] {
            Value::Null => return entries,
            Value::String(next) => before = format!("&before={next}"),
            next => before = format!("&before={next}"),
        }
        assert!(entries.len() < 1_000, "the pages never end");
    }
}

#[tokio::test]
async fn what_was_opened_before_settled_through_ms_is_in_the_balance() {
    let scene = Scene::new("settled");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let mut opened_fen = 0;
    for _ in 0..10 {
        let packet = alice.give(&Draft::new("lucky", 500, 2, &scene.group())).await;
        let voucher = bob.grab(&packet).await;
        let opened = bob.try_open(&packet, &voucher).await.granted(200);
        opened_fen += number(&opened, "amount_fen");
        let me = until("the share is settled", || async {
            let me = bob.get("/v1/me").await.granted(200);
            let arriving = number(&me, "settled_through_ms") <= number(&opened, "opened_at_ms");
            (!arriving).then_some(me)
        });
        let me = me.await;
        assert_eq!(me["user"], bob.id);
        assert_eq!(number(&me, "balance_fen"), PURSE_FEN + opened_fen, "{me} promises {opened}");
        // A time that is known now, not one that is only promised.
        assert!(number(&me, "settled_through_ms") <= in_ms(Duration::from_secs(2)), "{me}");
    }
}

#[tokio::test]
async fn a_statement_lists_every_posting_once_whatever_the_page() {
    let scene = Scene::new("statement");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let mut expected = vec![(format!("deposit:login:{}", alice.id), PURSE_FEN)];
    for round in 0..5 {
        let packet = alice.give(&Draft::new("equal", 100 + round, 2, &scene.group()).for_seconds(2)).await;
        expected.push((format!("fund:{packet}"), -100 - round));
        if round < 3 {
            let share = alice.take(&packet).await;
            alice.comes_to_hold(expected.iter().map(|(_, change)| change).sum::<i64>() + share).await;
            expected.push((format!("open:{packet}:0"), share));
        }
        if round % 2 == 0 {
            bob.take(&packet).await;
        }
    }
    let finished = 2; // Rounds 0 and 2 have two openers.
    let refunds = 5 - finished;
    let statement = until("every packet is over", || async {
        let statement = all(&alice, "/v1/me/statement?", "postings", 100).await;
        (statement.len() == expected.len() + refunds).then_some(statement)
    });
    let statement = statement.await;
    let changes: i64 = statement.iter().map(|posting| number(posting, "change_fen")).sum();
    assert_eq!(changes, alice.balance().await, "the balance is the sum of the statement");
    let mut oldest_first: Vec<(String, i64)> =
        statement.iter().rev().map(|posting| (text(posting, "id"), number(posting, "change_fen"))).collect();
    oldest_first.retain(|(id, _)| !id.starts_with("refund:"));
    assert_eq!(oldest_first, expected, "newest first, nothing twice");
    for posting in &statement {
        assert!(number(posting, "at_ms") > 1_700_000_000_000 && !text(posting, "counterparty").is_empty(), "{posting}");
    }
    for limit in [1, 2, 3, statement.len()] {
        assert_eq!(all(&alice, "/v1/me/statement?", "postings", limit).await, statement, "pages of {limit}");
    }
    let none = alice.get("/v1/me/statement?before=0").await.granted(200);
    assert_eq!((none["postings"].as_array().map(Vec::len), &none["next"]), (Some(0), &Value::Null));
}

#[tokio::test]
async fn my_packets_are_listed_once_each_with_the_years_totals() {
    let scene = Scene::new("my-packets");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let mut packets = Vec::new();
    let mut bobs = Vec::new();
    for round in 0..6 {
        let packet = alice.give(&Draft::new("lucky", 200 + round, 2, &scene.group())).await;
        bobs.push(bob.take(&packet).await);
        if round < 4 {
            carol.take(&packet).await;
        }
        packets.push(packet);
    }
    let received = until("bob's shares are settled", || async {
        let page = bob.get("/v1/me/packets?role=received").await.granted(200);
        (number(&page, "count") == 6).then_some(page)
    });
    let received = received.await;
    assert_eq!(number(&received, "total_fen"), bobs.iter().sum::<i64>());
    let listed = received["packets"].as_array().expect("packets");
    let newest_first: Vec<String> = packets.iter().rev().cloned().collect();
    assert_eq!(listed.iter().map(|packet| text(packet, "packet_id")).collect::<Vec<_>>(), newest_first);
    let amounts: Vec<i64> = listed.iter().rev().map(|packet| number(packet, "amount_fen")).collect();
    assert_eq!(amounts, bobs);
    assert!(listed.iter().all(|packet| packet["sender"] == alice.id && packet["kind"] == "lucky"));

    // Every finished packet has one best luck: bob's or carol's.
    let best = until("carol's shares are settled", || async {
        let [bob, carol] = [bob.clone(), carol.clone()].map(|person| async move {
            number(&person.get("/v1/me/packets?role=received").await.granted(200), "best_luck_count")
        });
        let best = (bob.await, carol.await);
        (best.0 + best.1 == 4).then_some(best)
    });
    let (bobs_best, _) = best.await;
    let page = bob.get("/v1/me/packets?role=received").await.granted(200);
    let marked = page["packets"].as_array().expect("packets").iter().filter(|packet| packet["best"] == true).count();
    assert_eq!(i64::try_from(marked), Ok(bobs_best));

    let sent = alice.get("/v1/me/packets?role=sent").await.granted(200);
    assert_eq!((number(&sent, "count"), number(&sent, "total_fen")), (6, (200..206).sum()));
    assert_eq!(number(&sent, "best_luck_count"), 0);
    for (role, person) in [("sent", &alice), ("received", &bob)] {
        for limit in [1, 2, 4, 6, 100] {
            let path = format!("/v1/me/packets?role={role}&");
            let listed = all(person, &path, "packets", limit).await;
            let ids: Vec<String> = listed.iter().map(|packet| text(packet, "packet_id")).collect();
            assert_eq!(ids, newest_first, "{role}, pages of {limit}");
        }
    }
}

/// Shares opened in the same millisecond must not fall between two pages.
#[tokio::test]
async fn packets_of_the_same_moment_are_all_listed() {
    let scene = Scene::new("moment");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let drafts: Vec<Draft> = (0..12).map(|_| Draft::new("lucky", 10, 2, &scene.group())).collect();
    let packets = futures::future::join_all(drafts.iter().map(|draft| alice.give(draft))).await;
    futures::future::join_all(packets.iter().map(|packet| bob.take(packet))).await;
    until("bob's shares are settled", || async {
        let page = bob.get("/v1/me/packets?role=received").await.granted(200);
        (number(&page, "count") == 12).then_some(())
    })
    .await;
    for (role, person) in [("sent", &alice), ("received", &bob)] {
        for limit in [1, 2, 5] {
            let listed = all(person, &format!("/v1/me/packets?role={role}&"), "packets", limit).await;
            let mut ids: Vec<String> = listed.iter().map(|packet| text(packet, "packet_id")).collect();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 12, "{role}, pages of {limit}");
        }
    }
}

#[tokio::test]
async fn another_years_list_is_empty() {
    let scene = Scene::new("year");
    let alice = scene.person("alice").await;
    alice.give(&Draft::new("lucky", 100, 1, &scene.group())).await;
    let this_year = number(&alice.get("/v1/me/packets?role=sent").await.granted(200), "year");
    let same = alice.get(&format!("/v1/me/packets?role=sent&year={this_year}")).await.granted(200);
    assert_eq!((number(&same, "count"), number(&same, "total_fen")), (1, 100));
    let last = alice.get(&format!("/v1/me/packets?role=sent&year={}", this_year - 1)).await.granted(200);
    assert_eq!((number(&last, "count"), number(&last, "total_fen"), number(&last, "year")), (0, 0, this_year - 1));
    assert_eq!(last["packets"].as_array().map(Vec::len), Some(0));
    // Neither does a cursor from behind the year's end bring others' years.
    for year in [1970, this_year - 1] {
        for at_ms in ["99999999999999", "1735660800000"] {
            let path = format!("/v1/me/packets?role=sent&year={year}&before={at_ms}.hb_7zzzzzzzzzzzzzzzzzzzzzzzzz");
            let listed = alice.get(&path).await.granted(200);
            assert_eq!((&listed["packets"], number(&listed, "count")), (&json!([]), 0), "{path}");
        }
    }
    let path = "/v1/me/packets?role=sent&before=100000000000000.hb_7zzzzzzzzzzzzzzzzzzzzzzzzz";
    alice.get(path).await.refused(400, "invalid_request", Some("before"));
}
