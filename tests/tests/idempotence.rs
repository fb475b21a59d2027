//! The same request several times at once: one effect, the same answer.

use std::collections::BTreeSet;

use futures::future::join_all;
use hongbao_tests::ledger::Books;
use hongbao_tests::person::{PURSE_FEN, number, shares, text};
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::{Value, json};

/// How many copies of a request are on their way at once.
const COPIES: usize = 5;

/// Sends `COPIES` of a request at once.
async fn at_once<F: Future<Output = Reply>>(request: impl Fn() -> F) -> Vec<Reply> {
    join_all((0..COPIES).map(|_| request())).await
}

/// The one answer that all of them got.
fn the_same(replies: Vec<Reply>, status: u16) -> Value {
    let bodies: Vec<Value> = replies.into_iter().map(|reply| reply.granted(status)).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "different answers: {bodies:?}");
    bodies[0].clone()
}

#[tokio::test]
async fn five_logins_at_once_fill_the_purse_once() {
    let scene = Scene::new("login");
    let people = join_all((0..COPIES).map(|_| scene.person("alice"))).await;
    for person in &people {
        assert_eq!(person.balance().await, PURSE_FEN);
    }
    let statement = people[0].get("/v1/me/statement").await.granted(200);
    assert_eq!(statement["postings"].as_array().map(Vec::len), Some(1), "{statement}");
}

#[tokio::test]
async fn five_wraps_at_once_move_nothing() {
    let scene = Scene::new("wrap");
    let alice = scene.person("alice").await;
    let draft = Draft::new("lucky", 1_000, 5, &scene.group()).body();
    let replies = at_once(|| alice.post("/v1/wrap", &draft)).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && number(&reply.body, "balance_fen") == PURSE_FEN));
    assert_eq!(alice.balance().await, PURSE_FEN);
    let sent = alice.get("/v1/me/packets?role=sent").await.granted(200);
    assert_eq!(number(&sent, "count"), 0);
}

#[tokio::test]
async fn five_sends_of_one_quote_make_one_packet() {
    let scene = Scene::new("send");
    let alice = scene.person("alice").await;
    for round in 1..=4 {
        let quote = json!({"quote": alice.wrap(&Draft::new("lucky", 1_000, 5, &scene.group())).await});
        let replies = at_once(|| alice.post("/v1/send", &quote)).await;
        let firsts = replies.iter().filter(|reply| reply.status == 201).count();
        let bodies: BTreeSet<String> = replies.iter().map(|reply| reply.body.to_string()).collect();
        assert_eq!((firsts, bodies.len()), (1, 1), "one was the first, and all say the same: {bodies:#?}");
        assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 201)));
        let again = alice.post("/v1/send", &quote).await.granted(200);
        assert_eq!(again, replies[0].body);
        assert_eq!(alice.balance().await, PURSE_FEN - 1_000 * round);
    }
    let sent = alice.get("/v1/me/packets?role=sent").await.granted(200);
    assert_eq!((number(&sent, "count"), number(&sent, "total_fen")), (4, 4_000));
}

#[tokio::test]
async fn five_grabs_and_five_opens_at_once_are_one_share() {
    let scene = Scene::new("share");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 1_000, 5, &scene.group())).await;
    let grabbed = the_same(at_once(|| bob.try_grab(&packet)).await, 200);
    assert_eq!(grabbed["seq"], 0);
    assert_eq!(bob.see(&packet).await["grabbed"], 1);
    let voucher = text(&grabbed, "voucher");
    let opened = the_same(at_once(|| bob.try_open(&packet, &voucher)).await, 200);
    let amount = number(&opened, "amount_fen");
    bob.comes_to_hold(PURSE_FEN + amount).await;

    // Long after, when it is settled and on whatever instance, it is still the same answer and the same money.
    assert_eq!(the_same(at_once(|| bob.try_grab(&packet)).await, 200), grabbed);
    assert_eq!(the_same(at_once(|| bob.try_open(&packet, &voucher)).await, 200), opened);
    scene.stack.sweep().expect("a sweep");
    assert_eq!(bob.balance().await, PURSE_FEN + amount);
    let statement = bob.get("/v1/me/statement").await.granted(200);
    assert_eq!(statement["postings"].as_array().map(Vec::len), Some(2), "the purse and one share: {statement}");
}

