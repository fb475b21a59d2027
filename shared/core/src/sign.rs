//! Signatures of what the system hands out and takes back: quotes and vouchers.
//!
//! **Invariant:** every use has a domain of its own inside the MAC, so that nothing signed for one purpose
//! passes for another. Comparison is constant-time.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::PacketId;

const MAC_BYTES: usize = 32;

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

/// The application's signing key: HMAC-SHA-256, 32 bytes.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        // HMAC pads a key with zeros to the hash's block of 64 bytes (RFC 2104).
        let mut block = [0; 64];
        if let Some((key, _)) = block.split_first_chunk_mut::<32>() {
            *key = *bytes;
        }
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// Reads a key of 64 hexadecimal digits.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        parse_hex(hex).as_ref().map(Self::new)
    }

    fn mac(&self, domain: Domain, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(domain.label());
        mac.update(payload);
        mac
    }

    /// `payload` and its MAC, as base64url text.
    #[must_use]
    pub fn seal(&self, domain: Domain, payload: &[u8]) -> String {
        let mac: [u8; MAC_BYTES] = self.mac(domain, payload).finalize().into_bytes().into();
        Base64UrlUnpadded::encode_string(&[payload, &mac].concat())
    }

    /// The payload of a sealed text; `None` unless [`seal`](Self::seal) made it with this key and domain.
    #[must_use]
    pub fn unseal(&self, domain: Domain, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = Base64UrlUnpadded::decode_vec(sealed).ok()?;
        let mac = bytes.split_off(bytes.len().checked_sub(MAC_BYTES)?);
        self.mac(domain, &bytes).verify_slice(&mac).ok()?;
        Some(bytes)
    }

    /// How the password of `packet` is kept: 32 hexadecimal digits, worthless without the key.
    #[must_use]
    pub fn password_mac(&self, packet: PacketId, password: &str) -> String {
        let payload = [packet.bytes().as_slice(), password.as_bytes()].concat();
        let mac: [u8; MAC_BYTES] = self.mac(Domain::Password, &payload).finalize().into_bytes().into();
        crate::split::hex(mac.first_chunk::<16>().map_or(&[], |half| half.as_slice()))
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
    use super::{Domain, SigningKey};

    #[test]
    fn a_seal_opens_only_with_its_key_domain_and_bytes() {
        let key = SigningKey::new(&[7; 32]);
        let sealed = key.seal(Domain::Quote, b"payload");
        assert_eq!(key.unseal(Domain::Quote, &sealed).as_deref(), Some(b"payload".as_slice()));
        assert_eq!(key.unseal(Domain::Voucher, &sealed), None);
        assert_eq!(SigningKey::new(&[8; 32]).unseal(Domain::Quote, &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(key.unseal(Domain::Quote, sealed.get(..cut).expect("ASCII")), None);
        }
    }
}
