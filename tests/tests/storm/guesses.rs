//! Guesses at a packet's password where the storm is: on record, across instances, and without Redis.

use std::time::Duration;

use hongbao_core::guess::FIRST_WAIT_MS;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::json;

use crate::site::{ask, operator, sightings, variables};

async fn guess(person: &Person, packet: &str, word: &str) -> Reply {
    person.post(&format!("/v1/packets/{packet}/grab"), &json!({"password": word})).await
}

/// How many of these were judged, and how many had to wait.
fn judged(replies: &[Reply]) -> (usize, usize) {
    let told = |code: &str| replies.iter().filter(|reply| reply.code() == code).count();
    (told("wrong_password"), told("rate_limited"))
}

async fn many(person: &Person, packet: &str, words: std::ops::Range<u32>) -> Vec<Reply> {
    let words: Vec<String> = words.map(|number| format!("{number:04}")).collect();
    futures::future::join_all(words.iter().map(|word| guess(person, packet, word))).await
}

#[tokio::test]
async fn who_guesses_is_on_record_once_a_wait_and_leaves_nothing_behind() {
    let stack = start("guessed", |_| {});
    let scene = Scene::on(&stack, "guessed");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let draft = Draft::new("equal", 100, 10, &scene.group()).with("password", "9999").for_seconds(3_600);
    let packet = alice.give(&draft).await;
    assert_eq!(judged(&many(&bob, &packet, 0..300).await), (5, 295));
    guess(&carol, &packet, "1").await.refused(403, "wrong_password", None);
    let office = operator(&scene);
    assert_eq!(sightings(&stack, &office, &bob).await, [("password_guess".to_owned(), "slow".to_owned())]);
    assert_eq!(sightings(&stack, &office, &carol).await, []);
    // What is kept of it ends with the packet.
    let keys: Vec<String> = ask(&stack.redis[0], "KEYS", &["*:miss:*"]);
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        let left_ms: i64 = ask(&stack.redis[0], "PTTL", &[&key]);
        assert!((1..=3_600_000).contains(&left_ms), "{key}: {left_ms}");
    }
    // An hour later by the key: the wait is over, one more is judged, and the next waits twice as long.
    let key = format!("hb:{{0}}:rate:grab:{}:miss:{packet}", bob.id);
    let _: () = ask(&stack.redis[0], "SET", &[&key, "5 1", "PX", "60000"]);
    let mut replies = many(&bob, &packet, 300..320).await;
    assert_eq!(judged(&replies), (1, 19));
    replies.retain(|reply| reply.code() == "rate_limited");
    let wait_ms = replies[0].body["error"]["retry_after_ms"].as_i64().expect("when to come back");
    assert!((FIRST_WAIT_MS + 1..=2 * FIRST_WAIT_MS).contains(&wait_ms), "{wait_ms}");
    assert_eq!(sightings(&stack, &office, &bob).await.len(), 2);
}

#[tokio::test]
async fn an_operator_says_what_a_guess_costs() {
    let stack =
        start("guess-rule", |options| options.variables = variables(&[("risk_rules", "password_guess=deny:2")]));
    let scene = Scene::on(&stack, "guess-rule");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 100, 10, &scene.group()).with("password", "9999")).await;
    for _ in 0..2 {
        guess(&bob, &packet, "1").await.refused(403, "wrong_password", None);
    }
    guess(&bob, &packet, "9999").await.refused(403, "risk_denied", None);
    assert_eq!(sightings(&stack, &operator(&scene), &bob).await, [("password_guess".to_owned(), "deny".to_owned())]);
}

/// A packet that was born in the ledger, since its shard was away: guesses are counted there.
#[tokio::test]
async fn without_redis_guesses_are_counted_in_the_ledger() {
    let mut stack = start("guess-sql", |_| {});
    stack.redis[0].kill();
    {
        let scene = Scene::on(&stack, "guess-sql");
        let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
        let packet = alice.give(&Draft::new("equal", 100, 2, &scene.group()).with("password", "0042")).await;
        bob.try_grab(&packet).await.refused(403, "wrong_password", None);
        // The ledger takes a few at a time: who is told to come back has not guessed.
        let mut judged = 0;
        for number in 0..40 {
            let reply = guess(&bob, &packet, &format!("{number:04}")).await;
            judged += usize::from(reply.code() == "wrong_password");
            assert!(matches!(reply.code(), "wrong_password" | "rate_limited" | "degraded"), "{reply}");
        }
        assert_eq!(judged, 5);
        guess(&bob, &packet, "0042").await.refused(429, "rate_limited", None);
        let replies = many(&carol, &packet, 100..140).await;
        let judged = replies.iter().filter(|reply| reply.code() == "wrong_password").count();
        assert!(judged <= 5, "{judged} of 40 at once were judged");
        let [dora, emil] = scene.people(["dora", "emil"]).await;
        let seq = guess(&dora, &packet, "0042").await.granted(200)["seq"].clone();
        assert_eq!(guess(&dora, &packet, "another").await.granted(200)["seq"], seq, "who has a share has it");
        guess(&emil, &packet, "00 42").await.granted(200);
        // A packet that gives nothing tells nothing of its password, and nobody is on record for asking.
        let fay = scene.person("fay").await;
        for word in ["0042", "another"] {
            for _ in 0..6 {
                let asked = async || {
                    let reply = guess(&fay, &packet, word).await;
                    (reply.code() != "degraded").then_some(reply) // The ledger takes a few at a time.
                };
                until("an answer", asked).await.refused(409, "sold_out", None);
            }
        }
        fay.try_grab(&packet).await.refused(409, "sold_out", None);
        let later = hongbao_tests::draft::in_ms(Duration::from_secs(3_600));
        let draft = Draft::new("equal", 100, 2, &scene.group()).with("password", "0042").with("starts_at_ms", later);
        let scheduled = alice.give(&draft).await;
        for word in ["0042", "another"] {
            guess(&fay, &scheduled, word).await.refused(425, "not_started", None);
        }
        let office = operator(&scene);
        let seen = || async {
            let page = office.get("/v1/admin/risk-events?limit=100").await;
            let events = page.body["events"].as_array().cloned().unwrap_or_default();
            let of = |person: &Person| events.iter().filter(|event| event["user"] == person.id.as_str()).count();
            (of(&bob) == 1).then(|| of(&fay))
        };
        assert_eq!(until("who guessed is on record", seen).await, 0, "who had the word has not guessed");
    }
    stack.redis[0].restart().expect("Redis starts again");
    let scene = Scene::on(&stack, "guess-sql");
    let bob = scene.person("bob").await;
    tokio::time::timeout(Duration::from_secs(60), bob.balance()).await.expect("all is well again");
}
