//! The flows of the timer: settling, completing what was half sent, refunding, and rebuilding a lost shard.

use hongbao_host::{Moment, Verdict};
use hongbao_tests::Person;
use hongbao_tests::person::{PURSE_FEN, number};
use serde_json::{Value, json};

use crate::race::{TOTAL_FEN, draft, take_all};
use crate::run::{Act, Flow};
use crate::switch::Blow;
use crate::world::World;

fn sweep(world: &World) -> Act {
    Act::new(&world.operator(), "/internal/sweep", json!({}))
}

/// Of a sweep's answer, what must be so however often it sweeps: nothing is left for the next.
fn nothing_left(answer: &Value) -> Value {
    json!({"left": answer["left"]})
}

/// A packet of which somebody has opened a share.
pub(crate) struct Opened {
    alice: Person,
    bob: Person,
    packet: String,
    bobs_fen: i64,
}

/// Shares that no doorbell announced.
pub(crate) struct Settle;

impl Flow for Settle {
    const COMPONENT: &str = "sweep";
    const IS_TIMER: bool = true;
    type Scene = Opened;

    fn name(&self) -> &'static str {
        "sweep: settle"
    }

    async fn prepare(&self, world: &World) -> (Act, Opened) {
        let (alice, bob) = (world.sender().await, world.person("bob"));
        let packet = alice.give(&draft(2)).await;
        let bobs_fen = bob.take(&packet).await;
        assert_eq!(world.wallet(&bob), 0, "nobody has settled it yet");
        (sweep(world), Opened { alice, bob, packet, bobs_fen })
    }

    fn lasting(answer: &Value) -> Value {
        nothing_left(answer)
    }

    async fn check(&self, world: &World, scene: Opened, answer: &Value) {
        let Opened { alice, bob, packet, bobs_fen } = scene;
        assert_eq!((number(answer, "left"), world.wallet(&bob)), (0, bobs_fen), "{answer}");
        take_all(world, &alice, &packet, &[&bob, &world.person("carol")]).await;
    }
}

/// A packet whose sender's request died between the ledger and the race, and who never asked again.
pub(crate) struct Load;

impl Flow for Load {
    const COMPONENT: &str = "sweep";
    const IS_TIMER: bool = true;
    type Scene = (Person, String);

    fn name(&self) -> &'static str {
        "sweep: load"
    }

    async fn prepare(&self, world: &World) -> (Act, Self::Scene) {
        // An undisturbed send's last call loads the packet: the next one dies right before it.
        let dan = world.sender().await;
        let quote = dan.wrap(&draft(2)).await;
        world.switch.set("send", None);
        let whole = world.send(&dan, &quote).await;
        let call = world.switch.off().calls;
        take_all(world, &dan, &whole, &world.people::<2>().each_ref()).await;

        let alice = world.sender().await;
        let quote = alice.wrap(&draft(2)).await;
        world.switch.set("send", Some(Blow { call, moment: Moment::Before, verdict: Verdict::Trap }));
        let died = world.ask(&alice, "/v1/send", &json!({"quote": quote})).await.expect("an answer");
        assert!(world.switch.off().has_struck && died.status.as_u16() == 500, "{}", died.text());
        assert_eq!(world.wallet(&alice), PURSE_FEN - TOTAL_FEN, "it is paid for");
        let packet = world.packet_of(&alice);
        assert_eq!(world.redis::<i64>("EXISTS", &[&format!("hb:{{0}}:p:{packet}")]), 0, "and not in the race");
        world.set_clock(5_000);
        (sweep(world), (alice, packet))
    }

    fn lasting(answer: &Value) -> Value {
        nothing_left(answer)
    }

    async fn check(&self, world: &World, (alice, packet): Self::Scene, answer: &Value) {
        assert_eq!(number(answer, "left"), 0, "{answer}");
        assert_eq!(world.redis::<i64>("EXISTS", &[&format!("hb:{{0}}:p:{packet}")]), 1, "it is in the race");
        take_all(world, &alice, &packet, &world.people::<2>().each_ref()).await;
    }
}

