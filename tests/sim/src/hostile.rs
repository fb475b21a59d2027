//! The hostile client: keeps vouchers across rebuilds, opens old and new ones in turn and in two tabs at once, shows
//! other people's, shows them for other packets, replays, guesses. It reads everybody's answers.
//!
//! Nobody else may notice: a shard that has lost nothing is never fenced (`link.rs` looks), and the checker's rules
//! hold for everybody.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use hongbao_core::token::Person;
use hongbao_core::{GroupId, PacketId, UserId};

use crate::checker::{Call, Line};
use crate::http::{Request, ask};
use crate::people::PASSWORD;
use crate::site::Site;

/// How long it goes on when all faults are over, in milliseconds.
const ON_AFTER_MS: i64 = 5_000;

/// Starts the hostile client; `unfinished` counts it while it is at it.
pub fn start(site: &Rc<Site>, unfinished: &Rc<Cell<u64>>) {
    let Some(user) = UserId::parse("us_mallory") else { return };
    let groups = GroupId::parse("g_all").into_iter().collect();
    let hostile = Hostile { site: site.clone(), person: Person { user, groups, company: false, since: None } };
    unfinished.set(unfinished.get() + 1);
    let unfinished = unfinished.clone();
    site.world.spawn(None, async move {
        hostile.go_on().await;
        unfinished.set(unfinished.get() - 1);
    });
}

struct Hostile {
    site: Rc<Site>,
    person: Person,
}

/// A voucher that somebody was given: for which packet, and to whom.
struct Loot {
    packet: PacketId,
    is_mine: bool,
    voucher: String,
}

impl Hostile {
    async fn go_on(&self) {
        let random = &self.site.world.random;
        let mut until_ms = i64::MAX;
        while self.site.world.now_ms() < until_ms {
            if !self.site.faults.is_on() {
                until_ms = until_ms.min(self.site.world.now_ms().saturating_add(ON_AFTER_MS));
            }
            self.site.world.sleep_ms(random.between(20, 800)).await;
            for packet in self.packets() {
                if random.below(3) > 0 {
                    self.act(packet, &self.loot()).await;
                }
            }
        }
    }

    async fn act(&self, packet: PacketId, loot: &[Loot]) {
        let random = &self.site.world.random;
        let of = |wanted: &dyn Fn(&&Loot) -> bool| loot.iter().filter(wanted).collect::<Vec<_>>();
        let mine = of(&|loot| loot.is_mine && loot.packet == packet);
        if mine.len() > 1 && random.below(2) == 0 {
            // What was kept from before a rebuild first, then what was grabbed since: in turn, or in two tabs.
            for loot in &mine {
                let tab = self.open(packet, loot.voucher.clone());
                if random.below(4) == 0 {
                    self.site.world.spawn(None, tab);
                } else {
                    tab.await;
                }
            }
            return;
        }
        let any = |from: &[&Loot]| (!from.is_empty()).then(|| random.pick(from).voucher.clone());
        let voucher = match random.below(20) {
            0 => any(&mine),
            1 => any(&of(&|loot| !loot.is_mine && loot.packet == packet)),
            2 => any(&of(&|loot| loot.packet != packet)),
            3 => any(&of(&|_| true)).map(|voucher| spoil(&voucher, random.index(voucher.len()))),
            _ => None,
        };
        match voucher {
            Some(voucher) => self.open(packet, voucher).await,
            None => drop(ask(&self.site, &self.person, &Request::Grab(packet, Some(PASSWORD.to_owned()))).await),
        }
    }

    fn open(&self, packet: PacketId, voucher: String) -> impl Future<Output = ()> + use<> {
        let (site, person) = (self.site.clone(), self.person.clone());
        async move { drop(ask(&site, &person, &Request::Open(packet, voucher)).await) }
    }

    fn calls<T>(&self, op: &str, read: impl Fn(&Call) -> Option<T>) -> Vec<T> {
        let history = self.site.history.borrow();
        let calls = history.iter().filter_map(|line| if let Line::Call(call) = line { Some(call) } else { None });
        calls.filter(|call| call.op == op && call.is_ok()).filter_map(read).collect()
    }

    /// The packets that were sent.
    fn packets(&self) -> Vec<PacketId> {
        self.calls("send", |call| PacketId::parse(call.body.get("packet_id")?.as_str()?))
    }

    /// The vouchers that were given, each once, the oldest first.
    fn loot(&self) -> Vec<Loot> {
        let me = self.person.user.as_str();
        let loot = self.calls("grab", |call| {
            let (packet, voucher) = (PacketId::parse(call.packet.as_deref()?)?, call.body.get("voucher")?.as_str()?);
            Some(Loot { packet, is_mine: call.user == me, voucher: voucher.to_owned() })
        });
        let mut seen = BTreeSet::new();
        loot.into_iter().filter(|loot| seen.insert(loot.voucher.clone())).collect()
    }
}

/// The voucher with another letter in this place.
fn spoil(voucher: &str, place: usize) -> String {
    voucher.chars().enumerate().map(|(at, letter)| if at == place { next(letter) } else { letter }).collect()
}

fn next(letter: char) -> char {
    if letter == 'z' { 'A' } else { char::from_u32(u32::from(letter) + 1).unwrap_or('A') }
}
