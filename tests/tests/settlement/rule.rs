//! An entry that breaks a rule of the database, whatever it is settled with.

use hongbao_client::Method;
use hongbao_tests::person::{PURSE_FEN, text};
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Reply, Scene, until};
use rusqlite::Connection;
use serde_json::json;

use crate::{EVENTS, age_pending, ask, is_sound, operator};

#[tokio::test]
async fn an_entry_that_breaks_a_rule_is_on_record_with_the_databases_words_after_five_tries() {
    let stack = start("rule", |options| options.sweep_every = None);
    let scene = Scene::on(&stack, "rule");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let packet = alice.give(&Draft::new("equal", 1_000, 4, &scene.group())).await;
    stack.sweep().expect("a sweep");
    let books = Connection::open(stack.dir().join("state/sqlite_db.db")).expect("the books");
    books.busy_timeout(std::time::Duration::from_secs(10)).expect("a time limit");
    let rule = format!(
        "CREATE TRIGGER no_bob BEFORE INSERT ON claims WHEN NEW.user = '{}' BEGIN SELECT RAISE(ABORT, 'bob_is_banned'); END",
        bob.id
    );
    books.execute_batch(&rule).expect("a rule");
    let bobs_fen = bob.take(&packet).await;
    let carols_fen = carol.take(&packet).await;
    carol.comes_to_hold(PURSE_FEN + carols_fen).await;
    let office = operator(&scene);
    let open = async || office.get("/v1/admin/exceptions?state=open").await.granted(200)["exceptions"].clone();
    // The bell's drain was the first try, or its time is still to come.
    for _ in 0..3 {
        age_pending(&stack.redis[0]);
        stack.sweep().expect("a sweep");
        assert_eq!(open().await, json!([]), "not before five tries");
    }
    let recorded = || async {
        age_pending(&stack.redis[0]);
        stack.sweep().expect("a sweep");
        open().await.get(0).cloned()
    };
    let exception = until("it is on record", recorded).await;
    assert_eq!(exception["reason"], "poison");
    let entry = text(&exception["evidence"], "entry");
    assert!(entry.starts_with(&format!("open {packet}")) && entry.contains("bob_is_banned"), "{entry}");
    let waiting: i64 = ask(&stack.redis[0], "XLEN", &[EVENTS]);
    assert_eq!(waiting, 0);

    books.execute_batch("DROP TRIGGER no_bob").expect("the rule is gone");
    let path = format!("/v1/admin/exceptions/{}/retry", text(&exception, "id"));
    let retry = office.call(Method::POST, &path).json(&json!({"reason": "the rule was wrong"})).send().await;
    assert_eq!(Reply::checked("retry", retry).granted(200)["state"], "resolved");
    assert_eq!(bob.balance().await, PURSE_FEN + bobs_fen);
    is_sound(&scene).await;
}
