//! Guesses at a password: the script against its model, `hongbao_core::guess`, over random histories.

use fastrand::Rng;
use hongbao_core::Error;
use hongbao_core::guess::{FIRST_WAIT_MS, Guess, Misses, WAIT_MAX_MS};
use hongbao_core::risk::{Action, Setting};
use redis::{Value, cmd, pipe};

use crate::arena::Arena;
use crate::scripts::{Installed, Scripts};
use crate::seeds::{Shown, first_seed};

const USERS: [&str; 3] = ["us_a", "us_b", "us_c"];
const PACKET: &str = "hb_00000000000000000000000000";
const SHARES: usize = 2;
const HISTORIES: u64 = 400;
const STEPS: usize = 60;
const BEGIN_MS: i64 = 1_800_000_000_000;

/// What a script told, and how often the rule was put on record until then.
type Told = (String, Option<i64>, i64);

struct History {
    rule: Setting,
    /// When, who, what.
    steps: Vec<(i64, usize, Guess)>,
}

impl History {
    fn random(random: &mut Rng) -> Self {
        let actions = [Action::Off, Action::Flag, Action::Slow, Action::Slow, Action::Deny];
        let rule = Setting { action: *random.choice(&actions).expect("some"), bound: random.i64(1..=6) };
        let mut now_ms = BEGIN_MS;
        let steps = (0..STEPS).map(|_| {
            let waits = [0, 0, 0, 1, 59_999, FIRST_WAIT_MS, 2 * FIRST_WAIT_MS, WAIT_MAX_MS, -5_000, -2 * WAIT_MAX_MS];
            now_ms += waits[random.usize(..waits.len())];
            let guess = match random.u8(..24) {
                0 => Guess::Right,
                1 | 2 => Guess::None,
                _ => Guess::Wrong,
            };
            (now_ms, random.usize(..USERS.len()), guess)
        });
        let steps = steps.collect();
        Self { rule, steps }
    }

    fn expected(&self) -> Vec<Told> {
        let mut misses = [Misses::default(); USERS.len()];
        let mut shares: Vec<usize> = Vec::new();
        let mut seen = 0;
        let mut tell = |&(now_ms, user, guess): &(i64, usize, Guess)| {
            if let Some(seq) = shares.iter().position(|holder| *holder == user) {
                return ("ok".to_owned(), i64::try_from(seq).ok(), seen);
            }
            if shares.len() == SHARES {
                return ("sold_out".to_owned(), None, seen);
            }
            let verdict = misses[user].judge(guess, self.rule, now_ms);
            seen += i64::from(verdict.is_seen);
            match verdict.outcome {
                Ok(()) => {
                    shares.push(user);
                    ("ok".to_owned(), i64::try_from(shares.len() - 1).ok(), seen)
                }
                Err(Error::RateLimited { retry_after_ms }) => ("limited".to_owned(), Some(retry_after_ms), seen),
                Err(Error::RiskDenied) => ("denied".to_owned(), None, seen),
                Err(_) => ("wrong_password".to_owned(), None, seen),
            }
        };
        self.steps.iter().map(&mut tell).collect()
    }

    fn played(&self, arena: &mut Arena, scripts: &Installed) -> Vec<Told> {
        let mut moves = pipe();
        moves.cmd("FLUSHDB").ignore().cmd("SET").arg("epoch").arg(1).ignore();
        moves
            .cmd("HSET")
            .arg("packet")
            .arg(&["e", "1", "g", "0", "s", "0", "x", "9000000000000"])
            .arg("n")
            .arg(SHARES)
            .ignore();
        for &(now_ms, user, guess) in &self.steps {
            moves.cmd("HSET").arg("clock").arg("s").arg(now_ms / 1000).arg("us").arg(now_ms % 1000 * 1000).ignore();
            let said = match guess {
                Guess::None => "none",
                Guess::Right => "right",
                Guess::NotAsked | Guess::Wrong => "wrong",
            };
            let mine = format!("mine:{}", USERS[user]);
            let mut grab = scripts.call("grab", &["packet", "epoch", &mine, "all", "events"]);
            grab.arg(1).arg(USERS[user]).arg(PACKET).arg(&[0; 12]).arg(said);
            grab.arg(self.rule.action.number()).arg(self.rule.bound).arg(FIRST_WAIT_MS).arg(WAIT_MAX_MS);
            moves.add_command(grab);
            moves.add_command(cmd("XLEN").arg("events").take());
        }
        let replies: Vec<Value> = moves.query(&mut arena.connection).expect("every call answers");
        replies.chunks(2).map(told).collect()
    }
}

fn told(pair: &[Value]) -> Told {
    let [Value::Array(reply), Value::Int(seen)] = pair else { panic!("{pair:?}") };
    let number = match reply.get(1) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    let Some(Value::BulkString(code)) = reply.first() else { panic!("{reply:?}") };
    (String::from_utf8_lossy(code).into_owned(), number, *seen)
}

fn find_difference(arena: &mut Arena, scripts: &Scripts) -> Result<(), (u64, String)> {
    let installed = scripts.install(&mut arena.connection);
    for offset in 0..HISTORIES {
        let seed = first_seed().wrapping_add(offset);
        let history = History::random(&mut Rng::with_seed(seed));
        let (expected, played) = (history.expected(), history.played(arena, &installed));
        for (number, pair) in played.iter().zip(&expected).enumerate() {
            if pair.0 != pair.1 {
                let step = history.steps[number];
                return Err((
                    seed,
                    format!("{:?}, step {number} {step:?}: {:?}, not {:?}", history.rule, pair.0, pair.1),
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn guesses_are_judged_as_the_model_does() {
    let found = find_difference(&mut Arena::start(), &Scripts::read().by_held_clock());
    if let Err((seed, problem)) = found {
        let _shown = Shown(seed);
        panic!("{problem}");
    }
}

/// What is right in the script, and what would be wrong. The first is what was: the check in front of the counter.
const BUGS: &[(&str, &str)] = &[
    ("if guess then\n", "if guess == 'wrong' then return {'wrong_password'} end\nif guess then\n"),
    ("if wait_ms > 0 and action == 2", "if guess == 'wrong' and wait_ms > 0 and action == 2"),
    ("if wait_ms > 0 and action == 3", "if guess == 'wrong' and wait_ms > 0 and action == 3"),
    ("misses = misses + 1", "misses = 1"),
    ("misses >= free and", "misses > free and"),
    ("and wait_ms <= 0 then", "then"),
    ("2 ^ math.min(misses - free, 30)", "1"),
    ("math.min(until_ms - now_ms, wait_max)", "until_ms - now_ms"),
    ("mine .. ':miss:' .. id", "':miss:' .. id"),
    ("record('password_guess', action, 'misses=' .. misses)", ""),
    ("if guess == 'none' then return {'wrong_password'} end", "if guess == 'none' then guess = 'wrong' end"),
    ("if guess == 'wrong' then", "if guess == 'never' then"),
];

#[test]
fn a_bug_in_the_judging_is_found() {
    let mut arena = Arena::start();
    for (right, wrong) in BUGS {
        let scripts = Scripts::read().by_held_clock().with_bug("grab", right, wrong);
        assert!(find_difference(&mut arena, &scripts).is_err(), "{wrong:?} for {right:?} went unnoticed");
    }
}
