//! Keys change while what they signed is out: the first signs, all verify, and the ledger's own stays one of them.

use hongbao_client::Method;
use hongbao_stack::Stack;
use hongbao_tests::person::text;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Reply, Scene};
use serde_json::{Value, json};

/// The same stack again, with these signing keys.
fn with_keys(keys: &str) -> Stack {
    start("keys", |options| options.variables = vec![("signing_key".to_owned(), keys.to_owned())])
}

/// A packet with a password, a voucher that is not opened and a quote that is not sent.
struct Out {
    packet: String,
    grabbed: (String, String),
    quote: String,
}

impl Out {
    async fn make(scene: &Scene<'_>, alice: &Person, bob: &Person) -> Self {
        let draft = Draft::new("equal", 20, 20, &scene.group());
        let packet = alice.give(&draft.clone().with("password", "芝麻开门")).await;
        let other = alice.give(&draft).await;
        let voucher = bob.grab(&other).await;
        Self { packet, grabbed: (other, voucher), quote: alice.wrap(&draft).await }
    }

    /// What guess, open and send answer.
    async fn asked(&self, scene: &Scene<'_>, guest: &str) -> [Reply; 3] {
        let [alice, bob, guest] = scene.people(["alice", "bob", guest]).await;
        [
            guest.post(&format!("/v1/packets/{}/grab", self.packet), &json!({"password": "芝麻开门"})).await,
            bob.try_open(&self.grabbed.0, &self.grabbed.1).await,
            alice.post("/v1/send", &json!({"quote": self.quote})).await,
        ]
    }

    async fn is_good(&self, scene: &Scene<'_>, guest: &str) {
        let [guess, open, send] = self.asked(scene, guest).await;
        guess.granted(200);
        open.granted(200);
        assert!(matches!(send.status, 200 | 201), "{send}");
    }

    async fn is_bad(&self, scene: &Scene<'_>, guest: &str) {
        let [guess, open, send] = self.asked(scene, guest).await;
        guess.refused(403, "wrong_password", None);
        open.refused(400, "invalid_voucher", None);
        send.refused(400, "invalid_quote", None);
    }
}

async fn key_uses(scene: &Scene<'_>) -> Vec<Value> {
    scene.stack.sweep().expect("a sweep");
    let office = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
    let answer = office.call(Method::GET, "/v1/admin/keys").send().await;
    Reply::checked("keys", answer).granted(200)["keys"].as_array().expect("keys").clone()
}

#[tokio::test]
async fn keys_change_while_what_they_signed_is_out() {
    let (first, second) = (format!("2027:{}", "a1".repeat(32)), "b2".repeat(32));
    // Nothing is configured: the ledger makes a key for itself.
    let stack = with_keys("");
    let scene = Scene::on(&stack, "keys");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let own = Out::make(&scene, &alice, &bob).await;
    let own_id = own.quote.split_once('.').expect("a quote names its key").0.to_owned();
    assert_eq!(key_uses(&scene).await[0]["id"], own_id);
    stack.stop().expect("it stops");

    // An operator configures one: what the ledger's signed stays good, and new things are of the new key.
    let stack = with_keys(&first);
    let scene = Scene::on(&stack, "keys");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    own.is_good(&scene, "carol").await;
    let old = Out::make(&scene, &alice, &bob).await;
    for text in [&old.quote, &old.grabbed.1] {
        assert!(text.starts_with("2027."), "{text}");
    }
    stack.stop().expect("it stops");

    // Another one signs, and the first verifies.
    let stack = with_keys(&format!("{second},{first}"));
    let scene = Scene::on(&stack, "keys");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    old.is_good(&scene, "carol").await;
    own.is_good(&scene, "dora").await;
    let new = Out::make(&scene, &alice, &bob).await;
    assert!(!new.quote.starts_with("2027."), "{}", new.quote);
    let uses = key_uses(&scene).await;
    let of = |id: &str| uses.iter().find(|key| key["id"] == id).unwrap_or_else(|| panic!("no {id}: {uses:?}"));
    assert_eq!((&of("2027")["in_force"], &of("2027")["signs"]), (&json!(true), &json!(false)));
    assert_eq!((&of(&own_id)["in_force"], &of(&own_id)["can_be_dropped"]), (&json!(false), &json!(false)));
    assert_eq!(uses.iter().filter(|key| key["signs"] == true).count(), 1, "{uses:?}");
    stack.stop().expect("it stops");

    // The one that signs gets a name and the other loses its own: they are the same keys, and nobody is told otherwise.
    let (named, bare) = (format!("2028:{second}"), first.replacen("2027:", "", 1));
    let stack = with_keys(&format!("{named},{bare}"));
    let scene = Scene::on(&stack, "keys");
    old.is_good(&scene, "erik").await;
    new.is_good(&scene, "erik").await;
    let uses = key_uses(&scene).await;
    assert_eq!(uses.iter().filter(|key| key["in_force"] == true).count(), 2, "{uses:?}");
    assert_eq!(uses.len(), 3, "the ledger's own is the third: {uses:?}");
    assert!(uses.iter().all(|key| key["can_be_dropped"] == false && key["id"] != "2027"), "{uses:?}");
    let signs: Vec<_> = uses.iter().filter(|key| key["signs"] == true).map(|key| &key["id"]).collect();
    assert_eq!(signs, ["2028"]);
    stack.stop().expect("it stops");

    // The first is dropped too soon: what it signed is invalid, and nothing breaks.
    let stack = with_keys(&second);
    let scene = Scene::on(&stack, "keys");
    old.is_bad(&scene, "emil").await;
    new.is_good(&scene, "emil").await;
    own.is_good(&scene, "emil").await;
    let reply = scene.person("bob").await.try_open(&new.grabbed.0, &format!("nokey.{}", &new.grabbed.1)).await;
    reply.refused(400, "invalid_voucher", None);
    assert_eq!(text(&scene.person("alice").await.see(&new.packet).await, "state"), "open");
}
