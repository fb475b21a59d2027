//! A busy group to look at (`up --demo`): guests who send, grab and open now and then, as long as the system is up.
//!
//! They are people like any others and know nothing that the API does not tell.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

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
/// The packets that are there at once.
const AT_ONCE: usize = 6;

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
        let mut party = Party { base_url: base_url.to_owned(), tokens: Vec::new() };
        for guest in GUESTS {
            party.tokens.push(login(base_url, guest)?);
        }
        for _ in 0..AT_ONCE {
            party.packet()?;
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
}

impl Party {
    fn go_on(&self, home: &Receiver<()>) {
        let mut rounds = 0_u32;
        let pause = || Duration::from_millis(fastrand::u64(3_000..9_000));
        while let Err(RecvTimeoutError::Timeout) = home.recv_timeout(pause()) {
            rounds = rounds.wrapping_add(1);
            // Refused (for lack of money, say) or not answered: the next round is another.
            let _ = if rounds.is_multiple_of(12) { self.rain() } else { self.packet() };
        }
    }

    /// Somebody sends a packet, and some of the others open a share of it.
    fn packet(&self) -> Result<()> {
        let count = fastrand::usize(3..=8);
        let (greeting, cover) = GREETINGS[fastrand::usize(..GREETINGS.len())];
        let kind = if fastrand::u8(..4) == 0 { "equal" } else { "lucky" };
        let draft = json!({"kind": kind, "total_fen": fastrand::u32(188..=6_666), "count": count, "to": {"group": GROUP},
            "greeting": greeting, "cover": cover, "expires_in_s": LIFE_S});
        let sender = fastrand::usize(..self.tokens.len());
        let packet = self.send(&self.tokens[sender], &draft)?;
        let mut others: Vec<&String> = self.tokens.iter().collect();
        fastrand::shuffle(&mut others);
        // One share at least is left for who looks on.
        for token in others.iter().take(fastrand::usize(0..count)) {
            self.take(token, &packet)?;
        }
        Ok(())
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
