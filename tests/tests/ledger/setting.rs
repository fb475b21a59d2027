//! People with money, packets, and entries of the journal.

use hongbao_core::draft::Limits;
use hongbao_core::packet::Recipient;
use hongbao_core::quote::Quote;
use hongbao_core::split::{Kind, Seed};
use hongbao_core::{Fen, GroupId, PacketId, UserId};
use hongbao_spin::ledger::{Ledger, Packet, Settlement};

/// When all this happens, Unix milliseconds.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
/// How long a packet lives.
pub(crate) const LIFE_MS: i64 = 24 * 3_600_000;
/// Limits that nobody reaches.
pub(crate) const NO_LIMITS: Limits = Limits {
    share_average_fen: i64::MAX,
    count: i64::MAX,
    count_company: i64::MAX,
    daily_send_fen: i64::MAX / 4,
    daily_send_count: i64::MAX / 4,
};

/// An amount.
pub(crate) fn fen(fen: i64) -> Fen {
    Fen::new(fen).expect("an amount")
}

/// A user, by a name.
pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(&format!("us_{name}")).expect("a user's id")
}

/// A packet's id, by a number.
pub(crate) fn id(number: u64) -> PacketId {
    PacketId::new(NOW_MS.unsigned_abs(), 0, number)
}

/// A quote for the packet `number` of `sender`.
pub(crate) fn quote(number: u64, sender: &UserId, total_fen: i64, count: u32) -> Quote {
    Quote {
        packet: id(number),
        sender: sender.clone(),
        kind: Kind::Lucky,
        total: fen(total_fen),
        count,
        to: Recipient::Group(GroupId::parse("g_family").expect("a group's id")),
        greeting: Some("恭喜发财".to_owned()),
        cover: None,
        password_mac: None,
        starts_at_ms: None,
        lifetime_ms: LIFE_MS,
        expires_at_ms: NOW_MS + 300_000,
    }
}

/// What decides the shares of the packet `number`.
pub(crate) fn seed(number: u64) -> Seed {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    seed
}

/// A packet that is sent by somebody who has just enough for it.
pub(crate) async fn sent(ledger: &Ledger, number: u64, total_fen: i64, count: u32) -> Packet {
    let sender = user(&format!("sender{number}"));
    ledger.deposit(&format!("for-{number}"), &sender, fen(total_fen), NOW_MS).await.expect("a deposit");
    let quote = quote(number, &sender, total_fen, count);
    ledger.fund(&quote, &seed(number), Some(0), &NO_LIMITS, NOW_MS).await.expect("a packet is sent")
}

/// The journal that a test writes: every entry gets the next place.
#[derive(Default)]
pub(crate) struct Journal(u64);

impl Journal {
    fn entry(&mut self, kind: &'static str, packet: &str, text: &str) -> Settlement {
        self.0 += 1;
        Settlement {
            event: format!("0:{NOW_MS}-{}", self.0),
            kind,
            packet: packet.to_owned(),
            text: format!("{kind} {packet} {text}"),
            ..Settlement::default()
        }
    }

    /// A shard has the packet.
    pub(crate) fn load(&mut self, packet: &Packet) -> Settlement {
        self.entry("load", &packet.facts.id.to_string(), "1")
    }

    /// `user` opened the share `seq`. The amount is the one of the packet's seed, as the settlement works it out.
    pub(crate) fn open(&mut self, packet: &Packet, seq: u32, user: &UserId) -> Settlement {
        let amount = usize::try_from(seq).ok().and_then(|seq| packet.facts.amounts().get(seq).copied());
        Settlement {
            seq: Some(seq.into()),
            user: Some(user.to_string()),
            amount_fen: amount.map(Fen::get),
            at_ms: Some(NOW_MS + i64::from(seq)),
            ..self.entry("open", &packet.facts.id.to_string(), &format!("1 {seq} {user}"))
        }
    }

    /// The packet's time was over when `opened` shares were opened.
    pub(crate) fn close(&mut self, packet: &Packet, opened: u32) -> Settlement {
        Settlement {
            opened: Some(opened),
            at_ms: Some(NOW_MS + LIFE_MS + i64::from(opened)),
            ..self.entry("close", &packet.facts.id.to_string(), &format!("1 {opened}"))
        }
    }

    /// A receipt whose share somebody else has.
    pub(crate) fn contest(&mut self, packet: &Packet) -> Settlement {
        self.entry("contest", &packet.facts.id.to_string(), "1")
    }

    /// Something that nobody can read.
    pub(crate) fn poison(&mut self) -> Settlement {
        self.entry("poison", "", "?")
    }

    /// The fence of a batch read from `shard` under `epoch`, whose last entry is the `place`-th.
    pub(crate) fn fence(shard: u16, epoch: u32, place: i64) -> Settlement {
        Settlement {
            kind: "fence",
            packet: shard.to_string(),
            opened: Some(epoch),
            at_ms: Some(NOW_MS),
            seq: Some(place),
            ..Settlement::default()
        }
    }
}
