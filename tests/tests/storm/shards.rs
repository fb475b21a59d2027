//! Three shards: each packet stays on its own, and what happens to one of them is no matter of the others'.

use std::time::{Duration, Instant};

use hongbao_client::Client;
use hongbao_host::{Host, Options};
use hongbao_stack::{Fsync, Keys, Redis, RedisOptions, project_root};
use hongbao_tests::ledger::Books;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::{folder, start};
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::json;

use crate::site::{give_on, operator, put, shard_of};

#[tokio::test]
async fn with_one_of_three_shards_killed_the_others_go_on() {
    let mut stack = start("three", |options| options.shards = 3);
    let (packets, draft) = {
        let scene = Scene::on(&stack, "three");
        let alice = scene.person("alice").await;
        let draft = Draft::new("equal", 100, 10, &scene.group());
        let mut packets = Vec::new();
        for shard in 0..3 {
            packets.push(give_on(&alice, &draft, shard).await);
        }
        (packets, draft)
    };
    stack.redis[1].kill();
    {
        let scene = Scene::on(&stack, "three");
        let [alice, bob] = scene.people(["alice", "bob"]).await;
        for shard in [0, 2] {
            assert_eq!(bob.take(&packets[shard]).await, 10, "shard {shard}");
        }
        let asked = Instant::now();
        bob.try_grab(&packets[1]).await.refused(503, "unavailable", None);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        // Who wrapped before the loss was noticed has a packet in SQL, and it is served as any other.
        let elsewhere = || async {
            for _ in 0..20 {
                let packet = alice.give(&draft).await;
                if shard_of(&packet) == 1 {
                    alice.grab(&packet).await;
                    return None;
                }
            }
            Some(())
        };
        until("new packets go to the other shards", elsewhere).await;
        // The bells of both are heard, and the account is served while a shard is away.
        bob.comes_to_hold(PURSE_FEN + 20).await;
        let stats = operator(&scene).get("/v1/admin/stats").await.granted(200);
        let up: Vec<_> =
            stats["shards"].as_array().expect("shards").iter().map(|shard| shard["is_up"] == true).collect();
        assert_eq!(up, [true, false, true], "{stats}");
    }
    stack.redis[1].restart().expect("it starts again");
    let scene = Scene::on(&stack, "three");
    let bob = scene.person("bob").await;
    let back = || async { (bob.try_grab(&packets[1]).await.status == 200).then_some(()) };
    until("the shard's packets are back", back).await;
    assert_eq!(bob.take(&packets[1]).await, 10);
    bob.comes_to_hold(PURSE_FEN + 30).await;
    Books::of(&stack).check();
}

#[tokio::test]
async fn a_server_that_hangs_is_answered_for_in_bounded_time() {
    let stack = start("hangs", |_| {});
    let scene = Scene::on(&stack, "hangs");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let draft = Draft::new("equal", 100, 10, &scene.group());
    let packet = alice.give(&draft).await;
    let voucher = bob.grab(&packet).await;
    stack.redis[0].pause();
    let asked = Instant::now();
    // Many at once share an instance, and each has a deadline of its own.
    let open = futures::future::join_all((0..20).map(|_| bob.try_open(&packet, &voucher)));
    let grab = futures::future::join_all((0..20).map(|_| carol.try_grab(&packet)));
    let (opened, grabbed) = futures::future::join(open, grab).await;
    for reply in opened.into_iter().chain(grabbed) {
        assert!(matches!(reply.code(), "unavailable" | "degraded") && reply.status == 503, "{reply:?}");
    }
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    stack.redis[0].resume();
    let opens = || async { (bob.try_open(&packet, &voucher).await.status == 200).then_some(()) };
    until("the shard answers again", opens).await;
    let grabs = || async { (carol.try_grab(&packet).await.status == 200).then_some(()) };
    until("it answers those who grab, whose component has connections of its own", grabs).await;
    assert_eq!(carol.take(&packet).await, 10);
}

