//! The voucher: `grab`'s signed receipt for one share, which `open` takes back.

use crate::sign::{Domain, SigningKeys};
use crate::{Error, PacketId, UserId};

/// A share of a packet bound to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// The packet.
    pub packet: PacketId,
    /// The share's number, from 0.
    pub seq: u32,
    /// The shard's epoch when the share was bound: a rebuilt shard has a later one.
    pub epoch: u32,
    /// When the voucher is of no use any more, Unix milliseconds.
    pub expires_at_ms: i64,
    /// Who it is for.
    pub user: UserId,
}

/// How long after the packet's end a voucher still answers what its share was, in milliseconds: 30 days.
pub const KEPT_AFTER_END_MS: i64 = 30 * 24 * 3600 * 1000;

impl Voucher {
    /// The voucher as signed text.
    #[must_use]
    pub fn seal(&self, keys: &SigningKeys) -> String {
        let mut payload = Vec::with_capacity(96);
        payload.extend(self.packet.bytes());
        payload.extend(self.seq.to_be_bytes());
        payload.extend(self.epoch.to_be_bytes());
        payload.extend(self.expires_at_ms.to_be_bytes());
        payload.extend(self.user.as_str().as_bytes());
        keys.seal(Domain::Voucher, &payload)
    }

    /// Reads a voucher for `packet` presented by `user` at `now_ms`.
    ///
    /// # Errors
    /// [`Error::InvalidVoucher`] when it was not sealed with one of these keys, or is for another user or packet;
    /// [`Error::Expired`] when its time is over.
    pub fn unseal(keys: &SigningKeys, text: &str, packet: PacketId, user: &UserId, now_ms: i64) -> Result<Self, Error> {
        let payload = keys.unseal(Domain::Voucher, text).ok_or(Error::InvalidVoucher)?;
        let voucher = Self::parse(&payload).ok_or(Error::InvalidVoucher)?;
        if voucher.packet != packet || voucher.user != *user {
            return Err(Error::InvalidVoucher);
        }
        if now_ms >= voucher.expires_at_ms {
            return Err(Error::Expired);
        }
        Ok(voucher)
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let (packet, rest) = payload.split_first_chunk::<16>()?;
        let (seq, rest) = rest.split_first_chunk::<4>()?;
        let (epoch, rest) = rest.split_first_chunk::<4>()?;
        let (expires, user) = rest.split_first_chunk::<8>()?;
        Some(Self {
            packet: PacketId::from_bytes(*packet),
            seq: u32::from_be_bytes(*seq),
            epoch: u32::from_be_bytes(*epoch),
            expires_at_ms: i64::from_be_bytes(*expires),
            user: UserId::parse(core::str::from_utf8(user).ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Voucher;
    use crate::sign::{SigningKey, SigningKeys};
    use crate::{Error, PacketId, UserId};

    #[test]
    fn a_voucher_is_good_for_its_user_packet_and_time_only() {
        let key = SigningKeys::from(SigningKey::new(&[1; 32]));
        let user = UserId::parse("us_bob").expect("valid");
        let packet = PacketId::new(5, 0, 9);
        let voucher = Voucher { packet, seq: 3, epoch: 1, expires_at_ms: 100, user: user.clone() };
        let text = voucher.seal(&key);
        assert_eq!(Voucher::unseal(&key, &text, packet, &user, 99), Ok(voucher));
        assert_eq!(Voucher::unseal(&key, &text, packet, &user, 100), Err(Error::Expired));
        let other = UserId::parse("us_eve").expect("valid");
        assert_eq!(Voucher::unseal(&key, &text, packet, &other, 1), Err(Error::InvalidVoucher));
        assert_eq!(Voucher::unseal(&key, &text, PacketId::new(5, 0, 8), &user, 1), Err(Error::InvalidVoucher));
    }
}
