//! The people of a run: they wrap, send, grab, tap twice, open, forget to, come late and come back.

use std::cell::Cell;
use std::rc::Rc;

use hongbao_core::json::Whole;
use hongbao_core::packet::Recipient;
use hongbao_core::split::Kind;
use hongbao_core::token::Person;
use hongbao_core::wire::WrapRequest;
use hongbao_core::{Fen, GroupId, PacketId, UserId};

use crate::http::{Request, Response, ask};
use crate::site::Site;

/// The password of packets that have one.
pub(crate) const PASSWORD: &str = "恭喜发财";
/// How often somebody who really wants an answer asks.
const STUBBORN: u64 = 150;

/// The people of a run; they share a group.
#[must_use]
pub fn people(count: u64) -> Vec<Person> {
    let groups: Vec<GroupId> = GroupId::parse("g_all").into_iter().collect();
    let person = |number| {
        Some(Person {
            user: UserId::parse(&format!("us_{number}"))?,
            groups: groups.clone(),
            company: false,
            since: None,
        })
    };
    (0..count).filter_map(person).collect()
}

/// Starts the run's people; `unfinished` counts those who are still at it.
pub fn start(site: &Rc<Site>, unfinished: &Rc<Cell<u64>>, duration_ms: u64) {
    let random = &site.world.random;
    let large = random.below(25) == 0;
    let people = people(if large { random.between(15, 40) } else { random.between(2, 8) });
    let packets = if large { 1 } else { random.between(1, 5) };
    if random.below(2) == 0 {
        crate::hostile::start(site, unfinished);
    }
    if random.below(2) == 0 {
        crate::guesser::start(site, unfinished);
    }
    for number in 0..packets {
        let sender = random.pick(&people).clone();
        let wish = wish(site, &people, large);
        let begins_ms = if number == 0 { 0 } else { random.below(duration_ms * 2 / 3) };
        let story = Story { site: site.clone(), people: people.clone(), unfinished: unfinished.clone() };
        story.clone().begin(async move {
            story.site.world.sleep_ms(begins_ms).await;
            story.send(sender, wish, number).await;
        });
    }
}

/// What somebody wants to send.
fn wish(site: &Site, people: &[Person], large: bool) -> WrapRequest {
    let random = &site.world.random;
    let is_exclusive = !large && random.below(8) == 0;
    let count = if is_exclusive {
        1
    } else if large {
        random.between(10, 40)
    } else {
        random.between(1, people.len() as u64 + 1)
    };
    let total = count * random.between(1, 300) + random.below(50);
    let to = match is_exclusive {
        true => Recipient::User(random.pick(people).user.clone()),
        false => Recipient::parse("g_all").unwrap_or_else(|| unreachable!("a valid group")),
    };
    let start = site.app_now_ms() + i64::try_from(random.between(1_000, 15_000)).unwrap_or_default();
    let lifetime_s = if random.below(3) == 0 { random.between(1, 4) } else { random.between(5, 40) };
    WrapRequest {
        kind: if random.below(3) == 0 { Kind::Equal } else { Kind::Lucky },
        total_fen: Whole::new(i64::try_from(total).unwrap_or(1)).unwrap_or_else(|| unreachable!("a small total")),
        count: Whole::new(i64::try_from(count).unwrap_or(1)).unwrap_or_else(|| unreachable!("a small count")),
        to,
        greeting: None,
        cover: None,
        password: (random.below(5) == 0).then(|| PASSWORD.to_owned()),
        starts_at_ms: if random.below(5) == 0 { Whole::new(start) } else { None },
        expires_in_s: Whole::new(i64::try_from(lifetime_s).unwrap_or(1)),
    }
}

#[derive(Clone)]
struct Story {
    site: Rc<Site>,
    people: Vec<Person>,
    unfinished: Rc<Cell<u64>>,
}

impl Story {
    fn begin(self, work: impl Future<Output = ()> + 'static) {
        self.unfinished.set(self.unfinished.get() + 1);
        let site = self.site.clone();
        site.world.spawn(None, async move {
            work.await;
            self.unfinished.set(self.unfinished.get() - 1);
        });
    }

    /// Asks until the answer is definite, at most so often.
    async fn insist(&self, person: &Person, request: &Request, times: u64) -> Option<Response> {
        let random = &self.site.world.random;
        for _ in 0..times {
            let wait_ms = match ask(&self.site, person, request).await {
                Some(answer) if answer.status == 503 || answer.status == 429 => answer.retry_after_ms.unwrap_or(1000),
                Some(answer) if answer.status == 425 => answer.retry_after_ms.unwrap_or(1000).min(5_000),
                Some(answer) => return Some(answer),
                None => 100,
            };
            self.site.world.sleep_ms(wait_ms.unsigned_abs() / 2 + random.below(600)).await;
        }
        None
    }

    fn patience(&self) -> u64 {
        *self.site.world.random.pick(&[1, 3, 10, STUBBORN])
    }

