//! How much is let in: rates, and the ladder of what is given up first under load.

/// How often things may be done: calls a second, 0 for any number.
///
/// A person who was quiet may do [`USER_BURST_S`] seconds' worth at once, everybody together [`ALL_BURST_S`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Grabs of one person that reach a shard.
    pub grab_user: u32,
    /// Grabs of everybody that reach a shard.
    pub grab: u32,
    /// Packets that one person sends to a shard.
    pub send_user: u32,
    /// Packets that everybody sends to a shard.
    pub send: u32,
    /// Development logins of one person.
    pub login_user: u32,
    /// Development logins of everybody.
    pub login: u32,
    /// Looks of one person at packets of a shard.
    pub view_user: u32,
    /// Requests that one instance of a component has in hand at a time; open has no limit.
    pub in_flight: u32,
}

/// How many seconds' worth a person may do at once.
pub const USER_BURST_S: u32 = 10;
/// How many seconds' worth everybody may do at once.
pub const ALL_BURST_S: u32 = 1;
/// The highest rate that can be set.
const RATE_MAX: u32 = 1_000_000;

impl Default for Rates {
    fn default() -> Self {
        Self {
            grab_user: 50,
            grab: 50_000,
            send_user: 100,
            send: 5_000,
            login_user: 5,
            login: 500,
            view_user: 50,
            in_flight: 256,
        }
    }
}

impl Rates {
    const NAMES: &str = "grab_user, grab, send_user, send, login_user, login, view_user, in_flight";

    /// Reads `name=number` pairs separated by commas; what is not named stays at its default.
    ///
    /// # Errors
    /// Occurs for another name or form: what the text must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rates = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, number) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "grab_user" => &mut rates.grab_user,
                "grab" => &mut rates.grab,
                "send_user" => &mut rates.send_user,
                "send" => &mut rates.send,
                "login_user" => &mut rates.login_user,
                "login" => &mut rates.login,
                "view_user" => &mut rates.view_user,
                "in_flight" => &mut rates.in_flight,
                _ => return Err(format!("must have {} only, as name=number", Self::NAMES)),
            };
            let number = number.parse().ok().filter(|number| *number <= RATE_MAX);
            *place = number.ok_or_else(|| format!("must have a whole number from 0 to {RATE_MAX} for {name}"))?;
        }
        Ok(rates)
    }
}

/// A bucket that refills at a rate: the microseconds a token takes, and those of a full one. Both 0 for no limit.
#[must_use]
pub fn bucket_us(per_s: u32, burst_s: u32) -> (i64, i64) {
    match 1_000_000_u32.checked_div(per_s) {
        None => (0, 0),
        Some(interval_us) => (interval_us.into(), i64::from(burst_s).saturating_mul(1_000_000)),
    }
}

/// What can be given up under load. Deliberately absent: open, which never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Statements, lists and the details of a packet.
    History,
    /// New packets.
    Send,
    /// New shares.
    Grab,
}

/// A rung of the ladder. Each gives up what the one before does, and one thing more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything is served.
    #[default]
    Normal,
    /// No history and no details.
    NoHistory,
    /// No new packets.
    NoSends,
    /// No new shares.
    NoGrabs,
}

impl Level {
    /// All levels, by number.
    pub const ALL: [Self; 4] = [Self::Normal, Self::NoHistory, Self::NoSends, Self::NoGrabs];
    /// From how many unsettled entries of a journal on each level after the first holds.
    const BACKLOG: [i64; 3] = [50_000, 200_000, 1_000_000];

    /// The level with this number.
    #[must_use]
    pub fn numbered(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// The level's number.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Normal => 0,
            Self::NoHistory => 1,
            Self::NoSends => 2,
            Self::NoGrabs => 3,
        }
    }

    /// The level for a journal in which so many entries wait: what is open is settled first.
    #[must_use]
    pub fn of_backlog(entries: i64) -> Self {
        let steps = Self::BACKLOG.iter().filter(|from| entries >= **from).count();
        Self::ALL.get(steps).copied().unwrap_or(Self::NoGrabs)
    }

    /// Whether an operation is given up.
    #[must_use]
    pub fn sheds(self, operation: Operation) -> bool {
        match operation {
            Operation::History => self >= Self::NoHistory,
            Operation::Send => self >= Self::NoSends,
            Operation::Grab => self >= Self::NoGrabs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Operation, Rates, bucket_us};

    #[test]
    fn rates_are_read_by_name_and_the_others_stay() {
        let rates = Rates::parse("grab_user=5, send=0").expect("rates");
        assert_eq!(rates, Rates { grab_user: 5, send: 0, ..Rates::default() });
        assert_eq!(Rates::parse(""), Ok(Rates::default()));
        for wrong in ["grab", "grab=", "grab=-1", "grab=1000001", "open=3", "grab:3"] {
            assert!(Rates::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!((bucket_us(50, 10), bucket_us(0, 10)), ((20_000, 10_000_000), (0, 0)));
    }

    #[test]
    fn each_level_gives_up_one_thing_more() {
        let all = [Operation::History, Operation::Send, Operation::Grab];
        for (level, shed) in Level::ALL.into_iter().zip(0..) {
            assert_eq!(all.iter().filter(|operation| level.sheds(**operation)).count(), shed, "{level:?}");
            assert_eq!(Level::numbered(level.number()), Some(level));
        }
        let levels =
            [0, 49_999, 50_000, 200_000, 999_999, 1_000_000].map(|entries| Level::of_backlog(entries).number());
        assert_eq!((levels, Level::numbered(4), Level::numbered(-1)), ([0, 0, 1, 2, 2, 3], None, None));
    }
}
