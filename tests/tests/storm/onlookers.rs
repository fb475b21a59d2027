//! People who look at packets: what they may not see is not read, and what they see comes in pages.

use std::time::{Duration, Instant};

use futures::future::join_all;
use hongbao_stack::{Grant, Stack};
use hongbao_tests::person::{number, shares};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene, until};
use serde_json::Value;

use crate::site::{ask, calls, variables};

/// The largest packet there is.
const MANY: usize = 10_000;

/// A person who may send large packets.
async fn company(scene: &Scene<'_>, stack: &Stack) -> Person {
    let acme = scene.person("acme").await;
    let group = scene.group();
    let groups = [group.as_str()];
    let grant = Grant { company: true, ..Grant::person(&acme.id, &groups) };
    scene.bearer(&acme.id, &stack.keys().token(&grant).expect("a token"))
}

/// A packet of 10,000 shares, grabbed by all of as many people but one; the race as their grabs would leave it.
async fn crowded(sender: &Person, scene: &Scene<'_>, stack: &Stack) -> String {
    let packet = sender.give(&Draft::new("lucky", 20_000, MANY, &scene.group())).await;
    let key = format!("hb:{{0}}:p:{packet}");
    let claims: Vec<[String; 2]> = (1..MANY).map(|seq| [format!("us_guest{seq}"), seq.to_string()]).collect();
    for some in claims.chunks(500) {
        let words: Vec<&str> = std::iter::once(&*key).chain(some.iter().flatten().map(String::as_str)).collect();
        ask::<i64>(&stack.redis[0], "HSET", &words);
    }
    ask::<i64>(&stack.redis[0], "HSET", &[&key, "g", &(MANY - 1).to_string()]);
    packet
}

/// The median of so many grabs, one after the other, of somebody who has a share already.
async fn grabs_take(person: &Person, packet: &str, count: usize) -> Duration {
    let mut took = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        person.try_grab(packet).await.granted(200);
        took.push(start.elapsed());
    }
    took.sort_unstable();
    took[count / 2]
}

/// Sixty people look at a packet of 10,000 shares, ten times a second each, while others grab from another packet.
#[tokio::test(flavor = "multi_thread")]
async fn onlookers_of_a_large_packet_do_not_slow_down_others_grabs() {
    let stack = start("onlookers", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "onlookers");
    let acme = company(&scene, &stack).await;
    let crowded = crowded(&acme, &scene, &stack).await;
    let bob = scene.person("bob").await;
    let other = acme.give(&Draft::new("lucky", 100, 5, &scene.group())).await;
    bob.grab(&other).await;
    let onlookers = scene.crowd(60).await;
    grabs_take(&bob, &other, 20).await;
    let alone = grabs_take(&bob, &other, 100).await;

    let before = calls(&stack.redis[0], "hgetall");
    let looking = onlookers.into_iter().map(|person| {
        let packet = crowded.clone();
        tokio::spawn(async move {
            loop {
                let seen = person.see(&packet).await;
                assert_eq!((number(&seen, "grabbed"), shares(&seen).len()), (9_999, 0));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    });
    let looking: Vec<_> = looking.collect();
    let beside = grabs_take(&bob, &other, 100).await;
    looking.iter().for_each(|look| assert!(!look.is_finished(), "somebody saw something else"));
    looking.iter().for_each(tokio::task::JoinHandle::abort);
    println!("a grab takes {alone:?} alone, {beside:?} beside onlookers");
    assert_eq!(calls(&stack.redis[0], "hgetall") - before, 0, "all of the packet was read");
    assert!(
        beside < alone * 5 + Duration::from_millis(60),
        "a grab takes {alone:?} alone, {beside:?} beside onlookers"
    );
}

/// Who has a share of a large packet is read in steps, once, and not again by every refusal.
#[tokio::test]
async fn a_large_packet_that_is_sold_out_is_read_once_and_in_steps() {
    let stack = start("sold-out-large", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "sold-out-large");
    let acme = company(&scene, &stack).await;
    let packet = crowded(&acme, &scene, &stack).await;
    let [last, late] = scene.people(["last", "late"]).await;
    last.grab(&packet).await;
    let server = &stack.redis[0];
    let is_remembered = || async {
        let before = calls(server, "evalsha");
        late.try_grab(&packet).await.refused(409, "sold_out", None);
        (calls(server, "evalsha") == before).then_some(())
    };
    until("memory has the answer", is_remembered).await;
    let steps = calls(server, "hscan");
    assert!(steps >= 10 && calls(server, "hgetall") == 0, "{steps} steps");
    last.grab(&packet).await; // Who has a share is asked for at the shard.
}

#[tokio::test]
async fn what_a_person_may_not_see_is_not_read() {
    let stack = start("unread", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "unread");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("lucky", 900, 3, &scene.group())).await;
    bob.take(&packet).await;
    carol.grab(&packet).await;
    let reads = async |person: &Person| {
        let before = calls(&stack.redis[0], "hgetall");
        person.see(&packet).await;
        calls(&stack.redis[0], "hgetall") - before
    };
    assert_eq!([reads(&carol).await, reads(&bob).await, reads(&alice).await], [0, 1, 1]);
}

/// All shares of a packet as `person` sees them, in pages of `limit`.
async fn all(person: &Person, packet: &str, limit: usize) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = person.get(&format!("/v1/packets/{packet}?limit={limit}{after}")).await.granted(200);
        assert!(shares(&page).len() <= limit && (page["next"].is_null() || shares(&page).len() == limit), "{page}");
        found.extend_from_slice(shares(&page));
        let Some(next) = page["next"].as_i64() else { return found };
        after = format!("&after={next}");
    }
}

