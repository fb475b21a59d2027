//! Signatures of what the system hands out and takes back: quotes, vouchers, and the MACs of packets' passwords.
//!
//! **Invariant:** every use has a domain of its own inside the MAC, so that nothing signed for one purpose
//! passes for another. Comparison is constant-time.
//!
//! **Invariant:** what is signed names its key. One key signs, several verify: so keys can change while quotes, vouchers
//! and passwords of the old one are out. The name is no proof and outside the MAC: a key that is renamed is the same
//! key, so what names none of the keys in force is tried with each of them.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{PacketId, text};

const MAC_BYTES: usize = 32;
/// The longest id of a key, in ASCII characters.
pub const KEY_ID_MAX_CHARS: usize = 16;

/// What a signature is for; its text is inside the MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A checked draft of a packet.
    Quote,
    /// A share bound to a user.
    Voucher,
    /// A packet's password, kept only as a MAC.
    Password,
}

impl Domain {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Quote => b"hongbao/quote/1\0",
            Self::Voucher => b"hongbao/voucher/1\0",
            Self::Password => b"hongbao/password/1\0",
        }
    }
}

/// A signing key: HMAC-SHA-256, 32 bytes, and the id by which what it signs names it.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    /// The id that follows from the bytes.
    derived_id: String,
    mac: Hmac<Sha256>,
}

impl SigningKey {
    /// The key with these bytes. Its id follows from them.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        // HMAC pads a key with zeros to the hash's block of 64 bytes (RFC 2104).
        let mut block = [0; 64];
        if let Some((key, _)) = block.split_first_chunk_mut::<32>() {
            *key = *bytes;
        }
        let mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        let digest: [u8; MAC_BYTES] = mac.clone().chain_update(b"hongbao/key-id/1\0").finalize().into_bytes().into();
        let id = digest.first_chunk::<4>().map_or(0, |start| u32::from_be_bytes(*start));
        let derived_id = format!("k{id:08x}");
        Self { id: derived_id.clone(), derived_id, mac }
    }

    /// Reads a key: 64 hexadecimal digits, or `<id>:` and those.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((id, hex)) = text.split_once(':') else { return parse_hex(text).as_ref().map(Self::new) };
        is_id(id).then(|| parse_hex(hex)).flatten().map(|bytes| Self { id: id.to_owned(), ..Self::new(&bytes) })
    }

    /// The key's id: given, or made from its bytes.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id that is made from the key's bytes, whatever id is given: it tells the key apart after a renaming.
    #[must_use]
    pub fn derived_id(&self) -> &str {
        &self.derived_id
    }

    fn mac(&self, domain: Domain, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(domain.label());
        mac.update(payload);
        mac
    }

    /// `payload` and its MAC, as base64url text behind the key's id.
    #[must_use]
    pub fn seal(&self, domain: Domain, payload: &[u8]) -> String {
        let mac: [u8; MAC_BYTES] = self.mac(domain, payload).finalize().into_bytes().into();
        format!("{}.{}", self.id, Base64UrlUnpadded::encode_string(&[payload, &mac].concat()))
    }

    fn unseal(&self, domain: Domain, bytes: &[u8]) -> Option<Vec<u8>> {
        let (payload, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        self.mac(domain, payload).verify_slice(mac).ok()?;
        Some(payload.to_owned())
    }

    /// The MAC of a password's text for one packet: 32 hexadecimal digits, worthless without the key.
    fn text_mac(&self, packet: PacketId, text: &str) -> String {
        let payload = [packet.bytes().as_slice(), text.as_bytes()].concat();
        let mac: [u8; MAC_BYTES] = self.mac(Domain::Password, &payload).finalize().into_bytes().into();
        crate::split::hex(mac.first_chunk::<16>().map_or(&[], |half| half.as_slice()))
    }
}

/// Whether a text can be a key's id.
fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=KEY_ID_MAX_CHARS).contains(&id.len()) && id.bytes().all(allowed)
}

