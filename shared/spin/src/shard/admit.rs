//! A shard's door: what is counted and looked at on the way into it, and how it is doing.

use hongbao_core::admit::{ALL_BURST_S, Rates, USER_BURST_S, bucket_us};
use hongbao_core::guess::{FIRST_WAIT_MS, Guess, WAIT_MAX_MS};
use hongbao_core::risk::{Action, Rule, Rules, Setting};
use hongbao_core::{Error, PacketId, UserId};

use super::Shard;
use super::codec::{code, integer};
use crate::redis::{Argument, Script, binary, number, text};

static ADMIT: Script = Script::new(&[include_str!("../../lua/admit.lua"), include_str!("../../lua/backlog.lua")]);
static LOGIN: Script = Script::new(&[include_str!("../../lua/login.lua")]);
static REPORT: Script = Script::new(&[include_str!("../../lua/report.lua")]);
static COUNT: Script = Script::new(&[include_str!("../../lua/count.lua")]);

/// How long what is known of a shard's health is good for, in milliseconds.
const FRESH_MS: i64 = 1_000;

/// What was seen of a shard last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Health {
    seen_at_ms: i64,
    /// Entries that wait in its journal; none when it did not answer.
    waiting: Option<i64>,
}

/// Which way in: each has rates of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// For new packets. Of the risk rules it knows velocity only: who sends pays.
    Send,
    /// For shares.
    Grab,
}

/// Who comes, and by what rules.
pub struct Visit<'a> {
    /// Which way in.
    pub door: Door,
    /// Who.
    pub user: &'a UserId,
    /// The user's device, where it is known.
    pub device: Option<&'a str>,
    /// The rates.
    pub rates: &'a Rates,
    /// The risk rules.
    pub rules: &'a Rules,
    /// What the rule for new accounts does, where it fires.
    pub new_account: Action,
    /// When the packet opens, Unix milliseconds; 0 for one that was open from the start.
    pub starts_at_ms: i64,
    /// What was given as the packet's password.
    pub guess: Guess,
}

impl Visit<'_> {
    /// The keys that `admit.lua` has beside the packet and the epoch.
    #[must_use]
    pub fn keys(&self, shard: u16) -> Vec<String> {
        let door = match self.door {
            Door::Send => "send",
            Door::Grab => "grab",
        };
        let mut keys = vec![
            format!("hb:{{{shard}}}:rate:{door}:{}", self.user),
            format!("hb:{{{shard}}}:rate:{door}"),
            format!("hb:{{{shard}}}:events"),
        ];
        keys.extend(self.device.map(|device| format!("hb:{{{shard}}}:device:{device}")));
        keys
    }

    /// The arguments of `admit.lua` behind the epoch, and those of `grab.lua` behind them.
    #[must_use]
    pub fn arguments(&self, id: PacketId) -> Vec<Argument> {
        let number = Argument::Int64;
        let (mine_per_s, all_per_s) = match self.door {
            Door::Send => (self.rates.send_user, self.rates.send),
            Door::Grab => (self.rates.grab_user, self.rates.grab),
        };
        let (mine_us, all_us) = (bucket_us(mine_per_s, USER_BURST_S), bucket_us(all_per_s, ALL_BURST_S));
        let setting = |rule| match self.door {
            Door::Send if rule != Rule::Velocity => Setting { action: Action::Off, bound: 0 },
            _ => self.rules.of(rule),
        };
        let [velocity, reaction, daily, device] =
            [Rule::Velocity, Rule::Reaction, Rule::DailyGrabs, Rule::DeviceUsers].map(setting);
        // Nobody can be too early for a packet that opened as it was sent.
        let reaction_action = if self.starts_at_ms == 0 { Action::Off } else { reaction.action };
        // A rate that nothing is done about is none.
        let mine_us = if velocity.action == Action::Off { (0, 0) } else { mine_us };
        let mut arguments = vec![
            binary(self.user.as_str()),
            binary(id.to_string()),
            number(mine_us.0),
            number(mine_us.1),
            number(all_us.0),
            number(all_us.1),
            number(velocity.action.number()),
            number(self.new_account.number()),
            number(reaction_action.number()),
            number(self.starts_at_ms.saturating_add(reaction.bound)),
            number(daily.action.number()),
            number(daily.bound),
            number(device.action.number()),
            number(device.bound),
        ];
        let guess = match self.guess {
            Guess::NotAsked => return arguments,
            Guess::None => "none",
            Guess::Right => "right",
            Guess::Wrong => "wrong",
        };
        let guesses = self.rules.of(Rule::PasswordGuess);
        let (action, free) = (guesses.action.number(), guesses.bound);
        arguments.push(binary(guess));
        arguments.extend([action, free, FIRST_WAIT_MS, WAIT_MAX_MS].map(number));
        arguments
    }
}

