//! Errors that PostgreSQL raises for one person's shares only, and a shard that is shut or given up meanwhile.

use hongbao_client::Method;
use hongbao_stack::{Database, Postgres, Stack};
use hongbao_tests::person::{PURSE_FEN, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use crate::{ask, is_sound, operator, try_often};

/// As `TRIES_UNKNOWN` in settle.rs.
const TRIES_UNKNOWN: usize = 120;

fn stack(name: &str) -> Option<Stack> {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return None;
    }
    Some(start(name, |options| {
        options.database = Database::Postgres;
        options.sweep_every = None;
    }))
}

async fn owner(stack: &Stack) -> Client {
    let url = stack.postgres.as_ref().expect("a database").url();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the owner connects");
    tokio::spawn(connection);
    client
}

/// From now on each claim of this person on one of these packets fails by the error beside it.
async fn raise(owner: &Client, person: &Person, errors: &[(&str, &str)]) {
    let cases: String = errors.iter().map(|(packet, sqlstate)| format!("WHEN '{packet}' THEN '{sqlstate}' ")).collect();
    let trigger = format!(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE code text := CASE NEW.packet {cases} END; \
         BEGIN IF code IS NOT NULL AND NEW.\"user\" = '{}' THEN RAISE EXCEPTION 'a test says so' USING ERRCODE = code; \
         END IF; RETURN NEW; END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON claims FOR EACH ROW EXECUTE FUNCTION fail()",
        person.id
    );
    owner.batch_execute(&trigger).await.expect("a trigger");
}

async fn exceptions(scene: &Scene<'_>) -> Vec<Value> {
    let page = operator(scene).get("/v1/admin/exceptions?state=open").await.granted(200);
    page["exceptions"].as_array().expect("a list").clone()
}

/// The exception about this packet shows the database's words.
fn is_on_record(exceptions: &[Value], packet: &str, words: &str) {
    let entries: Vec<_> = exceptions.iter().map(|exception| text(&exception["evidence"], "entry")).collect();
    let entry = entries.iter().find(|entry| entry.starts_with(&format!("open {packet} ")));
    assert!(entry.is_some_and(|entry| entry.contains(words)), "{packet} {words}: {entries:?}");
}

/// The operator resolves all exceptions.
async fn for_all(scene: &Scene<'_>, remedy: &str) {
    let office = operator(scene);
    for exception in exceptions(scene).await {
        let path = format!("/v1/admin/exceptions/{}/{remedy}", text(&exception, "id"));
        let resolved = office.call(Method::POST, &path).json(&json!({"reason": "it is mended"})).send().await;
        assert_eq!(Reply::checked(remedy, resolved).granted(200)["state"], "resolved");
    }
}

/// Sweeps until the first shard is open.
async fn opens_again(stack: &Stack) {
    let is_open = || async {
        let _ = stack.sweep();
        (ask::<String>(&stack.redis[0], "GET", &["hb:{0}:epoch"]) != "0").then_some(())
    };
    until("the shard is open", is_open).await;
}