    async fn send(&self, sender: Person, mut wish: WrapRequest, number: u64) {
        let (site, random) = (&self.site, &self.site.world.random);
        let total = wish.total_fen.get();
        // Some pay in too little for all they send.
        let amount =
            if random.below(6) == 0 { total / 2 + 1 } else { total + i64::try_from(random.below(100)).unwrap_or(0) };
        let amount = Fen::new(amount).unwrap_or(Fen::ZERO);
        self.insist(&sender, &Request::Deposit(format!("dp_{number}"), amount), STUBBORN).await;
        if let Some(start) = wish.starts_at_ms {
            wish.starts_at_ms = Whole::new(start.get().max(site.app_now_ms() + 1_000));
        }
        let Some(first) = self.quote(&sender, &wish).await else { return };
        // Who wraps twice can be able to pay for one only.
        let second = if random.below(4) == 0 { self.quote(&sender, &wish).await } else { None };
        for quote in [Some(first), second].into_iter().flatten() {
            if random.below(4) == 0 {
                let (story, sender, quote) = (self.clone(), sender.clone(), quote.clone());
                self.clone().begin(async move {
                    story.insist(&sender, &Request::Send(quote), 3).await;
                });
            }
            let story = (self.clone(), sender.clone());
            self.clone().begin(async move { story.0.send_quote(story.1, quote).await });
        }
    }

    async fn quote(&self, sender: &Person, wish: &WrapRequest) -> Option<String> {
        let answer = self.insist(sender, &Request::Wrap(wish.clone()), self.patience().max(10)).await?;
        Some(answer.body.get("quote")?.as_str()?.to_owned())
    }

    async fn send_quote(&self, sender: Person, quote: String) {
        let random = &self.site.world.random;
        let request = Request::Send(quote);
        let Some(answer) = self.insist(&sender, &request, self.patience().max(10)).await else { return };
        let packet = answer.body.get("packet_id").and_then(|id| id.as_str()).and_then(PacketId::parse);
        let Some(packet) = packet else { return };
        let ends_ms = answer.body.get("expires_at_ms").and_then(serde_json::Value::as_i64).unwrap_or_default();
        // By a clock that has jumped it may seem to be hours away.
        let lifetime_ms = (ends_ms - self.site.app_now_ms()).clamp(100, 60_000).unsigned_abs();
        for person in self.people.clone() {
            let story = self.clone();
            let comes_ms = match random.below(4) {
                0 => random.below(lifetime_ms + lifetime_ms / 3),
                _ => random.below(lifetime_ms.min(3_000)),
            };
            self.clone().begin(async move {
                story.site.world.sleep_ms(comes_ms).await;
                story.visit(person, packet, lifetime_ms).await;
            });
        }
        if random.below(3) == 0 {
            self.site.world.sleep_ms(random.below(lifetime_ms)).await;
            self.insist(&sender, &request, 3).await; // The same quote, sent again much later.
        }
    }

    async fn visit(&self, person: Person, packet: PacketId, lifetime_ms: u64) {
        let random = &self.site.world.random;
        if random.below(8) == 0 {
            self.insist(&person, &Request::View(packet), 2).await;
        }
        let wrong = if random.below(10) == 0 { Some("guess".to_owned()) } else { None };
        if wrong.is_some() {
            self.insist(&person, &Request::Grab(packet, wrong), 2).await;
        }
        let grab = Request::Grab(packet, Some(PASSWORD.to_owned()));
        if random.below(4) == 0 {
            self.twice(&person, &grab);
        }
        let Some(answer) = self.insist(&person, &grab, self.patience()).await else { return };
        let Some(voucher) = answer.body.get("voucher").and_then(|voucher| voucher.as_str()) else { return };
        if random.below(7) == 0 {
            return; // Grabbed and never opened.
        }
        let open = Request::Open(packet, voucher.to_owned());
        match random.below(5) {
            0 => self.site.world.sleep_ms(random.below(lifetime_ms * 3 / 2)).await,
            _ => self.site.world.sleep_ms(random.below(800)).await,
        }
        if random.below(3) == 0 {
            self.twice(&person, &open);
        }
        let answer = self.insist(&person, &open, self.patience()).await;
        if random.below(4) == 0 {
            self.site.world.sleep_ms(random.below(4_000)).await;
            self.insist(&person, &grab, 2).await;
            self.insist(&person, &open, 2).await;
        }
        if random.below(6) == 0 {
            self.insist(&person, &Request::View(packet), 2).await;
        }
        if answer.is_some_and(|answer| answer.status == 200) && random.below(2) == 0 {
            self.come_back(&person, &open).await;
        }
    }

    /// A second tap at the same time.
    fn twice(&self, person: &Person, request: &Request) {
        let (story, person, request) = (self.clone(), person.clone(), request.clone());
        self.clone().begin(async move {
            story.site.world.sleep_ms(story.site.world.random.below(30)).await;
            story.insist(&person, &request, 2).await;
        });
    }

    /// Once all trouble is over, an old voucher still gets a definite answer.
    async fn come_back(&self, person: &Person, open: &Request) {
        while self.site.faults.is_on() {
            self.site.world.sleep_ms(2_000).await;
        }
        if self.insist(person, open, STUBBORN).await.is_none() {
            let complaint = format!("{} never got an answer to {open:?}", person.user);
            self.site.complaints.borrow_mut().push(complaint);
        }
    }
}
