//! The flows of a wallet: a first login, a deposit, a quote.

use hongbao_tests::person::{PURSE_FEN, number};
use hongbao_tests::{Draft, Person};
use serde_json::{Value, json};

use crate::run::{Act, Flow};
use crate::world::{GROUP, World};

/// Some fields of an answer.
fn only(answer: &Value, fields: &[&str]) -> Value {
    fields.iter().map(|field| answer[field].clone()).collect()
}

/// A first login, with its gift.
pub(crate) struct Login;

impl Flow for Login {
    const COMPONENT: &str = "account";
    type Scene = Person;

    fn name(&self) -> &'static str {
        "login"
    }

    async fn prepare(&self, world: &World) -> (Act, Person) {
        let person = world.person("login");
        let body = json!({"user": person.id, "groups": [GROUP]});
        (Act::new(&person, "/v1/dev/login", body), person)
    }

    /// Each token has its own time.
    fn lasting(answer: &Value) -> Value {
        json!(answer["token"].is_string())
    }

    async fn check(&self, world: &World, person: Person, _: &Value) {
        assert_eq!(world.wallet(&person), PURSE_FEN);
    }
}

/// An operator's deposit, with its act in the audit.
pub(crate) struct Deposit;

impl Flow for Deposit {
    const COMPONENT: &str = "admin";
    type Scene = Person;

    fn name(&self) -> &'static str {
        "deposit"
    }

    async fn prepare(&self, world: &World) -> (Act, Person) {
        let person = world.person("deposit");
        let body = json!({"id": format!("d{}", world.fresh()), "user": person.id, "amount_fen": 777});
        (Act::new(&world.operator(), "/v1/admin/deposits", body), person)
    }

    async fn check(&self, world: &World, person: Person, answer: &Value) {
        assert_eq!((number(answer, "amount_fen"), world.wallet(&person)), (777, 777));
        let acts = format!("SELECT COUNT(*) FROM audit WHERE detail ->> 'user' = '{}'", person.id);
        assert_eq!(world.books.number(&acts), 1, "one act on record");
    }
}

/// A quote, which moves nothing.
pub(crate) struct Wrap;

impl Flow for Wrap {
    const COMPONENT: &str = "wrap";
    type Scene = Person;

    async fn prepare(&self, world: &World) -> (Act, Person) {
        let person = world.sender().await;
        let body = Draft::new("lucky", 1_000, 2, GROUP).body();
        (Act::new(&person, "/v1/wrap", body), person)
    }

    /// Each quote is for a packet of its own.
    fn lasting(answer: &Value) -> Value {
        only(answer, &["total_fen", "count", "balance_fen"])
    }

    async fn check(&self, world: &World, person: Person, answer: &Value) {
        assert_eq!((number(answer, "balance_fen"), world.wallet(&person)), (PURSE_FEN, PURSE_FEN));
    }
}
