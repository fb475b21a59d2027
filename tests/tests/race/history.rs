//! Random histories of a shard, and what the model makes of them.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use hongbao_core::event::Event;
use hongbao_core::packet::{Facts, Recipient};
use hongbao_core::race::{Claim, Race};
use hongbao_core::split::Kind;
use hongbao_core::{Error, Fen, GroupId, PacketId, UserId};

/// When every history begins, Unix milliseconds.
const BEGIN_MS: i64 = 1_800_000_000_000;
/// How many packets a history is about.
const PACKETS: usize = 2;
/// How many users take part at most.
const USERS: usize = 6;

/// One step of a history.
#[derive(Debug, Clone)]
pub enum Step {
    /// A script is called for the packet of this number, by somebody who believes in this epoch.
    Call(Call, usize, u32),
    /// The clock shows another time.
    Clock(i64),
    /// The shard belongs to another epoch, or to none.
    Epoch(Option<u32>),
    /// This is on record as the process under which the epoch began.
    Origin(Origin),
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The one that runs.
    Here,
    /// One that has ended.
    Elsewhere,
    /// None is on record.
    Unknown,
}

/// What is called.
#[derive(Debug, Clone)]
pub enum Call {
    /// `load.lua`.
    Load,
    /// `grab.lua` for a user.
    Grab(UserId),
    /// `open.lua` for a user who presents a voucher of this share and epoch.
    Open(UserId, u32, u32),
    /// `close.lua`.
    Close,
    /// `fence.lua`, by somebody who found this epoch.
    Fence(Option<u32>),
    /// `rebuild.lua` with the opened shares that the ledger has settled; whether it has the packet confirmed.
    Rebuild(BTreeMap<UserId, Claim>, bool),
}

/// What a call answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done: a packet is loaded, a fence is up.
    Done,
    /// So many packets were put back.
    PutBack(u32),
    /// The packet was loaded before.
    LoadedBefore,
    /// The user has this share, of a packet of this epoch.
    Grabbed(u32, u32),
    /// The share was opened first at this time.
    OpenedAt(i64),
    /// The packet is closed now, with so many shares opened.
    Closed(u32),
    /// It was already.
    ClosedBefore(u32),
    /// The packet starts in so many milliseconds.
    NotStarted(i64),
    /// The packet ends in so many milliseconds.
    NotOver(i64),
    /// Every share is grabbed.
    SoldOut,
    /// The packet's time is over.
    Expired,
    /// The share is not this user's.
    NotGrabbed,
    /// The share is somebody else's by now.
    Contested,
    /// The packet is not in the race under this epoch.
    Missing,
    /// The caller believes in another epoch than the shard's.
    Fenced,
    /// The shard has forgotten what the voucher says, and fenced itself.
    Lost,
    /// The shard's epoch is not the one that was found.
    Changed,
}

/// A packet's whole state at the end of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The epoch it was loaded under.
    pub epoch: u32,
    /// How many shares are grabbed.
    pub grabbed: u32,
    /// How many shares are opened.
    pub opened: u32,
    /// Whether it is closed.
    pub is_closed: bool,
    /// Who has which share.
    pub claims: BTreeMap<UserId, Claim>,
    /// A rebuilt packet's taken shares.
    pub taken: Option<BTreeSet<u32>>,
    /// Who came with a receipt for a taken share.
    pub contests: BTreeSet<UserId>,
}

/// All that can be seen of a history: every answer, every packet's state at its end, and the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// What every call answered, in order.
    pub answers: Vec<Answer>,
    /// The packets at the end; a packet that was never loaded has no state.
    pub packets: Vec<Option<State>>,
    /// The journal's entries, in order.
    pub journal: Vec<Event>,
}

impl Record {
    /// The record without its times: waits are only known to be positive.
    pub fn without_times(mut self) -> Self {
        for answer in &mut self.answers {
            match answer {
                Answer::NotStarted(wait_ms) | Answer::NotOver(wait_ms) => *wait_ms = (*wait_ms).signum(),
                Answer::OpenedAt(at_ms) => *at_ms = 0,
                _ => {}
            }
        }
        for claim in self.packets.iter_mut().flatten().flat_map(|state| state.claims.values_mut()) {
            claim.opened_at_ms = claim.opened_at_ms.map(|_| 0);
        }
        for event in &mut self.journal {
            match event {
                Event::Open { opened_at_ms: at_ms, .. }
                | Event::Contest { at_ms, .. }
                | Event::Risk { at_ms, .. }
                | Event::Close { closed_at_ms: at_ms, .. } => *at_ms = 0,
                Event::Load { .. } => {}
            }
        }
        self
    }
}

/// A shard as the model has it.
struct World {
    now_ms: i64,
    /// The shard's epoch: 0 behind the fence.
    epoch: Option<u32>,
    /// Whether the epoch may have begun under another process.
    may_forget: bool,
    /// The newest epoch there was.
    newest: u32,
    packets: Vec<Option<Race>>,
    journal: Vec<Event>,
    /// The vouchers that grabs have handed out, of every epoch: packet, user, seq, epoch.
    vouchers: Vec<(usize, UserId, u32, u32)>,
}