/// A sweep may be at the shard: then the operator tries again.
async fn give_up(scene: &Scene<'_>) {
    let office = operator(scene);
    let moved = || async {
        let reply = office.post("/v1/admin/shards/0/move", &json!({"reason": "it is shut"})).await;
        (reply.status == 200).then_some(reply.body)
    };
    assert_eq!(until("the shard is given up", moved).await["packets"], json!(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_for_one_persons_shares_is_on_record_and_the_shard_can_be_given_up() {
    const NAMED: [&str; 7] = ["P0002", "20000", "21000", "38000", "39000", "44000", "54001"];
    let Some(stack) = stack("causes") else { return };
    let scene = Scene::on(&stack, "causes");
    let [alice, bob, carol, dora] = scene.people(["alice", "bob", "carol", "dora"]).await;
    let mut packets = Vec::new();
    for _ in 0..=NAMED.len() {
        packets.push(alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await);
    }
    stack.sweep().expect("a sweep");
    let owner = owner(&stack).await;
    let errors: Vec<_> = packets.iter().map(String::as_str).zip(NAMED.into_iter().chain(["XX001"])).collect();
    raise(&owner, &bob, &errors).await;
    for packet in &packets {
        bob.take(packet).await;
        carol.take(packet).await;
    }
    try_often(&stack);
    let on_record = exceptions(&scene).await;
    for (packet, sqlstate) in &errors[..NAMED.len()] {
        is_on_record(&on_record, packet, sqlstate);
    }
    assert_eq!(on_record.len(), NAMED.len(), "what nobody knows has not been tried often enough: {on_record:?}");
    assert_eq!(carol.balance().await, PURSE_FEN + 250 * 8, "others are paid");

    give_up(&scene).await;
    let on_record = exceptions(&scene).await;
    assert_eq!(on_record.len(), errors.len(), "{on_record:?}");
    is_on_record(&on_record, &packets[NAMED.len()], "XX001");
    assert_eq!(dora.take(&packets[0]).await, 250, "the packets go on without their shard");

    owner.batch_execute("DROP TRIGGER fail ON claims").await.expect("it is mended");
    for_all(&scene, "retry").await;
    assert_eq!(bob.balance().await, PURSE_FEN + 250 * 8);
    opens_again(&stack).await;
    is_sound(&scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_that_nobody_knows_does_not_keep_a_fenced_shard_shut_for_ever() {
    let Some(stack) = stack("unknown") else { return };
    let scene = Scene::on(&stack, "unknown");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep");
    let owner = owner(&stack).await;
    raise(&owner, &bob, &[(&packet, "ZZ001")]).await;
    bob.take(&packet).await;
    shut(&stack);
    for _ in 0..TRIES_UNKNOWN - 5 {
        let _ = stack.sweep();
    }
    assert_eq!(exceptions(&scene).await, Vec::<Value>::new(), "not yet");
    carol.try_grab(&packet).await.refused(503, "unavailable", None);
    opens_again(&stack).await;
    is_on_record(&exceptions(&scene).await, &packet, "ZZ001");
    assert_eq!(carol.take(&packet).await, 250);

    // The packet came back without what is on record, so a share of that number may be somebody else's by now.
    for_all(&scene, "compensate").await;
    bob.comes_to_hold(PURSE_FEN + 250).await;
    carol.comes_to_hold(PURSE_FEN + 250).await;
    is_sound(&scene).await;
}

/// Fences the first shard.
fn shut(stack: &Stack) {
    ask::<String>(&stack.redis[0], "SET", &["hb:{0}:epoch", "0"]);
}

/// Behind the fence everybody waits for a lock, since a shard opens only when the ledger knows all there is. A shard that
/// is given up waits for none: not even for one on the sender's wallet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_behind_the_fence_is_waited_for_and_stops_no_move() {
    for is_moved in [false, true] {
        let Some(stack) = stack(if is_moved { "locked-move" } else { "locked-fence" }) else { return };
        let scene = Scene::on(&stack, "locked");
        let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
        let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
        stack.sweep().expect("a sweep");
        let mut owner = owner(&stack).await;
        let lock = owner.transaction().await.expect("a transaction");
        let wallets = [&alice, &bob].map(|person| format!("wallet:{}", person.id));
        lock.execute("SELECT 1 FROM accounts WHERE id = ANY ($1) ORDER BY id FOR UPDATE", &[&&wallets[..]])
            .await
            .expect("a lock");
        bob.take(&packet).await;
        shut(&stack);
        try_often(&stack);
        carol.try_grab(&packet).await.refused(503, "unavailable", None);
        assert_eq!(exceptions(&scene).await, Vec::<Value>::new(), "a lock is nobody's fault");
        if is_moved {
            give_up(&scene).await;
            is_on_record(&exceptions(&scene).await, &packet, "locked");
            carol.grab(&packet).await;
        }
        lock.rollback().await.expect("the lock ends");
        if is_moved {
            for_all(&scene, "retry").await;
        }
        opens_again(&stack).await;
        assert_eq!(carol.take(&packet).await, 250);
        bob.comes_to_hold(PURSE_FEN + 250).await;
        carol.comes_to_hold(PURSE_FEN + 250).await;
        is_sound(&scene).await;
    }
}
