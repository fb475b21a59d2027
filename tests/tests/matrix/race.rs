//! The flows of a packet: sent, grabbed, opened; on a shard, and under the ledger's own authority.

use hongbao_tests::person::{PURSE_FEN, number, text};
use hongbao_tests::{Draft, Person};
use serde_json::{Value, json};

use crate::run::{Act, Flow};
use crate::world::{GROUP, World};

/// What is in every packet here.
pub(crate) const TOTAL_FEN: i64 = 1_000;

/// A lucky packet of so many shares.
pub(crate) fn draft(count: usize) -> Draft {
    Draft::new("lucky", TOTAL_FEN, count, GROUP)
}

/// Who decides about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Shard,
    Ledger,
}

impl Home {
    /// A packet of two shares that lives here, and its sender.
    pub(crate) async fn packet(self, world: &World) -> (Person, String) {
        let alice = world.sender().await;
        let quote = alice.wrap(&draft(2)).await;
        if self == Self::Ledger {
            world.switch.cut_off("send");
        }
        let packet = world.send(&alice, &quote).await;
        world.switch.off();
        assert_eq!(shard_of(world, &packet), if self == Self::Ledger { -1 } else { 0 });
        (alice, packet)
    }
}

/// Where the ledger has written that a packet lives.
fn shard_of(world: &World, packet: &str) -> i64 {
    world.books.number(&format!("SELECT shard FROM packets WHERE id = '{packet}'"))
}

/// Takes what is left of a packet and settles it: each share is paid once, as it was answered, and nothing else
/// moved. Who has a share already is answered the same again.
pub(crate) async fn take_all(world: &World, alice: &Person, packet: &str, takers: &[&Person]) {
    let mut opened = Vec::new();
    for taker in takers {
        opened.push((taker, taker.take(packet).await));
    }
    assert_eq!(opened.iter().map(|(_, fen)| fen).sum::<i64>(), TOTAL_FEN, "the shares of {packet}");
    for round in 1..=2 {
        world.settle().await;
        for (taker, fen) in &opened {
            assert_eq!(world.wallet(taker), *fen, "the wallet of {} after sweep {round}", taker.id);
        }
        assert_eq!(world.holds(&format!("packet:{packet}")), 0, "what is left of {packet}");
        assert_eq!(world.wallet(alice), PURSE_FEN - TOTAL_FEN);
    }
    let paid = format!("SELECT COUNT(*) FROM postings WHERE id LIKE 'open:{packet}:%'");
    assert_eq!(world.books.number(&paid), i64::try_from(takers.len()).expect("a few"));
    assert_eq!(alice.see(packet).await["state"], "finished");
}

/// A packet on its way from the wallet to the race.
pub(crate) struct Send;

impl Flow for Send {
    const COMPONENT: &str = "send";
    type Scene = Person;

    async fn prepare(&self, world: &World) -> (Act, Person) {
        let alice = world.sender().await;
        let quote = alice.wrap(&draft(2)).await;
        (Act::new(&alice, "/v1/send", json!({"quote": quote})), alice)
    }

    async fn check(&self, world: &World, alice: Person, answer: &Value) {
        let packet = text(answer, "packet_id");
        assert_eq!(world.wallet(&alice), PURSE_FEN - TOTAL_FEN);
        assert_eq!(world.holds(&format!("packet:{packet}")), TOTAL_FEN);
        let [bob, carol] = world.people();
        take_all(world, &alice, &packet, &[&bob, &carol]).await;
    }
}

/// Somebody and a packet.
pub(crate) struct Party {
    alice: Person,
    bob: Person,
    packet: String,
}

/// The next share of a packet, bound to somebody.
pub(crate) struct Grab(pub(crate) Home);

impl Flow for Grab {
    const COMPONENT: &str = "grab";
    type Scene = Party;

    fn name(&self) -> &'static str {
        if self.0 == Home::Ledger { "grab in the ledger" } else { Self::COMPONENT }
    }

    async fn prepare(&self, world: &World) -> (Act, Party) {
        let (alice, packet) = self.0.packet(world).await;
        let bob = world.person("bob");
        let act = Act::new(&bob, format!("/v1/packets/{packet}/grab"), json!({}));
        (act, Party { alice, bob, packet })
    }

    async fn check(&self, world: &World, party: Party, answer: &Value) {
        let Party { alice, bob, packet } = party;
        let carol = world.person("carol");
        let carols = carol.try_grab(&packet).await.granted(200);
        // A shard deals from the bottom, the ledger from the top.
        assert_eq!(number(answer, "seq") + number(&carols, "seq"), 1, "no share was lost to the crash");
        assert_eq!(world.wallet(&bob), 0);
        world.person("dan").try_grab(&packet).await.refused(409, "sold_out", None);
        take_all(world, &alice, &packet, &[&bob, &carol]).await;
    }
}

/// A share, opened and on its way to a wallet.
pub(crate) struct Open(pub(crate) Home);

impl Flow for Open {
    const COMPONENT: &str = "open";
    type Scene = Party;

    fn name(&self) -> &'static str {
        if self.0 == Home::Ledger { "open in the ledger" } else { Self::COMPONENT }
    }

    async fn prepare(&self, world: &World) -> (Act, Party) {
        let (alice, packet) = self.0.packet(world).await;
        let bob = world.person("bob");
        let voucher = bob.grab(&packet).await;
        let act = Act::new(&bob, format!("/v1/packets/{packet}/open"), json!({"voucher": voucher}));
        (act, Party { alice, bob, packet })
    }

    async fn check(&self, world: &World, party: Party, answer: &Value) {
        let Party { alice, bob, packet } = party;
        world.sweep().await;
        assert_eq!(world.wallet(&bob), number(answer, "amount_fen"));
        take_all(world, &alice, &packet, &[&bob, &world.person("carol")]).await;
    }
}