/// Whether an id has the form of those that follow from a key's bytes.
fn is_derived_id(id: &str) -> bool {
    let digits = id.strip_prefix('k').unwrap_or_default();
    digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The signing keys in force: the first signs, all verify.
#[derive(Clone)]
pub struct SigningKeys {
    first: SigningKey,
    others: Vec<SigningKey>,
}

impl From<SigningKey> for SigningKeys {
    fn from(first: SigningKey) -> Self {
        Self { first, others: Vec::new() }
    }
}

impl SigningKeys {
    /// Reads the variable `signing_key`: keys as [`SigningKey::parse`] reads them, separated by commas.
    ///
    /// # Errors
    /// Occurs for another form, and for an id that is there twice: what is wrong, without the keys.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || {
            format!(
                "must be 64 hexadecimal digits, with <id>: before them or not (1 to {KEY_ID_MAX_CHARS} characters of \
                 A-Z a-z 0-9 _ -); several are separated by commas, and the first signs"
            )
        };
        let keys: Option<Vec<SigningKey>> = text.split(',').map(|key| SigningKey::parse(key.trim())).collect();
        let mut keys = keys.ok_or_else(form)?.into_iter();
        let mut all = Self::from(keys.next().ok_or_else(form)?);
        for key in keys {
            if all.all().any(|other| other.id == key.id) {
                return Err(format!("must have the id {} once", key.id));
            }
            all.others.push(key);
        }
        Ok(all)
    }

    /// These keys and one more that verifies, unless it is among them under whatever name.
    #[must_use]
    pub fn and(mut self, key: Option<SigningKey>) -> Self {
        self.others.extend(key.filter(|key| self.all().all(|other| other.derived_id != key.derived_id)));
        self
    }

    /// These keys under their full names, for a record of them that a renaming does not break: the id that is given, `/`,
    /// and the one that follows from the bytes; that one alone where none is given.
    #[must_use]
    pub fn with_full_ids(&self) -> Self {
        let full = |key: &SigningKey| SigningKey {
            id: if key.id == key.derived_id { key.id.clone() } else { format!("{}/{}", key.id, key.derived_id) },
            ..key.clone()
        };
        Self { first: full(&self.first), others: self.others.iter().map(full).collect() }
    }

    /// The key that signs.
    #[must_use]
    pub const fn first(&self) -> &SigningKey {
        &self.first
    }

    /// Every key, the one that signs first.
    pub fn all(&self) -> impl Iterator<Item = &SigningKey> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// The key with this id: the one that was given, else the one that follows from its bytes.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<&SigningKey> {
        self.all().find(|key| key.id == id).or_else(|| self.all().find(|key| key.derived_id == id))
    }

    /// Whether these keys decide about what was signed, as far as its form tells: it names one of them, or it cannot be
    /// of the key that a ledger makes for itself. That one has no name but the one that follows from its bytes, and from
    /// before keys had names, none.
    #[must_use]
    pub fn decide(&self, signed: &str) -> bool {
        let (id, text) = signed.split_once('.').map_or((None, signed), |(id, text)| (Some(id), text));
        // The shortest that is signed, a password's MAC, has 32 characters.
        let is_text =
            text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        !is_text || id.is_some_and(|id| self.named(id).is_some() || !is_derived_id(id))
    }

    /// `payload`, sealed with the key that signs.
    #[must_use]
    pub fn seal(&self, domain: Domain, payload: &[u8]) -> String {
        self.first.seal(domain, payload)
    }

    /// The payload of a sealed text; `None` unless one of these keys sealed it for this domain. The name that it bears is
    /// no proof: the key may have had another when it sealed.
    #[must_use]
    pub fn unseal(&self, domain: Domain, sealed: &str) -> Option<Vec<u8>> {
        let text = match sealed.split_once('.') {
            Some((id, text)) => is_id(id).then_some(text)?,
            None => sealed,
        };
        let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
        self.all().find_map(|key| key.unseal(domain, &bytes))
    }

    /// How the password of `packet` is kept: the id of the key, and the MAC of the [word](text::word) that it is.
    #[must_use]
    pub fn password_mac(&self, packet: PacketId, password: &str) -> String {
        format!("{}.{}", self.first.id, self.first.text_mac(packet, &text::word(password)))
    }

    /// Whether `guess` is the password of `packet` that is kept as `kept`, by any of the keys. Of packets that are out
    /// from before, what is kept may be the word as it was [compared formerly](text::former_word), and before keys had
    /// names, the text as it was typed: so the guess is taken in these forms, too. Both may go 9 days after the last
    /// instance from before was updated, when no such packet can be open any more.
    #[must_use]
    pub fn is_password(&self, packet: PacketId, kept: &str, guess: &str) -> bool {
        let (mac, typed) = kept.split_once('.').map_or((kept, Some(guess)), |(_, mac)| (mac, None));
        let (word, former) = (text::word(guess), text::former_word(guess));
        let forms = || [Some(word.as_str()), Some(former.as_str()), typed].into_iter().flatten();
        // Both are MACs under a secret key: comparing them tells nothing about the password.
        self.all().any(|key| forms().any(|form| key.text_mac(packet, form) == mac))
    }
}

/// Reads 32 bytes from 64 hexadecimal digits of either case.
#[must_use]
pub fn parse_hex(hex: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = hex.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let bytes: Option<Vec<u8>> =
        digits?.as_chunks::<2>().0.iter().map(|[high, low]| high.checked_mul(16)?.checked_add(*low)).collect();
    if hex.len() == 64 { bytes?.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{Domain, SigningKey, SigningKeys};

    #[test]
    fn a_seal_opens_only_with_its_key_domain_and_bytes() {
        let keys = SigningKeys::from(SigningKey::new(&[7; 32]));
        let sealed = keys.seal(Domain::Quote, b"payload");
        assert_eq!(keys.unseal(Domain::Quote, &sealed).as_deref(), Some(b"payload".as_slice()));
        assert_eq!(keys.unseal(Domain::Voucher, &sealed), None);
        assert_eq!(SigningKeys::from(SigningKey::new(&[8; 32])).unseal(Domain::Quote, &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(keys.unseal(Domain::Quote, sealed.get(..cut).expect("ASCII")), None);
        }
    }
}
