//! A busy group to look at (`up --demo`): guests who send, grab and open now and then, as long as the system is up.
//!
//! They are people like any others and know nothing that the API does not tell.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http;

/// The group.
pub(crate) const GROUP: &str = "g_demo";
/// The guests. Whoever looks on is somebody else, `us_alice` for one.
const GUESTS: [&str; 6] = ["us_carol", "us_dave", "us_erin", "us_frank", "us_grace", "us_heidi"];
const GREETINGS: [(&str, &str); 8] = [
    ("恭喜发财，大吉大利", "classic"),
    ("马到成功 🐴", "zodiac"),
    ("年年有余", "koi"),
    ("龙马精神", "dragon"),
    ("花开富贵", "peony"),
    ("元宵快乐，团团圆圆 🏮", "lantern"),
    ("谢谢大家今年的帮助", "classic"),
    ("Happy New Year! 🎆", "lantern"),
];
/// How long a packet lives, in seconds: soon enough for its rest to come back and be sent again.
const LIFE_S: u32 = 180;
/// The packets that are there at once; half of them finished, so that who looks on meets best luck and the proof.
const AT_ONCE: usize = 6;
/// How long shares are left for who looks on before the guests open the rest of every second packet.
const LEFT_FOR: Duration = Duration::from_secs(25);

/// Guests at work. Dropping it sends them home.
pub(crate) struct Guests {
    _stay: Sender<()>,
}

impl Guests {
    /// Lets them in, and waits until the group has its first packets.
    ///
    /// # Errors
    /// Occurs when they cannot log in or send.
    pub(crate) fn invite(base_url: &str) -> Result<Self> {
        let mut party = Party { base_url: base_url.to_owned(), tokens: Vec::new(), unfinished: VecDeque::new() };
        for guest in GUESTS {
            party.tokens.push(login(base_url, guest)?);
        }
        for number in 0..AT_ONCE {
            party.packet()?;
            if number.is_multiple_of(2) {
                party.finish(Duration::ZERO)?;
            }
        }
        party.rain()?;
        let (stay, home) = channel();
        thread::Builder::new().name("guests".to_owned()).spawn(move || party.go_on(&home))?;
        Ok(Self { _stay: stay })
    }
}

/// Logs somebody in as a member of the group; the token.
///
/// # Errors
/// Occurs when the application refuses.
pub(crate) fn login(base_url: &str, user: &str) -> Result<String> {
    let answer = http::post(&format!("{base_url}/v1/dev/login"), None, &json!({"user": user, "groups": [GROUP]}))?;
    Ok(answer["token"].as_str().context("the login answered no token")?.to_owned())
}

struct Party {
    base_url: String,
    tokens: Vec<String>,
    /// Packets with shares left, the oldest first.
    unfinished: VecDeque<Unfinished>,
}

/// A packet with shares left.
struct Unfinished {
    id: String,
    sent_at: Instant,
    /// The guests, by number, who have not opened a share of it: as many as there are shares left.
    guests: Vec<usize>,
}

impl Party {
    fn go_on(mut self, home: &Receiver<()>) {
        let mut rounds = 0_u32;
        let pause = || Duration::from_millis(fastrand::u64(3_000..9_000));
        while let Err(RecvTimeoutError::Timeout) = home.recv_timeout(pause()) {
            rounds = rounds.wrapping_add(1);
            // Refused (for lack of money, say) or not answered: the next round is another.
            let _ = if rounds.is_multiple_of(12) { self.rain() } else { self.packet() };
            if rounds.is_multiple_of(2) {
                let _ = self.finish(LEFT_FOR);
            }
        }
    }

    /// Somebody sends a packet, and some of the guests open a share of it. One share at least is left.
    fn packet(&mut self) -> Result<()> {
        let count = fastrand::usize(3..=self.tokens.len());
        let (greeting, cover) = GREETINGS[fastrand::usize(..GREETINGS.len())];
        let kind = if fastrand::u8(..4) == 0 { "equal" } else { "lucky" };
        let draft = json!({"kind": kind, "total_fen": fastrand::u32(188..=6_666), "count": count, "to": {"group": GROUP},
            "greeting": greeting, "cover": cover, "expires_in_s": LIFE_S});
        let id = self.send(&self.tokens[fastrand::usize(..self.tokens.len())], &draft)?;
        let mut guests: Vec<usize> = (0..self.tokens.len()).collect();
        fastrand::shuffle(&mut guests);
        guests.truncate(count);
        let left = guests.split_off(fastrand::usize(0..count));
        self.unfinished.push_back(Unfinished { id: id.clone(), sent_at: Instant::now(), guests: left });
        guests.iter().try_for_each(|guest| self.take(&self.tokens[*guest], &id))
    }

    /// The guests open what is left of the oldest packet that was sent so long ago; the one after it is left to expire,
    /// so that there is a refund to see, too.
    fn finish(&mut self, left_for: Duration) -> Result<()> {
        let is_due = |packet: &Unfinished| packet.sent_at.elapsed() >= left_for;
        if !self.unfinished.front().is_some_and(is_due) {
            return Ok(());
        }
        let packet = self.unfinished.pop_front().context("there is one")?;
        if left_for > Duration::ZERO {
            self.unfinished.pop_front_if(|next| is_due(next));
        }
        packet.guests.iter().try_for_each(|guest| self.take(&self.tokens[*guest], &packet.id))
    }

    /// Somebody plans a packet for later.
    fn rain(&self) -> Result<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let starts_at_ms = u64::try_from((now + Duration::from_secs(60)).as_millis())?;
        let draft = json!({"kind": "lucky", "total_fen": 8_888, "count": 20, "to": {"group": GROUP}, "greeting": "红包雨，准时开抢！",
            "cover": "dragon", "starts_at_ms": starts_at_ms, "expires_in_s": LIFE_S});
        self.send(&self.tokens[fastrand::usize(..self.tokens.len())], &draft).map(drop)
    }

    fn send(&self, token: &str, draft: &Value) -> Result<String> {
        let quote = self.post(token, "/v1/wrap", draft)?["quote"].clone();
        let sent = self.post(token, "/v1/send", &json!({"quote": quote}))?;
        Ok(sent["packet_id"].as_str().context("send answered no packet")?.to_owned())
    }

    fn take(&self, token: &str, packet: &str) -> Result<()> {
        let voucher = self.post(token, &format!("/v1/packets/{packet}/grab"), &json!({}))?["voucher"].clone();
        self.post(token, &format!("/v1/packets/{packet}/open"), &json!({"voucher": voucher})).map(drop)
    }

    fn post(&self, token: &str, path: &str, body: &Value) -> Result<Value> {
        http::post(&format!("{}{path}", self.base_url), Some(token), body)
    }
}
