//! Each risk rule: what it sees, what it does, and that it is on record.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hongbao_stack::{Grant, Stack};
use hongbao_tests::draft::in_ms;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::json;

use crate::site::{grab_from, operator, put, sightings, variables};

fn with_rules(name: &str, rules: &str) -> Stack {
    start(name, |options| options.variables = variables(&[("risk_rules", rules)]))
}

fn pair(rule: &str, action: &str) -> (String, String) {
    (rule.to_owned(), action.to_owned())
}

#[tokio::test]
async fn a_device_of_many_people_is_refused_for_the_next_one_only() {
    let stack = with_rules("device", "device_users=deny:2");
    let scene = Scene::on(&stack, "device");
    let [alice, bob, carol, dora] = scene.people(["alice", "bob", "carol", "dora"]).await;
    let office = operator(&scene);
    let packet = alice.give(&Draft::new("equal", 100, 10, &scene.group())).await;
    for person in [&alice, &bob, &alice] {
        grab_from(person, "phone-1", &packet).await.granted(200);
    }
    for _ in 0..3 {
        grab_from(&carol, "phone-1", &packet).await.refused(403, "risk_denied", None);
    }
    assert_eq!(sightings(&stack, &office, &carol).await, [pair("device_users", "deny")]);
    grab_from(&carol, "phone-2", &packet).await.granted(200);
    dora.grab(&packet).await;
    for wrong in ["", "a b", "x".repeat(65).as_str()] {
        grab_from(&dora, wrong, &packet).await.refused(400, "invalid_request", Some("x-device-id"));
    }

    // An operator decides otherwise, at once and for everybody.
    let rule = "/v1/admin/risk-rules/device_users";
    for _ in 0..2 {
        put(&office, rule, &json!({"setting": "off", "reason": "a school"})).await.granted(200);
    }
    let rules = office.get("/v1/admin/risk-rules").await.granted(200);
    let found = rules["rules"].as_array().expect("rules").iter().find(|one| one["rule"] == "device_users");
    assert_eq!(found.map(|one| &one["setting"]), Some(&json!("off:2")), "{rules}");
    let second = alice.give(&Draft::new("equal", 100, 10, &scene.group())).await;
    let passes = || async { (grab_from(&carol, "phone-1", &second).await.status == 200).then_some(()) };
    until("the rule is off", passes).await;
    put(&office, rule, &json!({"setting": "maybe"})).await.refused(400, "invalid_request", Some("setting"));
    put(&office, "/v1/admin/risk-rules/blacklist", &json!({"setting": "off"})).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn who_is_faster_than_a_human_waits_and_then_gets_in() {
    let stack = with_rules("reaction", "reaction=slow:700");
    let scene = Scene::on(&stack, "reaction");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let start_ms = in_ms(Duration::from_millis(1_500));
    let draft = Draft::new("equal", 100, 10, &scene.group()).with("starts_at_ms", start_ms);
    let packet = alice.give(&draft).await;
    let started = || async {
        let reply = bob.try_grab(&packet).await;
        (reply.status != 425).then_some(reply)
    };
    let first = until("it opens", started).await;
    // Asked every few milliseconds, bob is among the first.
    let refused = first.refused(429, "rate_limited", None);
    assert!(refused["error"]["retry_after_ms"].as_i64().is_some_and(|ms| (1..=2_000).contains(&ms)), "{refused}");
    let gets_in = || async { (bob.try_grab(&packet).await.status == 200).then_some(()) };
    until("who waits gets in", gets_in).await;
    assert_eq!(sightings(&stack, &operator(&scene), &bob).await, [pair("reaction", "slow")]);
}

async fn with_age(scene: &Scene<'_>, who: &str, age: Duration) -> Person {
    let person = scene.person(who).await;
    let since = (SystemTime::now() - age).duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let group = scene.group();
    let groups = [group.as_str()];
    let grant = Grant { since: i64::try_from(since).ok(), ..Grant::person(&person.id, &groups) };
    scene.bearer(&person.id, &scene.stack.keys().token(&grant).expect("a token"))
}

#[tokio::test]
async fn new_accounts_and_those_who_grab_all_day_are_seen() {
    let stack = with_rules("young", "new_account=deny:3600,daily_grabs=deny:3");
    let scene = Scene::on(&stack, "young");
    let alice = scene.person("alice").await;
    let (young, old) = (
        with_age(&scene, "young", Duration::from_secs(60)).await,
        with_age(&scene, "old", Duration::from_secs(7_200)).await,
    );
    let draft = Draft::new("equal", 100, 10, &scene.group());
    let mut packets = Vec::new();
    for _ in 0..4 {
        packets.push(alice.give(&draft).await);
    }
    young.try_grab(&packets[0]).await.refused(403, "risk_denied", None);
    for packet in &packets[..3] {
        old.grab(packet).await;
        old.grab(packet).await;
    }
    old.try_grab(&packets[3]).await.refused(403, "risk_denied", None);
    let office = operator(&scene);
    assert_eq!(sightings(&stack, &office, &young).await, [pair("new_account", "deny")]);
    assert_eq!(sightings(&stack, &office, &old).await, [pair("daily_grabs", "deny")]);
    assert_eq!(sightings(&stack, &office, &alice).await, []);
}

#[tokio::test]
async fn a_refusal_of_who_is_blocked_is_on_record() {
    let stack = start("blocked", |_| {});
    let scene = Scene::on(&stack, "blocked");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let office = operator(&scene);
    let packet = alice.give(&Draft::new("equal", 100, 10, &scene.group())).await;
    put(&office, &format!("/v1/admin/blacklist/{}", bob.id), &json!({"reason": "a bot"})).await.granted(200);
    let blocked = || async { (bob.try_grab(&packet).await.code() == "blocked").then_some(()) };
    until("bob is blocked", blocked).await;
    for _ in 0..3 {
        let reply: Reply = bob.try_grab(&packet).await;
        reply.refused(403, "blocked", None);
    }
    assert_eq!(sightings(&stack, &office, &bob).await, [pair("blacklist", "deny")]);
}