impl World {
    fn answer(&mut self, call: &Call, facts: &Facts, packet: usize, epoch: u32) -> Answer {
        match call {
            Call::Fence(found) if *found != self.epoch => return Answer::Changed,
            Call::Fence(_) => {
                self.epoch = Some(0);
                return Answer::Done;
            }
            _ if self.epoch != Some(epoch) => return Answer::Fenced,
            _ => {}
        }
        let place = &mut self.packets[packet];
        let Some(race) = place.as_mut().filter(|race| race.epoch() == epoch) else {
            let (race, answer, is_confirmed) = match call {
                Call::Load => (Race::new(facts.clone(), epoch), Answer::Done, false),
                Call::Rebuild(settled, is_confirmed) => {
                    (Race::rebuilt(facts.clone(), epoch, settled.clone()), Answer::PutBack(1), *is_confirmed)
                }
                _ => return Answer::Missing,
            };
            *place = Some(race);
            self.journal.extend((!is_confirmed).then_some(Event::Load { packet: facts.id, epoch }));
            return answer;
        };
        let (answer, event) = decide(race, call, facts, self.may_forget, self.now_ms);
        self.journal.extend(event);
        if answer == Answer::Lost {
            self.epoch = Some(0);
        }
        if let (Call::Grab(user), Answer::Grabbed(seq, epoch)) = (call, &answer) {
            self.vouchers.push((packet, user.clone(), *seq, *epoch));
        }
        answer
    }

    fn state(&self, packet: usize) -> Option<State> {
        let race = self.packets[packet].as_ref()?;
        let taken = race.is_rebuilt().then(|| race.claims().values().map(|claim| claim.seq).collect());
        Some(State {
            epoch: race.epoch(),
            grabbed: race.grabbed(),
            opened: race.opened(),
            is_closed: race.is_closed(),
            claims: race.claims().clone(),
            taken,
            contests: race.contests().clone(),
        })
    }
}

/// What the model makes of a call on a packet that is in the race.
fn decide(race: &mut Race, call: &Call, facts: &Facts, may_forget: bool, now_ms: i64) -> (Answer, Option<Event>) {
    match call {
        Call::Load => (Answer::LoadedBefore, None),
        Call::Rebuild(..) => (Answer::PutBack(0), None),
        Call::Grab(user) => {
            let epoch = race.epoch();
            (race.grab(user, now_ms).map_or_else(refused, |seq| Answer::Grabbed(seq, epoch)), None)
        }
        Call::Open(user, seq, epoch) => {
            let (outcome, event) = race.open(user, *seq, *epoch, may_forget, now_ms);
            (outcome.map_or_else(refused, Answer::OpenedAt), event)
        }
        Call::Close => {
            let (was_closed, opened) = (race.is_closed(), race.opened());
            let event = race.close(now_ms);
            let answer = match &event {
                Some(_) => Answer::Closed(opened),
                None if was_closed => Answer::ClosedBefore(opened),
                None => Answer::NotOver(facts.expires_at_ms - now_ms),
            };
            (answer, event)
        }
        Call::Fence(_) => panic!("{call:?} is about the shard, not the race"),
    }
}

fn refused(error: Error) -> Answer {
    match error {
        Error::NotStarted { retry_after_ms } => Answer::NotStarted(retry_after_ms),
        Error::SoldOut => Answer::SoldOut,
        Error::Expired => Answer::Expired,
        Error::NotGrabbed => Answer::NotGrabbed,
        Error::Contested => Answer::Contested,
        Error::Unavailable(_) => Answer::Lost,
        other => panic!("the model answers {other:?}"),
    }
}

/// A history, and what the model expects to be seen of it.
#[derive(Debug, Clone)]
pub struct History {
    /// What the clock shows at first, Unix milliseconds.
    pub begin_ms: i64,
    /// The packets.
    pub facts: Vec<Facts>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// What the model expects to be seen.
    pub expected: Record,
}

