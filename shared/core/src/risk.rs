//! What looks wrong, and what is done about it (风控).
//!
//! A rule that fires is put on record with its id and what it saw. The scripts decide the rules that need the live
//! state; they are told each rule's action and bound.

use std::collections::BTreeMap;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// One person asks more often than the rates allow.
    Velocity,
    /// A share is grabbed sooner after a scheduled packet's start than a human can. The bound: milliseconds.
    Reaction,
    /// One person has grabbed many shares today. The bound: shares.
    DailyGrabs,
    /// One device has been used by many people within an hour. The bound: people.
    DeviceUsers,
    /// The account is young. The bound: seconds.
    NewAccount,
    /// A person guesses at a packet's password. The bound: misses that are free.
    PasswordGuess,
    /// An operator has blocked the person. Always denied.
    Blacklist,
}

/// What is done when a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// The rule is not looked at.
    Off,
    /// It is put on record.
    Flag,
    /// The person has to wait.
    Slow,
    /// The request is refused.
    Deny,
}

/// What a rule does, and from which bound on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// What is done.
    pub action: Action,
    /// In the rule's own unit; 0 for rules without one.
    pub bound: i64,
}

/// The largest bound.
pub(crate) const BOUND_MAX: i64 = 1_000_000_000;

impl Rule {
    /// The rules that can be set.
    pub const SETTABLE: [Self; 6] =
        [Self::Velocity, Self::Reaction, Self::DailyGrabs, Self::DeviceUsers, Self::NewAccount, Self::PasswordGuess];

    /// The rule's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Velocity => "velocity",
            Self::Reaction => "reaction",
            Self::DailyGrabs => "daily_grabs",
            Self::DeviceUsers => "device_users",
            Self::NewAccount => "new_account",
            Self::PasswordGuess => "password_guess",
            Self::Blacklist => "blacklist",
        }
    }

    /// The rule with this id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        Self::SETTABLE.into_iter().chain([Self::Blacklist]).find(|rule| rule.id() == id)
    }

    const fn default_setting(self) -> Setting {
        let (action, bound) = match self {
            Self::Velocity => (Action::Slow, 0),
            Self::Reaction => (Action::Flag, 80),
            Self::DailyGrabs => (Action::Off, 1_000),
            Self::DeviceUsers => (Action::Deny, 5),
            Self::NewAccount => (Action::Flag, 24 * 3600),
            Self::PasswordGuess => (Action::Slow, 5),
            Self::Blacklist => (Action::Deny, 0),
        };
        Setting { action, bound }
    }
}

impl Action {
    pub(crate) const ALL: [Self; 4] = [Self::Off, Self::Flag, Self::Slow, Self::Deny];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Flag => "flag",
            Self::Slow => "slow",
            Self::Deny => "deny",
        }
    }

    /// The action with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Its number in the scripts: the higher, the harder.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Off => 0,
            Self::Flag => 1,
            Self::Slow => 2,
            Self::Deny => 3,
        }
    }
}

impl core::fmt::Display for Setting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.bound {
            0 => f.write_str(self.action.as_str()),
            bound => write!(f, "{}:{bound}", self.action.as_str()),
        }
    }
}

/// What every rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules(BTreeMap<Rule, Setting>);

impl Default for Rules {
    fn default() -> Self {
        Self(Rule::SETTABLE.into_iter().map(|rule| (rule, rule.default_setting())).collect())
    }
}

impl Rules {
    /// Reads `rule=action` or `rule=action:bound`, separated by commas; what is not named stays at its default.
    ///
    /// # Errors
    /// Occurs for another rule or form: what the text must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (id, value) = pair.split_once('=').unwrap_or((pair, ""));
            let rule = Rule::parse(id).filter(|rule| rules.0.contains_key(rule));
            let rule = rule.ok_or_else(|| format!("must name one of {}", Rule::SETTABLE.map(Rule::id).join(", ")))?;
            rules.set(rule, value)?;
        }
        Ok(rules)
    }

    /// What a rule does.
    #[must_use]
    pub fn of(&self, rule: Rule) -> Setting {
        self.0.get(&rule).copied().unwrap_or_else(|| rule.default_setting())
    }

    /// Sets a rule to `action` or `action:bound`; without a bound it keeps its own.
    ///
    /// # Errors
    /// Occurs for another form: what the value must be.
    pub fn set(&mut self, rule: Rule, value: &str) -> Result<(), String> {
        let (word, bound) = value.split_once(':').map_or((value, None), |(word, bound)| (word, Some(bound)));
        let action = Action::parse(word);
        let bound = bound.map_or(Some(self.of(rule).bound), |bound| {
            let number = bound.parse().ok().filter(|number: &i64| number.to_string() == bound);
            number.filter(|number| (1..=BOUND_MAX).contains(number) && rule != Rule::Velocity)
        });
        let (Some(action), Some(bound)) = (action, bound) else {
            return Err(format!(
                "must be off, flag, slow or deny, and where the rule has a bound, that after a colon, 1 to {BOUND_MAX}"
            ));
        };
        self.0.insert(rule, Setting { action, bound });
        Ok(())
    }
}

/// The longest name of a device, in characters.
pub const DEVICE_MAX_CHARS: usize = 64;

/// Whether a text can be a device's name.
#[must_use]
pub fn is_device(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    (1..=DEVICE_MAX_CHARS).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{Action, Rule, Rules, Setting, is_device};

    #[test]
    fn rules_are_read_by_id_and_the_others_stay() {
        let rules = Rules::parse("device_users=slow, reaction=deny:120").expect("rules");
        assert_eq!(rules.of(Rule::DeviceUsers), Setting { action: Action::Slow, bound: 5 });
        assert_eq!(rules.of(Rule::Reaction), Setting { action: Action::Deny, bound: 120 });
        assert_eq!(rules.of(Rule::Velocity), Rules::default().of(Rule::Velocity));
        assert_eq!(
            (rules.of(Rule::Reaction).to_string(), rules.of(Rule::Velocity).to_string()),
            ("deny:120".into(), "slow".into())
        );
        for wrong in [
            "reaction",
            "reaction=",
            "reaction=deny:",
            "reaction=deny:0",
            "reaction=deny:x",
            "reaction=deny:+5",
            "reaction=deny:05",
            "reaction=deny:1000000001",
            "velocity=slow:3",
            "blacklist=off",
            "x=off",
        ] {
            assert!(Rules::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_device_has_a_plain_and_bounded_name() {
        assert!(is_device("a") && is_device("iPhone-15_x.y:z"));
        for wrong in ["", "a b", "é", &"a".repeat(65)] {
            assert!(!is_device(wrong), "{wrong}");
        }
    }
}