/// A packet whose time is over, with one share opened and one asleep: the rest goes back, once.
pub(crate) struct Refund;

impl Flow for Refund {
    const COMPONENT: &str = "sweep";
    const IS_TIMER: bool = true;
    type Scene = Opened;

    fn name(&self) -> &'static str {
        "sweep: refund"
    }

    async fn prepare(&self, world: &World) -> (Act, Opened) {
        let (alice, [bob, carol]) = (world.sender().await, world.people());
        let packet = alice.give(&draft(3).for_seconds(60)).await;
        let bobs_fen = bob.take(&packet).await;
        carol.grab(&packet).await;
        // Its time is over by both clocks: Redis' own, which cannot be set, and the application's.
        world.redis::<i64>("HSET", &[&format!("hb:{{0}}:p:{packet}"), "x", "1"]);
        world.set_clock(61_000);
        (sweep(world), Opened { alice, bob, packet, bobs_fen })
    }

    fn lasting(answer: &Value) -> Value {
        nothing_left(answer)
    }

    async fn check(&self, world: &World, scene: Opened, answer: &Value) {
        let Opened { alice, bob, packet, bobs_fen } = scene;
        assert_eq!(number(answer, "left"), 0, "{answer}");
        for _ in 0..2 {
            assert_eq!((world.wallet(&bob), world.wallet(&alice)), (bobs_fen, PURSE_FEN - bobs_fen), "of {packet}");
            assert_eq!(world.holds(&format!("packet:{packet}")), 0);
            world.sweep().await;
        }
        let back = format!(
            "SELECT COUNT(*) FROM postings WHERE id = 'refund:{packet}' AND amount_fen = {}",
            TOTAL_FEN - bobs_fen
        );
        assert_eq!(world.books.number(&back), 1);
        let seen = alice.see(&packet).await;
        assert_eq!((&seen["state"], number(&seen, "refunded_fen")), (&json!("expired"), TOTAL_FEN - bobs_fen));
    }
}

/// A shard that lost everything, with a share settled and another grabbed.
pub(crate) struct Rebuild;

/// Who is in the lost packet.
pub(crate) struct Lost {
    opened: Opened,
    carol: Person,
    carols_voucher: String,
}

impl Flow for Rebuild {
    const COMPONENT: &str = "sweep";
    const IS_TIMER: bool = true;
    type Scene = Lost;

    fn name(&self) -> &'static str {
        "sweep: rebuild"
    }

    async fn prepare(&self, world: &World) -> (Act, Lost) {
        let (alice, [bob, carol]) = (world.sender().await, world.people());
        let packet = alice.give(&draft(3)).await;
        let bobs_fen = bob.take(&packet).await;
        world.sweep().await;
        let carols_voucher = carol.grab(&packet).await;
        world.redis::<redis::Value>("FLUSHALL", &[]);
        (sweep(world), Lost { opened: Opened { alice, bob, packet, bobs_fen }, carol, carols_voucher })
    }

    fn lasting(answer: &Value) -> Value {
        nothing_left(answer)
    }

    async fn check(&self, world: &World, scene: Lost, answer: &Value) {
        let Lost { opened: Opened { alice, bob, packet, bobs_fen }, carol, carols_voucher } = scene;
        assert_eq!((number(answer, "left"), world.wallet(&bob)), (0, bobs_fen), "{answer}");
        // A voucher is a receipt: its share is still hers, and what was opened is still opened.
        let carols = carol.try_open(&packet, &carols_voucher).await.granted(200);
        assert_eq!((carols["seq"].as_i64(), bob.take(&packet).await), (Some(1), bobs_fen));
        take_all(world, &alice, &packet, &[&bob, &carol, &world.person("dan")]).await;
    }
}
