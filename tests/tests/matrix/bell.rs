//! The settlement that the doorbell starts: nobody waits for its answer, so each blow is waited for.

use hongbao_host::{Moment, Verdict};
use hongbao_tests::{Person, until};

use crate::race::{draft, take_all};
use crate::run::{MOMENTS, Row};
use crate::switch::Blow;
use crate::world::World;

/// How often nothing more must be heard of a settlement that is to have ended.
const QUIET: u32 = 4;

/// Strikes the settlement at every call until one that it does not come to any more.
pub(crate) async fn matrix(world: &World, verdict: Verdict) -> Row {
    let host = world.start_transfer().await;
    until("it hears the bell", || async { ring(world).then_some(()) }).await;
    let (mut calls, mut crashes) = (0, 0);
    'calls: for call in 1.. {
        for moment in MOMENTS {
            let (alice, bob, packet, fen) = opened(world, Blow { call, moment, verdict }).await;
            let has_struck = ended(world).await;
            world.switch.off();
            if has_struck {
                crashes += 1;
                recover(world, moment).await;
            }
            until("it is settled", || async { world.is_settled().then_some(()) }).await;
            assert_eq!(world.wallet(&bob), fen, "call {call}, {moment:?}");
            take_all(world, &alice, &packet, &[&bob, &world.person("carol")]).await;
            world.books.check();
            if !has_struck {
                break 'calls;
            }
        }
        calls = call;
    }
    host.shutdown().await.expect("nothing is in flight");
    world.check_books().await;
    Row { flow: "transfer", calls, crashes }
}

/// Rings; whether anybody listens.
fn ring(world: &World) -> bool {
    world.redis::<i64>("PUBLISH", &["hb:{0}:bell", "test"]) > 0
}

/// Opens a share, which rings the bell, with the settlement about to be struck.
async fn opened(world: &World, blow: Blow) -> (Person, Person, String, i64) {
    let (alice, bob) = (world.sender().await, world.person("bob"));
    let packet = alice.give(&draft(2)).await;
    let voucher = bob.grab(&packet).await;
    world.redis::<i64>("DEL", &["hb:{0}:bell"]); // Whoever died before it silenced the bell left it ringing.
    world.switch.set("transfer", Some(blow));
    let opened = bob.try_open(&packet, &voucher).await.granted(200);
    let fen = hongbao_tests::person::number(&opened, "amount_fen");
    (alice, bob, packet, fen)
}

/// Waits until the settlement is struck or has done its work to the end; whether it was struck.
async fn ended(world: &World) -> bool {
    let quiet = std::cell::Cell::new((0, 0));
    let probe = || async {
        let seen = world.switch.seen();
        if seen.has_struck {
            return Some(true);
        }
        let (calls, rounds) = quiet.get();
        let is_quiet = calls == seen.calls && world.is_settled();
        quiet.set((seen.calls, if is_quiet { rounds + 1 } else { 0 }));
        (rounds >= QUIET).then_some(false)
    };
    until("the settlement is struck or ends", probe).await
}

/// Everybody's patience is over: the next bell finds what was left, or else the timer does.
async fn recover(world: &World, moment: Moment) {
    world.time_passes();
    world.set_clock(0);
    if moment == Moment::Before {
        assert!(ring(world), "the settlement listens on");
    } else {
        world.sweep().await;
    }
}