/// Grabs `COPIES` times at once; the voucher, or `None` for who came too late.
async fn push_for_a_share(person: &Person, packet: &str) -> Option<(i64, String)> {
    let replies = at_once(|| person.try_grab(packet)).await;
    if replies[0].status != 200 {
        replies.into_iter().for_each(|reply| _ = reply.refused(409, "sold_out", None));
        return None;
    }
    let grabbed = the_same(replies, 200);
    Some((number(&grabbed, "seq"), text(&grabbed, "voucher")))
}

#[tokio::test]
async fn a_crowd_gets_exactly_the_shares_and_exactly_the_money() {
    const CROWD: usize = 60;
    const COUNT: usize = 20;
    const TOTAL_FEN: i64 = 8_888;
    let scene = Scene::new("crowd");
    let crowd = scene.crowd(CROWD).await;
    let [alice] = scene.people(["alice"]).await;
    for kind in ["lucky", "equal"] {
        let packet = alice.give(&Draft::new(kind, TOTAL_FEN, COUNT, &scene.group())).await;
        let pushes = join_all(crowd.iter().map(|person| push_for_a_share(person, &packet))).await;
        let winners: Vec<(&Person, i64, String)> = crowd
            .iter()
            .zip(pushes)
            .filter_map(|(person, share)| share.map(|(seq, voucher)| (person, seq, voucher)))
            .collect();
        let seqs: BTreeSet<i64> = winners.iter().map(|(_, seq, _)| *seq).collect();
        assert_eq!(winners.len(), COUNT, "as many as there are shares");
        assert_eq!(seqs, (0..20).collect(), "every share once");

        let opens = join_all(winners.iter().map(async |(person, _, voucher)| {
            let opened = the_same(at_once(|| person.try_open(&packet, voucher)).await, 200);
            number(&opened, "amount_fen")
        }));
        let amounts = opens.await;
        assert_eq!(amounts.iter().sum::<i64>(), TOTAL_FEN);
        assert!(amounts.iter().all(|&amount| amount >= 1));
        let seen = alice.sees_it_become(&packet, "finished").await;
        let users: BTreeSet<&str> = shares(&seen).iter().filter_map(|share| share["user"].as_str()).collect();
        assert_eq!((shares(&seen).len(), users.len()), (COUNT, COUNT), "nobody twice: {seen}");
    }
    until("all is settled and no fen is made or lost", || async {
        let balances = join_all(crowd.iter().chain([&alice]).map(Person::balance)).await;
        let money = PURSE_FEN * i64::try_from(CROWD + 1).expect("a small crowd");
        (balances.into_iter().sum::<i64>() == money).then_some(())
    })
    .await;
    Books::of(scene.stack).check();
}

/// Expiry races open: many open at the very end of a packet, again and again.
#[tokio::test]
async fn at_the_end_every_share_is_opened_or_goes_back_and_never_both() {
    const CROWD: usize = 40;
    let scene = Scene::new("brink");
    let crowd = scene.crowd(CROWD).await;
    let alice = scene.person("alice").await;
    let sent = alice.send(&Draft::new("lucky", 10_000, CROWD, &scene.group()).for_seconds(2)).await;
    let packet = text(&sent, "packet_id");
    let opens = join_all(crowd.iter().enumerate().map(async |(place, person)| {
        let voucher = person.grab(&packet).await;
        // The first come well before the end, the last well after it.
        let time_ms = number(&sent, "expires_at_ms") - 400 + 20 * i64::try_from(place).expect("a small crowd");
        let now_ms = hongbao_tests::draft::in_ms(std::time::Duration::ZERO);
        let left_ms = u64::try_from(time_ms - now_ms).unwrap_or_default();
        tokio::time::sleep(std::time::Duration::from_millis(left_ms)).await;
        let reply = person.try_open(&packet, &voucher).await;
        match reply.status {
            200 => number(&reply.body, "amount_fen"),
            _ => reply.refused(410, "expired", None)["amount_fen"].as_i64().unwrap_or(0),
        }
    }));
    let amounts = opens.await;
    let opened = amounts.iter().filter(|&&amount| amount > 0).count();
    assert!((1..CROWD).contains(&opened), "some in time, some late: {opened}");
    let seen = alice.sees_it_become(&packet, "expired").await;
    assert_eq!(number(&seen, "refunded_fen"), 10_000 - amounts.iter().sum::<i64>());
    alice.comes_to_hold(PURSE_FEN - 10_000 + number(&seen, "refunded_fen")).await;
    for (person, amount) in crowd.iter().zip(amounts) {
        person.comes_to_hold(PURSE_FEN + amount).await;
    }
    Books::of(scene.stack).check();
}
