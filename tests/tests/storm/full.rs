//! A Redis that is full, and starts anew or is fenced: whatever makes room goes on.

use hongbao_stack::Stack;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene};

use crate::site::ask;

const EPOCH: &str = "hb:{0}:epoch";
const BYTES_MAX: &str = "16mb";

/// Fills the server with keys of nobody's until it takes no more.
fn fill(stack: &Stack) {
    let client = redis::Client::open(stack.redis[0].url()).expect("an address");
    let mut connection = client.get_connection().expect("Redis");
    for size in [10_000, 100, 1] {
        let filler = "x".repeat(size);
        let is_full = (0..100_000).any(|number| {
            let set = redis::cmd("SET").arg(format!("filler:{size}:{number}")).arg(&filler).exec(&mut connection);
            set.is_err_and(|error| error.to_string().contains("maxmemory"))
        });
        assert!(is_full, "Redis has no limit");
    }
}

#[tokio::test]
async fn a_full_redis_that_starts_anew_or_is_fenced_settles_and_opens() {
    let mut stack = start("full", |options| {
        options.redis.directives.push(("maxmemory".to_owned(), BYTES_MAX.to_owned()));
        options.sweep_every = None;
    });
    let (packet, opened_fen) = {
        let scene = Scene::on(&stack, "full");
        let [alice, bob] = scene.people(["alice", "bob"]).await;
        let packet = alice.give(&Draft::new("equal", 100, 2, &scene.group())).await;
        let opened_fen = bob.take(&packet).await;
        (packet, opened_fen)
    };
    stack.redis[0].restart().expect("Redis starts again");
    fill(&stack);
    let scene = Scene::on(&stack, "full");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    // Not all of a sweep can be done; what can be is.
    let _ = stack.sweep();
    assert_eq!(bob.balance().await, PURSE_FEN + opened_fen, "what was opened before is settled");
    assert_eq!(alice.see(&packet).await["opened"], 1);

    let limit = |bytes: &str| ask::<()>(&stack.redis[0], "CONFIG", &["SET", "maxmemory", bytes]);
    limit("0");
    let () = ask(&stack.redis[0], "SET", &[EPOCH, "0"]);
    limit(BYTES_MAX);
    fill(&stack);
    let _ = stack.sweep();
    let epoch: String = ask(&stack.redis[0], "GET", &[EPOCH]);
    assert_ne!(epoch, "0", "the shard is open under another epoch");
    // With room its packets are back.
    limit("0");
    scene.person("carol").await.take(&packet).await;
}
