//! Random histories of a shard, and what the model makes of them.

use std::collections::BTreeMap;

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
}

/// What is called.
#[derive(Debug, Clone)]
pub enum Call {
    /// `load.lua`.
    Load,
    /// `grab.lua` for a user.
    Grab(UserId),
    /// `open.lua` for a user who presents this number.
    Open(UserId, u32),
    /// `close.lua`.
    Close,
}

/// What a call answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The packet is in the race now.
    Loaded,
    /// It was already.
    LoadedBefore,
    /// The user has this share, of a packet loaded under this epoch.
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
    /// The packet was never loaded.
    Missing,
    /// The caller believes in another epoch than the shard's.
    Fenced,
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
                Event::Open { opened_at_ms: at_ms, .. } | Event::Close { closed_at_ms: at_ms, .. } => *at_ms = 0,
                Event::Load { .. } => {}
            }
        }
        self
    }
}

/// A shard as the model has it.
struct World {
    now_ms: i64,
    epoch: Option<u32>,
    packets: Vec<Option<(u32, Race)>>,
    journal: Vec<Event>,
}

impl World {
    fn answer(&mut self, call: &Call, facts: &Facts, packet: usize, epoch: u32) -> Answer {
        if self.epoch != Some(epoch) {
            return Answer::Fenced;
        }
        let now_ms = self.now_ms;
        let place = &mut self.packets[packet];
        if let Call::Load = call {
            if place.is_some() {
                return Answer::LoadedBefore;
            }
            *place = Some((epoch, Race::new(facts.clone(), epoch)));
            self.journal.push(Event::Load { packet: facts.id, epoch });
            return Answer::Loaded;
        }
        let Some((epoch, race)) = place else { return Answer::Missing };
        match call {
            Call::Load => Answer::LoadedBefore,
            Call::Grab(user) => match race.grab(user, now_ms) {
                Ok(seq) => Answer::Grabbed(seq, *epoch),
                Err(error) => refused(&error),
            },
            Call::Open(user, seq) => match race.open(user, *seq, now_ms) {
                Ok((at_ms, event)) => {
                    self.journal.extend(event);
                    Answer::OpenedAt(at_ms)
                }
                Err(error) => refused(&error),
            },
            Call::Close => {
                let (was_closed, opened) = (is_closed(race), race.opened());
                let event = race.close(now_ms);
                match event {
                    Some(event) => {
                        self.journal.push(event);
                        Answer::Closed(opened)
                    }
                    None if was_closed => Answer::ClosedBefore(opened),
                    None => Answer::NotOver(facts.expires_at_ms - now_ms),
                }
            }
        }
    }

    fn state(&self, packet: usize, users: &[UserId]) -> Option<State> {
        let (epoch, race) = self.packets[packet].as_ref()?;
        let claims = users.iter().filter_map(|user| Some((user.clone(), claim(race, user)?))).collect();
        let (grabbed, opened) = (race.grabbed(), race.opened());
        Some(State { epoch: *epoch, grabbed, opened, is_closed: is_closed(race), claims })
    }
}

fn refused(error: &Error) -> Answer {
    match error {
        Error::NotStarted { retry_after_ms } => Answer::NotStarted(*retry_after_ms),
        Error::SoldOut => Answer::SoldOut,
        Error::Expired => Answer::Expired,
        Error::NotGrabbed => Answer::NotGrabbed,
        other => panic!("the model answers {other:?}"),
    }
}

/// Whether the race is closed, asked from outside: a closed race closes no more.
fn is_closed(race: &Race) -> bool {
    race.clone().close(i64::MAX).is_none()
}

/// The user's claim, asked from outside: a claim answers at any time, and nobody gets one before the start.
fn claim(race: &Race, user: &UserId) -> Option<Claim> {
    let mut probe = race.clone();
    let seq = probe.grab(user, i64::MIN).ok()?;
    Some(Claim { seq, opened_at_ms: probe.open(user, seq, i64::MAX).ok().map(|(at_ms, _)| at_ms) })
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
        let packets = vec![None; PACKETS];
        let mut world = World { now_ms: BEGIN_MS, epoch: Some(1), packets, journal: Vec::new() };
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
                Step::Epoch(epoch) => world.epoch = *epoch,
            }
            history.steps.push(step);
        }
        history.expected.packets = (0..PACKETS).map(|packet| world.state(packet, &users)).collect();
        history.expected.journal = world.journal;
        history
    }
}

fn random_step(random: &mut Rng, world: &World, facts: &[Facts], users: &[UserId]) -> Step {
    let packet = random.usize(..facts.len());
    // Now and then a caller has not heard of the newest epoch.
    let known = world.epoch.unwrap_or(1);
    let epoch = if random.u8(..25) == 0 { random.u32(..=known + 1) } else { known };
    let user = random.choice(users).expect("somebody").clone();
    match random.u8(..100) {
        0..4 => Step::Call(Call::Load, packet, epoch),
        4..39 => Step::Call(Call::Grab(user), packet, epoch),
        39..74 => {
            let held = world.packets[packet].as_ref().and_then(|(_, race)| claim(race, &user)).map(|claim| claim.seq);
            // The right number, a wrong one, or that of somebody else.
            let seq = held.filter(|_| random.u8(..6) > 0).unwrap_or_else(|| random.u32(..5));
            Step::Call(Call::Open(user, seq), packet, epoch)
        }
        74..82 => Step::Call(Call::Close, packet, epoch),
        82..97 => Step::Clock(random_moment(random, &facts[packet])),
        _ => Step::Epoch(if random.u8(..3) == 0 { None } else { Some(known + 1) }),
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
