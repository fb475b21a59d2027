//! Sends, grabs, opens and refunds, five copies of each at once, on both backends: one effect each. A thousand of each,
//! and ten thousand in the long form.

use std::collections::BTreeMap;

use futures::future::join_all;
use futures::{StreamExt, stream};
use hongbao_stack::Database;
use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde_json::{Value, json};

/// How many packets, each sent, grabbed, opened and refunded.
const PACKETS: usize = 1_000;
const PACKETS_LONG: usize = 10_000;
/// How many copies of every request are on their way at once.
const COPIES: usize = 5;
/// How many different requests are on their way at once.
const AT_ONCE: usize = 12;
/// How many packets are sent before they are opened, so that none expires too early.
const WAVE: usize = 1_000;
const SENDERS: usize = 50;
const GUESTS: usize = 100;
/// Two shares, of which one is opened and one goes back.
const TOTAL_FEN: i64 = 10;
const LIFE_S: i64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_a_thousand_of_everything_five_times_at_once_is_once() {
    flood(Database::Sqlite, "dupsqlite", PACKETS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_a_thousand_of_everything_five_times_at_once_is_once() {
    flood(Database::Postgres, "duppostgres", PACKETS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: cargo xtask test long"]
async fn on_sqlite_ten_thousand_of_everything_five_times_at_once_is_once() {
    flood(Database::Sqlite, "dupsqlitelong", PACKETS_LONG).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: cargo xtask test long"]
async fn on_postgres_ten_thousand_of_everything_five_times_at_once_is_once() {
    flood(Database::Postgres, "duppostgreslong", PACKETS_LONG).await;
}

/// A packet on its way.
struct Sent<'a> {
    id: String,
    sender: &'a Person,
    guest: &'a Person,
}

async fn flood(database: Database, name: &str, count: usize) {
    let stack = start(name, |options| {
        options.database = database;
        options.sweep_every = None;
    });
    let scene = Scene::on(&stack, name);
    let crowd = scene.crowd(SENDERS + GUESTS).await;
    let (senders, guests) = crowd.split_at(SENDERS);

    let mut packets = Vec::new();
    let mut opened: BTreeMap<String, i64> = BTreeMap::new();
    for wave in 0..count / WAVE {
        let draft = Draft::new("lucky", TOTAL_FEN, 2, &scene.group()).for_seconds(LIFE_S);
        let send = |place: usize| {
            let (sender, guest, draft) = (&senders[place % SENDERS], &guests[place % GUESTS], &draft);
            async move { Sent { id: send_copies(sender, draft).await, sender, guest } }
        };
        let places = wave * WAVE..(wave + 1) * WAVE;
        let sent: Vec<_> = stream::iter(places).map(send).buffer_unordered(AT_ONCE).collect().await;
        let takes = sent.iter().map(|packet| take_copies(packet.guest, packet.id.clone()));
        opened.extend(stream::iter(takes).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        packets.extend(sent);
        println!("{} packets sent, grabbed and opened, {COPIES} times each", packets.len());
    }
    assert_eq!((packets.len(), opened.len()), (count, count), "no quote made two packets");

    let operator = scene.bearer("operator", &stack.operator_token().expect("a token"));
    // The refunds: several sweeps at once, again and again, until every packet is back.
    let mut unpaid: Vec<&Sent<'_>> = packets.iter().collect();
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(600);
    while !unpaid.is_empty() {
        assert!(tokio::time::Instant::now() < end, "{} packets are not refunded", unpaid.len());
        let nothing = json!({});
        for swept in copies(|| operator.post("/internal/sweep", &nothing)).await {
            swept.granted(200);
        }
        let looks = unpaid.iter().map(async |packet| (packet.sender.see(&packet.id).await, opened[&packet.id]));
        let is_back = |(seen, opened_fen): &(Value, i64)| number(seen, "refunded_fen") == TOTAL_FEN - opened_fen;
        let seen: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        assert!(seen.iter().all(|(seen, _)| number(seen, "opened") == 1 && number(seen, "grabbed") <= 1));
        let left = unpaid.iter().zip(&seen).filter(|(_, seen)| !is_back(seen)).map(|(packet, _)| *packet);
        unpaid = left.collect();
    }

    // Everybody has what these packets gave and took, to the fen.
    let mut due: BTreeMap<&str, i64> = crowd.iter().map(|person| (person.id.as_str(), PURSE_FEN)).collect();
    for packet in &packets {
        let fen = opened[&packet.id];
        *due.entry(&packet.sender.id).or_default() -= fen;
        *due.entry(&packet.guest.id).or_default() += fen;
    }
    for person in &crowd {
        assert_eq!(person.balance().await, due[person.id.as_str()], "{}", person.id);
    }
    let mut place = String::new();
    loop {
        let books = operator.get(&format!("/v1/admin/reconcile{place}")).await.granted(200);
        assert!(books["ok"] == json!(true) && number(&books, "drift_fen") == 0, "{books}");
        let Some(next) = books["next"].as_str() else { break };
        place = format!("?after={next}");
    }
    let exceptions = operator.get("/v1/admin/exceptions?state=open").await.granted(200);
    assert_eq!(exceptions["exceptions"], json!([]));
}

/// Copies of a request, each asked again while it is told to come back: on a busy machine somebody is.
async fn copies<F: Future<Output = Reply>>(request: impl Fn() -> F) -> Vec<Reply> {
    let insist = || async {
        loop {
            let reply = request().await;
            match reply.body["error"]["retry_after_ms"].as_u64() {
                Some(wait_ms) => tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await,
                None => return reply,
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), join_all((0..COPIES).map(|_| insist())))
        .await
        .expect("a definite answer within a minute")
}

/// The body that every copy was answered.
fn one_answer(replies: Vec<Reply>) -> Value {
    let mut bodies = replies.into_iter().map(|reply| {
        assert!(matches!(reply.status, 200 | 201), "{} {}", reply.status, reply.body);
        reply.body
    });
    let first = bodies.next().expect("copies");
    assert!(bodies.all(|body| body == first), "copies are answered differently");
    first
}

/// Sends one quote in copies: the packet.
async fn send_copies(sender: &Person, draft: &Draft) -> String {
    let quote = json!({"quote": sender.wrap(draft).await});
    let replies = copies(|| sender.post("/v1/send", &quote)).await;
    // Of the first one the answer may have been "come back", and then it is told 200.
    assert!(replies.iter().filter(|reply| reply.status == 201).count() <= 1, "two copies are the first");
    text(&one_answer(replies), "packet_id")
}

/// Grabs and opens in copies: the packet, and what was in the share.
async fn take_copies(guest: &Person, packet: String) -> (String, i64) {
    let grabbed = one_answer(copies(|| guest.try_grab(&packet)).await);
    let voucher = text(&grabbed, "voucher");
    let opened = one_answer(copies(|| guest.try_open(&packet, &voucher)).await);
    (packet, number(&opened, "amount_fen"))
}
