//! The evening on paper: who sends what to whom and when, who comes, and how they behave.
//!
//! Modelled on the published figures of a New Year's Eve (1 January 2016, 00:05: 40,000 sends and 103,000
//! opens a second, 1 : 2.6), at a scale of 1 : 1000.
//!
//! **Invariant:** a plan is a pure function of its size and seed.

use std::time::Duration;

use fastrand::Rng;
use hongbao_core::split::Kind;

/// Sends a second at the peak: 40,000 at a scale of 1 : 1000.
const PEAK_SENDS_PER_S: f64 = 40.0;
/// How much higher the peak of the bell is than its mean, for the mean of three uniform numbers.
const PEAK_OVER_MEAN: f64 = 2.25;
/// People of a group, about.
const GROUP_SIZE: usize = 25;

/// Everything that people will do. Times count from the start of the evening.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How many people there are; everybody is a number below it.
    pub users: usize,
    /// How many groups; a person belongs to the group of the person's number modulo this.
    pub groups: usize,
    /// How long packets are sent for.
    pub lasts: Duration,
    /// The packets, by time.
    pub packets: Vec<Packet>,
}

/// One packet to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// When it is sent.
    pub at: Duration,
    /// Who sends it.
    pub sender: usize,
    /// Who it is for.
    pub to: To,
    /// How the shares are made.
    pub kind: Kind,
    /// The sum of all shares.
    pub total_fen: i64,
    /// The number of shares.
    pub count: usize,
    /// Whether it has a password.
    pub has_password: bool,
    /// How long after the sending it opens, for a planned rain.
    pub opens_after: Option<Duration>,
    /// How long it lives once it opens, in seconds.
    pub lives_s: i64,
    /// Whether the sender's finger slips: `send` goes out twice at once.
    pub is_sent_twice: bool,
    /// Who comes for it.
    pub crowd: Vec<Guest>,
}

/// Who a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// A group.
    Group(usize),
    /// One person.
    Person(usize),
}

/// One person who comes for one packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    /// Who it is.
    pub who: usize,
    /// How long after the sending.
    pub after: Duration,
    /// How long the person looks at the closed packet before opening it.
    pub looks_for: Duration,
    /// What the person does with it.
    pub habit: Habit,
}

/// How people behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Grabs, opens.
    Opens,
    /// Sends everything twice at once.
    DoubleTaps,
    /// Hangs up before the answer comes, then asks again.
    HangsUp,
    /// Grabs and never opens.
    Abandons,
    /// Grabs, falls asleep, opens when the packet's time is over.
    OpensTooLate,
    /// Says a wrong password first, where there is one.
    Mistypes,
}

impl Plan {
    /// The evening of `users` people (at least 2) and `packets` packets that follows from `seed`.
    #[must_use]
    pub fn new(users: usize, packets: usize, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let users = users.max(2);
        let groups = (users / GROUP_SIZE).max(1);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand packets")]
        let lasts = Duration::from_secs_f64(packets as f64 * PEAK_OVER_MEAN / PEAK_SENDS_PER_S);
        let mut packets: Vec<Packet> = (0..packets).map(|_| Packet::new(&mut rng, users, groups, lasts)).collect();
        packets.sort_by_key(|packet| packet.at);
        Self { users, groups, lasts, packets }
    }

    /// The group of a person.
    #[must_use]
    pub fn group_of(&self, person: usize) -> usize {
        person % self.groups
    }

    /// How many guests there are, over all packets.
    #[must_use]
    pub fn guests(&self) -> usize {
        self.packets.iter().map(|packet| packet.crowd.len()).sum()
    }
}