impl Shard {
    /// Lets a new packet in: how many entries wait in the journal.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::RiskDenied`]; [`Error::Unavailable`] when the server does not answer, as for all
    /// methods.
    pub async fn admit(&self, id: PacketId, visit: &Visit<'_>, now_ms: i64) -> Result<i64, Error> {
        let (packet, visited) = (self.packet_key(id), visit.keys(self.number));
        let keys: Vec<&str> = [&packet, &self.epoch].into_iter().chain(&visited).map(String::as_str).collect();
        let mut arguments = vec![self.expected_epoch()];
        arguments.extend(visit.arguments(id));
        let reply = self.run(&ADMIT, &keys, &arguments).await?;
        match code(&reply)? {
            "ok" => {
                let waiting = integer(&reply, 1)?;
                self.health.set(Health { seen_at_ms: now_ms, waiting: Some(waiting) });
                Ok(waiting)
            }
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// Counts a development login.
    ///
    /// # Errors
    /// [`Error::RateLimited`]; [`Error::Unavailable`] when the server does not answer.
    pub async fn admit_login(&self, user: &UserId, rates: &Rates) -> Result<(), Error> {
        let mine = format!("hb:{{{}}}:rate:login:{user}", self.number);
        let all = format!("hb:{{{}}}:rate:login", self.number);
        let most = |per_s: u32| Argument::Int64(i64::from(per_s).saturating_mul(USER_BURST_S.into()));
        let window_ms = Argument::Int64(i64::from(USER_BURST_S).saturating_mul(1_000));
        let reply = self.run(&LOGIN, &[&mine, &all], &[most(rates.login_user), most(rates.login), window_ms]).await?;
        match code(&reply)? {
            "ok" => Ok(()),
            other => Err(self.refusal(other, &reply)),
        }
    }

    /// How many entries wait in the journal, as of the last second; none while the server does not answer.
    pub async fn pulse(&self, now_ms: i64) -> Option<i64> {
        let seen = self.health.get();
        if is_fresh(seen, now_ms) {
            return seen.waiting;
        }
        let waiting = self.waiting().await.ok();
        self.health.set(Health { seen_at_ms: now_ms, waiting });
        waiting
    }

    /// Whether the server was seen not to answer within the last second.
    #[must_use]
    pub fn is_away(&self, now_ms: i64) -> bool {
        let seen = self.health.get();
        seen.waiting.is_none() && is_fresh(seen, now_ms)
    }

    /// Puts on record what a rule saw outside the scripts, once a minute for each user and rule.
    pub async fn report(
        &self,
        id: PacketId,
        user: &UserId,
        rule: Rule,
        action: Action,
        fact: &str,
    ) -> Result<(), Error> {
        let mark = format!("hb:{{{}}}:rate:{user}:{}", self.number, rule.id());
        let words = [id.to_string().as_str(), user.as_str(), rule.id(), action.as_str(), fact].map(binary);
        let arguments: Vec<Argument> = [self.expected_epoch()].into_iter().chain(words).collect();
        self.run(&REPORT, &[&self.epoch, &self.events, &mark], &arguments).await.map(drop).map_err(Error::from)
    }

    /// Adds what an instance has counted to what all have.
    pub async fn count(&self, numbers: &[(&str, u32)]) -> Result<(), Error> {
        let pairs = numbers.iter().flat_map(|(name, number)| [binary(name), Argument::Int64((*number).into())]);
        let arguments: Vec<Argument> = pairs.collect();
        self.run(&COUNT, &[&self.counters_key()], &arguments).await.map(drop).map_err(Error::from)
    }

    /// What all instances have counted here: names and numbers.
    pub async fn counters(&self) -> Result<Vec<(String, i64)>, Error> {
        let reply = self.call("HGETALL", vec![binary(self.counters_key())]).await?;
        let pair = |pair: &[_]| Some((text(pair.first()?)?.to_owned(), number(pair.get(1)?)?));
        Ok(reply.chunks_exact(2).filter_map(pair).collect())
    }

    fn counters_key(&self) -> String {
        format!("hb:{{{}}}:counters", self.number)
    }

    /// Makes every script of people's requests known to the server ahead of its first use.
    pub async fn preheat(&self) -> Result<(), Error> {
        for script in [&ADMIT, &super::LOAD, &super::GRAB, &super::OPEN, &super::look::LOOK] {
            script.load(&*self.redis).await?;
        }
        Ok(())
    }
}

fn is_fresh(seen: Health, now_ms: i64) -> bool {
    (seen.seen_at_ms..seen.seen_at_ms.saturating_add(FRESH_MS)).contains(&now_ms)
}
