//! The ladder: history and details are given up first, then new packets, last of all new shares. Open never is.

use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene, until};
use serde_json::{Value, json};

use crate::site::{operator, put};

/// What is still served.
#[derive(Debug, PartialEq, Eq)]
struct Served {
    history: bool,
    details: bool,
    wraps: bool,
    sends: bool,
    grabs: bool,
}

struct Town<'a> {
    scene: Scene<'a>,
    alice: Person,
    bob: Person,
    packet: String,
    office: Person,
}

impl Town<'_> {
    async fn served(&self) -> Served {
        let draft = Draft::new("equal", 20, 2, &self.scene.group());
        let is_on = |reply: Reply| {
            if reply.status == 503 {
                reply.clone().refused(503, "degraded", None);
            }
            reply.status < 400
        };
        let wrapped = self.alice.post("/v1/wrap", &draft.body()).await;
        let quote = wrapped.body["quote"].as_str().unwrap_or_default().to_owned();
        let sends = match quote.is_empty() {
            true => false,
            false => is_on(self.alice.post("/v1/send", &json!({"quote": quote})).await),
        };
        Served {
            history: is_on(self.bob.get("/v1/me/statement").await),
            details: is_on(self.bob.get(&format!("/v1/packets/{}", self.packet)).await),
            wraps: is_on(wrapped),
            sends,
            grabs: is_on(self.bob.try_grab(&self.packet).await),
        }
    }

    async fn comes_to_serve(&self, wanted: Served) {
        let asked = || async { (self.served().await == wanted).then_some(()) };
        until(&format!("{wanted:?}"), asked).await;
    }

    async fn set(&self, level: Value) -> Value {
        let mut body = json!({"level": level, "reason": "除夕"});
        if level.is_null() {
            body = json!({"reason": "除夕"}); // Left out, it follows the load again.
        }
        put(&self.office, "/v1/admin/ladder", &body).await.granted(200)
    }
}

async fn town<'a>(stack: &'a hongbao_stack::Stack, name: &'a str) -> Town<'a> {
    let scene = Scene::on(stack, name);
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("equal", 100, 10, &scene.group())).await;
    let office = operator(&scene);
    Town { scene, alice, bob, packet, office }
}

#[tokio::test]
async fn an_operator_climbs_the_ladder_and_open_is_never_shed() {
    let stack = start("ladder", |_| {});
    let town = town(&stack, "ladder").await;
    let (alice, bob) = (&town.alice, &town.bob);
    let draft = Draft::new("equal", 20, 2, &town.scene.group());
    let voucher = bob.grab(&town.packet).await;
    let quote = alice.wrap(&draft).await;
    let sent = alice.post("/v1/send", &json!({"quote": quote})).await.granted(201);

    let at = |level: i64| Served {
        history: level < 1,
        details: level < 1,
        wraps: level < 2,
        sends: level < 2,
        grabs: level < 3,
    };
    for level in [1, 2, 3] {
        assert_eq!(town.set(json!(level)).await, json!({"level": level, "set": level, "by_load": 0}));
        town.comes_to_serve(at(level)).await;
        bob.get("/v1/me").await.granted(200);
        // What was sent answers the same, whatever is given up.
        assert_eq!(alice.post("/v1/send", &json!({"quote": quote})).await.granted(200), sent);
    }
    bob.try_open(&town.packet, &voucher).await.granted(200);
    bob.try_open(&town.packet, &voucher).await.granted(200);
    assert_eq!(town.set(Value::Null).await, json!({"level": 0, "set": null, "by_load": 0}));
    town.comes_to_serve(at(0)).await;
    put(&town.office, "/v1/admin/ladder", &json!({"level": 4})).await.refused(400, "invalid_request", Some("level"));
}

#[tokio::test]
async fn a_journal_that_fills_up_gives_up_history_by_itself_and_takes_it_back() {
    let stack = start("by-load", |options| options.sweep_every = None);
    let town = town(&stack, "by-load").await;
    let mut redis = redis::Client::open(stack.redis[0].url()).expect("an address").get_connection().expect("Redis");
    let epoch: i64 = redis::cmd("GET").arg("hb:{0}:epoch").query(&mut redis).expect("an epoch");
    let mut entries = redis::pipe();
    for _ in 0..50_000 {
        let entry = format!("load {} {epoch}", town.packet);
        entries.cmd("XADD").arg("hb:{0}:events").arg("*").arg("e").arg(entry).ignore();
    }
    let () = entries.query(&mut redis).expect("entries");
    let full = town.office.get("/v1/admin/ladder").await.granted(200);
    assert_eq!(full, json!({"level": 1, "set": null, "by_load": 1}));
    // A sweep tells everybody what it found before it settles; what it left is for the next to tell.
    stack.sweep().expect("a sweep");
    let all = |history| Served { history, details: history, wraps: true, sends: true, grabs: true };
    town.comes_to_serve(all(false)).await;
    let settled = || async {
        stack.sweep().expect("a sweep");
        (town.office.get("/v1/admin/ladder").await.granted(200)["level"] == 0).then_some(())
    };
    until("the journal is settled", settled).await;
    stack.sweep().expect("a sweep"); // It finds little that waits, and tells everybody.
    town.comes_to_serve(all(true)).await;
}