#[tokio::test]
async fn a_drained_shard_takes_no_new_packets_and_serves_its_own() {
    let stack = start("drained", |options| options.shards = 3);
    let scene = Scene::on(&stack, "drained");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let draft = Draft::new("equal", 10, 10, &scene.group());
    let (packet, office) = (give_on(&alice, &draft, 1).await, operator(&scene));
    let quotes = futures::future::join_all((0..40).map(|_| alice.wrap(&draft))).await;
    for _ in 0..2 {
        let drained = put(&office, "/v1/admin/shards/1", &json!({"weight": 0, "reason": "to be moved"})).await;
        assert_eq!(drained.granted(200)["weight"], 0);
    }
    let send = async |quote: &String| alice.post("/v1/send", &json!({"quote": quote})).await;
    let takes_none = || async {
        let quotes = futures::future::join_all((0..30).map(|_| alice.wrap(&draft))).await;
        let sent = futures::future::join_all(quotes.iter().map(send)).await;
        // Until all have heard of it, a quote may be for a packet there; then it is to be wrapped again.
        let packet = |reply: &Reply| reply.body["packet_id"].as_str().map(shard_of);
        let shards: Option<Vec<_>> = sent.iter().map(packet).collect();
        shards.filter(|shards| !shards.contains(&1))
    };
    let shards = until("no new packet goes to shard 1", takes_none).await;
    // A quote from before is for a packet that would live there. A sending instance may hear of it a moment later.
    let next = std::cell::Cell::new(quotes.iter());
    let is_refused = || async {
        let mut left = next.take();
        let quote = left.next().expect("a quote for shard 1 among forty");
        next.set(left);
        (send(quote).await.code() == "quote_expired").then_some(())
    };
    until("a quote for shard 1 is refused", is_refused).await;
    assert!(shards.contains(&0) && shards.contains(&2), "{shards:?}");
    assert_eq!(bob.take(&packet).await, 1);
    let all = office.get("/v1/admin/shards").await.granted(200);
    assert_eq!(
        (all["shards"][1]["weight"].as_i64(), all["shards"][0]["weight"].as_i64()),
        (Some(0), Some(100)),
        "{all}"
    );

    put(&office, "/v1/admin/shards/1", &json!({"weight": 1_001})).await.refused(400, "invalid_request", Some("weight"));
    put(&office, "/v1/admin/shards/7", &json!({"weight": 1})).await.refused(404, "not_found", None);
    put(&office, "/v1/admin/shards/1", &json!({"weight": 100})).await.granted(200);
    // As before, a sending instance may hear of it later than the one that wrapped.
    let takes = || async {
        let sent = send(&alice.wrap(&draft).await).await;
        sent.body["packet_id"].as_str().map(shard_of).filter(|shard| *shard == 1)
    };
    until("shard 1 takes packets again", takes).await;
}

/// One process that knows a shard, one that knows two of them, over the same ledger.
#[tokio::test]
async fn a_shard_that_is_added_takes_new_packets_at_once() {
    let folder = folder("added");
    let keys = Keys::load_or_make(&folder.join("keys")).expect("keys");
    let plain = RedisOptions { fsync: Fsync::No, ..RedisOptions::default() };
    let servers = ["first", "second"].map(|name| Redis::start(&folder.join(name), &plain).expect("Redis starts"));
    let host = async |shards: &[&Redis]| {
        let root = project_root().expect("the project is found");
        let mut options = Options::new(root.join("spin.toml"));
        options.state_dir = folder.join("state");
        options.cache_dir = root.join("target/tmp/compiled");
        options.threads = 1;
        let addresses: Vec<_> = shards.iter().map(|redis| redis.url()).collect();
        options.variables.extend(hongbao_stack::redis_variables(&addresses));
        for (name, value) in [("signing_key", keys.signing_key()), ("jwt_keys", keys.jwt_keys()), ("dev_login", "on")] {
            options.variables.insert(name.to_owned(), value.to_owned());
        }
        Host::start(options).await.expect("it starts")
    };
    let (old, new) = (host(&[&servers[0]]).await, host(&[&servers[0], &servers[1]]).await);
    let at = |running: &hongbao_host::Running| Client::new(&format!("http://{}", running.addr()));
    let person = async |client: Client, name: &str| {
        let id = format!("us_{name}");
        let login = json!({"user": id, "groups": ["g_added"]});
        let answer = Person::new(client.clone(), &id, "").post("/v1/dev/login", &login).await.granted(200);
        Person::new(client, &id, answer["token"].as_str().expect("a token"))
    };
    let draft = Draft::new("equal", 100, 10, "g_added");
    let (here, there) = (person(at(&old), "alice").await, person(at(&new), "bob").await);
    let before = here.give(&draft).await;
    assert_eq!((shard_of(&before), there.take(&before).await), (0, 10));
    let added = give_on(&there, &draft, 1).await;
    assert_eq!(there.take(&added).await, 10);
    // Who has not heard of the shard says "not now" rather than "no such packet".
    here.try_grab(&added).await.refused(503, "unavailable", None);
    let _ = (old.shutdown().await, new.shutdown().await);
}