impl History {
    /// The history that these random choices make.
    pub fn random(random: &mut Rng) -> Self {
        let users: Vec<UserId> = (0..random.usize(1..=USERS)).map(|number| user(&format!("us_{number}"))).collect();
        let facts: Vec<Facts> = (0..PACKETS).map(|_| random_facts(random)).collect();
        let mut world = World {
            now_ms: BEGIN_MS,
            epoch: Some(1),
            may_forget: false,
            newest: 1,
            packets: vec![None; PACKETS],
            journal: Vec::new(),
            vouchers: Vec::new(),
        };
        let mut history = Self { begin_ms: BEGIN_MS, facts, steps: Vec::new(), expected: Record::default() };
        for number in 0..random.usize(8..50) {
            let step = if number < PACKETS && random.u8(..10) > 0 {
                Step::Call(Call::Load, number, 1) // Most packets are loaded before anything else happens.
            } else {
                random_step(random, &world, &history.facts, &users)
            };
            match &step {
                Step::Call(call, packet, epoch) => {
                    let answer = world.answer(call, &history.facts[*packet], *packet, *epoch);
                    history.expected.answers.push(answer);
                }
                Step::Clock(now_ms) => world.now_ms = *now_ms,
                Step::Origin(origin) => world.may_forget = *origin != Origin::Here,
                Step::Epoch(epoch) => {
                    world.epoch = *epoch;
                    world.newest = world.newest.max(epoch.unwrap_or_default());
                }
            }
            history.steps.push(step);
        }
        history.expected.packets = (0..PACKETS).map(|packet| world.state(packet)).collect();
        history.expected.journal = world.journal;
        history
    }
}

fn random_step(random: &mut Rng, world: &World, facts: &[Facts], users: &[UserId]) -> Step {
    let packet = random.usize(..facts.len());
    let user = random.choice(users).expect("somebody").clone();
    if world.epoch == Some(0) && random.u8(..3) > 0 {
        return Step::Epoch(Some(world.newest + 1));
    }
    let is_left_behind = world.packets[packet].as_ref().is_some_and(|race| race.epoch() != world.newest);
    if is_left_behind && random.u8(..3) > 0 {
        return Step::Call(Call::Rebuild(settled(random, world, packet), random.bool()), packet, world.newest);
    }
    // Now and then a caller has not heard of the newest epoch.
    let epoch = if random.u8(..25) == 0 { random.u32(1..=world.newest + 1) } else { world.newest };
    let call = match random.u8(..100) {
        0..5 => Call::Load,
        5..40 => Call::Grab(user),
        40..72 => {
            let (seq, epoch) = random_voucher(random, world, packet, &user);
            Call::Open(user, seq, epoch)
        }
        72..80 => Call::Close,
        80..83 => {
            let origins = [Origin::Here, Origin::Elsewhere, Origin::Unknown];
            return Step::Origin(*random.choice(&origins).expect("some"));
        }
        83..94 => return Step::Clock(random_moment(random, &facts[packet])),
        94..97 => Call::Fence(if random.u8(..5) == 0 { Some(random.u32(..3)) } else { world.epoch }),
        97 => Call::Rebuild(settled(random, world, packet), random.bool()),
        _ => return Step::Epoch(if random.u8(..3) == 0 { None } else { Some(world.newest + 1) }),
    };
    Step::Call(call, packet, epoch)
}

/// Of the opened shares the ledger has settled some, perhaps not all.
fn settled(random: &mut Rng, world: &World, packet: usize) -> BTreeMap<UserId, Claim> {
    let claims = world.packets[packet].iter().flat_map(|race| race.claims());
    let opened = claims.filter(|(_, claim)| claim.opened_at_ms.is_some());
    opened.filter(|_| random.u8(..3) > 0).map(|(user, claim)| (user.clone(), *claim)).collect()
}

/// A voucher's share and epoch: mostly one that the user was given, else one that nobody signed.
fn random_voucher(random: &mut Rng, world: &World, packet: usize, user: &UserId) -> (u32, u32) {
    let own = world.vouchers.iter().filter(|(of, holder, ..)| *of == packet && holder == user);
    let own: Vec<(u32, u32)> = own.map(|(.., seq, epoch)| (*seq, *epoch)).collect();
    match random.choice(&own) {
        Some(voucher) if random.u8(..6) > 0 => *voucher,
        _ => (random.u32(..5), random.u32(..=world.newest)),
    }
}

/// A moment that matters to a packet: one side of a boundary or the other.
fn random_moment(random: &mut Rng, facts: &Facts) -> i64 {
    let (start, end) = (facts.starts_at_ms, facts.expires_at_ms);
    *random.choice(&[start - 1, start, end - 1, end - 1, end, end + 1]).expect("some")
}

fn random_facts(random: &mut Rng) -> Facts {
    let starts_at_ms = BEGIN_MS + [-5, 0, 0, 0, 1, 3][random.usize(..6)];
    let count = random.u32(1..=4);
    let mut seed = [0; 32];
    random.fill(&mut seed);
    Facts {
        id: PacketId::new(u64::try_from(BEGIN_MS).expect("positive"), 0, random.u64(..)),
        sender: user("us_sender"),
        kind: *random.choice(&[Kind::Lucky, Kind::Equal]).expect("some"),
        total: Fen::new(random.i64(i64::from(count)..1000)).expect("an amount"),
        count,
        to: Recipient::Group(GroupId::parse("g_1").expect("valid")),
        password_mac: random.bool().then(|| "00ff".to_owned()),
        seed,
        starts_at_ms,
        expires_at_ms: starts_at_ms + [0, 1, 2, 50, 1_000][random.usize(..5)],
    }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("valid")
}
