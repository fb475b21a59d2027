//! Names: packets (`hb_…`), users (`us_…`), groups (`g_…`), exceptions (`ex_…`).

use serde::{Deserialize, Serialize};

/// A packet's id: when it was wrapped, the shard it lives on, and 64 random bits.
///
/// Written as `hb_` and 26 characters of Crockford's base 32 in lower case, so that ids sort by time as
/// text too. Routing is by id: the shard needs no look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PacketId(u128);

pub(crate) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
pub(crate) const DIGITS: usize = 26;
/// The largest first digit: 26 digits of 5 bits are two more than an id has.
pub(crate) const FIRST_DIGIT_MAX: u8 = b'7';

impl PacketId {
    /// The id of a packet wrapped at `at_ms` (Unix milliseconds, below 2^48) on `shard`; `random` tells
    /// apart packets of the same millisecond.
    #[must_use]
    pub fn new(at_ms: u64, shard: u16, random: u64) -> Self {
        let at = u128::from(at_ms & 0xffff_ffff_ffff);
        Self((at << 80) | (u128::from(shard) << 64) | u128::from(random))
    }

    /// The shard of Redis the packet was made for.
    #[must_use]
    pub fn shard(self) -> u16 {
        u16::try_from((self.0 >> 64) & 0xffff).unwrap_or_default()
    }

    /// When the packet was wrapped, Unix milliseconds.
    #[must_use]
    pub fn wrapped_at_ms(self) -> i64 {
        i64::try_from(self.0 >> 80).unwrap_or_default()
    }

    /// The id's 16 bytes, big-endian: what signatures and commitments cover.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The id with these 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Reads an id; the one parser. `None` for anything that [`Display`](core::fmt::Display) does not write.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("hb_")?;
        if digits.len() != DIGITS || *digits.as_bytes().first()? > FIRST_DIGIT_MAX {
            return None;
        }
        let mut value = 0_u128;
        for byte in digits.bytes() {
            let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
            value = (value << 5) | u128::try_from(digit).ok()?;
        }
        Some(Self(value))
    }
}

impl core::fmt::Display for PacketId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Written on the way of every request, so in one piece.
        let mut text = *b"hb_00000000000000000000000000";
        let mut rest = self.0;
        for letter in text.iter_mut().skip(3).rev() {
            let digit = usize::try_from(rest & 31).unwrap_or_default();
            *letter = ALPHABET.get(digit).copied().unwrap_or_default();
            rest >>= 5;
        }
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

impl From<PacketId> for String {
    fn from(id: PacketId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for PacketId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("must be a packet id: hb_ and 26 characters of 0-9 a-z")
    }
}

/// The most characters of a name after its prefix.
pub(crate) const NAME_MAX_CHARS: usize = 60;

/// A name with a prefix, 1 to [`NAME_MAX_CHARS`] characters of `A-Z a-z 0-9 _ -` after it.
macro_rules! prefixed_name {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What the name starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Reads a name; `None` when the prefix, the length or a character is not allowed.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
                let fits = (1..=NAME_MAX_CHARS).contains(&rest.len()) && rest.bytes().all(allowed);
                fits.then(|| Self(text.to_owned()))
            }

            /// The name as text, prefix included.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
                    .ok_or(concat!("must be ", $prefix, " and 1 to 60 characters of A-Z a-z 0-9 _ -"))
            }
        }
    };
}

prefixed_name!(
    /// A person's id, `us_…`.
    UserId,
    "us_"
);
prefixed_name!(
    /// A group's id, `g_…`.
    GroupId,
    "g_"
);

/// An exception's id: `ex_` and what it is about, 1 to [`EXCEPTION_MAX_CHARS`] characters of `A-Z a-z 0-9 _ - . :`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionId(String);

/// The most characters of an exception's id after its prefix.
pub(crate) const EXCEPTION_MAX_CHARS: usize = 200;

impl ExceptionId {
    /// What the id starts with.
    pub const PREFIX: &'static str = "ex_";

    /// Reads an id; `None` for what no exception can have.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        ((1..=EXCEPTION_MAX_CHARS).contains(&rest.len()) && rest.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The id as text, prefix included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{ExceptionId, PacketId, UserId};

    #[test]
    fn a_packet_id_reads_back_and_sorts_by_time() {
        let early = PacketId::new(1_700_000_000_000, 7, u64::MAX);
        let late = PacketId::new(1_700_000_000_001, 0, 0);
        assert_eq!(PacketId::parse(&early.to_string()), Some(early));
        assert_eq!((early.shard(), early.wrapped_at_ms()), (7, 1_700_000_000_000));
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn only_the_canonical_text_of_a_packet_id_is_read() {
        let id = PacketId::new(1, 2, 3).to_string();
        let wrong = [
            id.to_uppercase(),
            format!("{id}0"),
            id.replacen("hb_", "hb_8", 1),
            id.replacen("hb_0", "hb_8", 1),
            id.replacen("hb_0", "hb_u", 1),
            "hb_".to_owned(),
            String::new(),
        ];
        for text in wrong {
            assert_eq!(PacketId::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn an_exceptions_id_is_what_the_ledger_makes() {
        for id in ["ex_0:1767196801000-0", "ex_drift:wallet:us_a-b_c:0", "ex_lost:hb_01hjz3s2g0000zzzzzzzzzzzzz:2"] {
            assert!(ExceptionId::parse(id).is_some(), "{id}");
        }
        for text in ["ex_", "ex_a b", "ex_\0", "0:1-0", &format!("ex_{}", "a".repeat(201))] {
            assert_eq!(ExceptionId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_have_a_prefix_and_a_bound() {
        assert!(UserId::parse("us_a").is_some());
        for text in ["us_", "a", "us_a b", "us_é", &format!("us_{}", "a".repeat(61))] {
            assert_eq!(UserId::parse(text), None, "{text}");
        }
    }
}