#[tokio::test]
async fn the_shares_of_a_packet_come_in_pages_each_once_in_order() {
    let stack = start("pages", |options| options.variables = variables(&[("rate_limits", "login_user=0,login=0")]));
    let scene = Scene::on(&stack, "pages");
    let acme = company(&scene, &stack).await;
    for count in [7, 130] {
        let packet = acme.give(&Draft::new("lucky", 10_000, count, &scene.group())).await;
        let guests = scene.crowd(count).await;
        for some in guests.chunks(16) {
            join_all(some.iter().map(|guest| guest.take(&packet))).await;
        }
        let whole = until("all are paid", || async {
            let found = all(&acme, &packet, 100).await;
            (found.len() == guests.len() && found.iter().any(|share| share["best"] == true)).then_some(found)
        });
        let whole = whole.await;
        assert!((0..).zip(&whole).all(|(seq, share)| number(share, "seq") == seq), "{whole:?}");
        assert_eq!(whole.iter().filter(|share| share["best"] == true).count(), 1);
        for limit in [1, 3, 64, guests.len().min(100)] {
            assert_eq!(all(&guests[0], &packet, limit).await, whole, "pages of {limit}");
        }
        // The own share is always there, on whatever page it stands.
        for share in &whole {
            let owner = guests.iter().find(|guest| share["user"] == guest.id.as_str()).expect("a guest");
            let seen = owner.get(&format!("/v1/packets/{packet}?limit=1")).await.granted(200);
            assert_eq!(&seen["my_share"], share);
        }
        assert_eq!(acme.see(&packet).await["my_share"], Value::Null);
        let beyond = acme.get(&format!("/v1/packets/{packet}?after=10000")).await.granted(200);
        assert_eq!((shares(&beyond).len(), &beyond["next"]), (0, &Value::Null));
        for (query, field) in
            [("limit=0", "limit"), ("limit=101", "limit"), ("after=-1", "after"), ("after=x", "after")]
        {
            let reply = acme.get(&format!("/v1/packets/{packet}?{query}")).await;
            reply.refused(400, "invalid_request", Some(field));
        }
    }
}

#[tokio::test]
async fn who_looks_too_often_is_told_to_wait_and_nobody_else() {
    let stack = start("looks", |options| options.variables = variables(&[("rate_limits", "view_user=1")]));
    let scene = Scene::on(&stack, "looks");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 900, 3, &scene.group())).await;
    let path = format!("/v1/packets/{packet}");
    let refused = until("alice has looked too often", || async {
        let reply = alice.get(&path).await;
        (reply.status != 200).then_some(reply)
    });
    let refused = refused.await.refused(429, "rate_limited", None);
    assert!((1..=1_000).contains(&number(&refused["error"], "retry_after_ms")), "{refused}");
    bob.get(&path).await.granted(200);
    bob.take(&packet).await;
    until("alice may look again", || async { (alice.get(&path).await.status == 200).then_some(()) }).await;
}
