//! The operators' remedies: retry, compensate and dismiss, each of one exception.

use hongbao_tests::person::text;
use hongbao_tests::{Draft, Person};
use serde_json::{Value, json};

use crate::run::{Act, Flow};
use crate::world::{GROUP, World};

/// What is in each of a packet's two shares.
const SHARE_FEN: i64 = 500;

/// An act on an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Of a share that was opened and could not be settled.
    Retry,
    /// Of a share that somebody else was paid.
    Compensate,
    /// The same, owed to nobody.
    Dismiss,
}

impl Flow for Remedy {
    const COMPONENT: &str = "admin";
    const IS_TIMER: bool = false;
    /// Whom the exception concerns, and its id.
    type Scene = (Person, String);

    fn name(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Compensate => "compensate",
            Self::Dismiss => "dismiss",
        }
    }

    async fn prepare(&self, world: &World) -> (Act, Self::Scene) {
        let (alice, bob, eve) = (world.sender().await, world.person("bob"), world.person("eve"));
        let packet = alice.give(&Draft::new("equal", 2 * SHARE_FEN, 2, GROUP)).await;
        let entry = if *self == Self::Retry {
            eve.take(&packet).await;
            world.refuse_newest()
        } else {
            bob.take(&packet).await;
            world.settle().await;
            world.forge(&format!("open {packet} 1 0 {} 1700000000000", eve.id))
        };
        world.settle().await;
        world.refuse_no_more();
        let id = format!("ex_0:{entry}");
        let act = Act::new(
            &world.operator(),
            format!("/v1/admin/exceptions/{id}/{}", self.name()),
            json!({"reason": "the matrix"}),
        );
        (act, (eve, id))
    }

    async fn check(&self, world: &World, (eve, id): Self::Scene, answer: &Value) {
        assert_eq!((text(answer, "id"), text(answer, "state")), (id.clone(), "resolved".to_owned()), "{answer}");
        assert_eq!(world.wallet(&eve), if *self == Self::Dismiss { 0 } else { SHARE_FEN });
        let acts = world.books.number(&format!("SELECT COUNT(*) FROM audit WHERE subject = '{id}'"));
        assert_eq!(acts, 1, "one act, one row of the audit");
    }
}