impl Packet {
    fn new(rng: &mut Rng, users: usize, groups: usize, lasts: Duration) -> Self {
        let sender = rng.usize(..users);
        let at = lasts.mul_f64((rng.f64() + rng.f64() + rng.f64()) / 3.0);
        let group = sender % groups;
        let members: Vec<usize> = (group..users).step_by(groups).collect();
        let (to, count, crowd) = match rng.u32(..100) {
            0..8 => {
                let friend = (sender + rng.usize(1..users)) % users;
                (To::Person(friend), 1, vec![friend])
            }
            // A rain: many shares, everybody comes.
            8 => (To::Group(group), 20.min(members.len()), shuffled(rng, members)),
            dice => {
                let count = rng.usize(2..=4) + usize::from(rng.u32(..100) < 25);
                // Most crowds are larger than their packet; one in five leaves something in it.
                let come = if dice < 80 { count + rng.usize(1..=2 * count) } else { rng.usize(1..=count) };
                let mut crowd = shuffled(rng, members);
                crowd.truncate(come);
                (To::Group(group), count, crowd)
            }
        };
        let has_password = rng.u32(..100) < 8;
        let lives_s = if rng.u32(..100) < 30 { rng.i64(2..=3) } else { rng.i64(6..=15) };
        Self {
            at,
            sender,
            to,
            kind: if rng.u32(..100) < 80 { Kind::Lucky } else { Kind::Equal },
            total_fen: rng.i64(100..=8_888),
            count,
            has_password,
            opens_after: (rng.u32(..100) < 5).then(|| Duration::from_millis(rng.u64(800..2_000))),
            lives_s,
            is_sent_twice: rng.u32(..100) < 10,
            crowd: crowd.into_iter().map(|who| Guest::new(rng, who, has_password)).collect(),
        }
    }
}

impl Guest {
    fn new(rng: &mut Rng, who: usize, has_password: bool) -> Self {
        let habit = match rng.u32(..100) {
            0..6 => Habit::Abandons,
            6..9 => Habit::OpensTooLate,
            9..21 => Habit::DoubleTaps,
            21..30 => Habit::HangsUp,
            30..55 if has_password => Habit::Mistypes,
            _ => Habit::Opens,
        };
        let after = Duration::from_millis(rng.u64(30..1_000));
        Self { who, after, looks_for: Duration::from_millis(rng.u64(20..400)), habit }
    }
}

fn shuffled(rng: &mut Rng, mut people: Vec<usize>) -> Vec<usize> {
    rng.shuffle(&mut people);
    people
}

#[cfg(test)]
mod tests {
    use super::{Habit, Plan};

    #[test]
    fn the_same_seed_plans_the_same_evening() {
        assert_eq!(Plan::new(200, 300, 7), Plan::new(200, 300, 7));
        assert_ne!(Plan::new(200, 300, 7), Plan::new(200, 300, 8));
    }

    #[test]
    fn sends_and_opens_have_the_eves_ratio_and_most_crowds_are_too_large() {
        for seed in 0..20 {
            let plan = Plan::new(200, 1000, seed);
            let opens = plan.packets.iter().map(|packet| {
                let grabs = packet.crowd.iter().take(packet.count);
                grabs.filter(|guest| !matches!(guest.habit, Habit::Abandons | Habit::OpensTooLate)).count()
            });
            // A few of these come after their packet's end: 2.6 are left.
            let ratio = opens.sum::<usize>() as f64 / 1000.0;
            assert!((2.55..=2.95).contains(&ratio), "seed {seed}: 1 : {ratio}");
            let too_large = plan.packets.iter().filter(|packet| packet.crowd.len() > packet.count).count();
            assert!(too_large > 600, "seed {seed}: {too_large}");
        }
    }

    #[test]
    fn nobody_comes_twice_or_for_a_packet_of_another_group() {
        let plan = Plan::new(60, 500, 3);
        for packet in &plan.packets {
            let mut people: Vec<usize> = packet.crowd.iter().map(|guest| guest.who).collect();
            people.sort_unstable();
            people.dedup();
            assert_eq!(people.len(), packet.crowd.len());
            if let super::To::Group(group) = packet.to {
                assert!(people.iter().all(|&person| plan.group_of(person) == group));
            }
        }
    }
}
