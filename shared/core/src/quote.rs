//! The quote: a checked draft of a packet, signed by `wrap`, taken back by `send`.
//!
//! The packet's id is in it, so that sending the same quote again makes the same packet.

use serde::{Deserialize, Serialize};

use crate::packet::Recipient;
use crate::sign::{Domain, SigningKeys};
use crate::split::Kind;
use crate::wire::WrapRequest;
use crate::{Error, Fen, PacketId, UserId, draft};

/// How long a quote is good for, in milliseconds: 5 minutes.
pub const VALID_MS: i64 = 5 * 60 * 1000;

/// A checked draft of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The id the packet will have.
    pub packet: PacketId,
    /// Who may send it.
    pub sender: UserId,
    /// How the shares are made.
    pub kind: Kind,
    /// The sum of all shares.
    pub total: Fen,
    /// The number of shares.
    pub count: u32,
    /// Who it is for.
    pub to: Recipient,
    /// A line of good wishes.
    pub greeting: Option<String>,
    /// The cover's name.
    pub cover: Option<String>,
    /// The password's MAC.
    pub password_mac: Option<String>,
    /// When it opens; when it is sent, if absent.
    pub starts_at_ms: Option<i64>,
    /// How long it lives once it opens.
    pub lifetime_ms: i64,
    /// When the quote ends.
    pub expires_at_ms: i64,
}

impl Quote {
    /// The quote for a request that [`draft::check`] let through.
    ///
    /// # Errors
    /// Never for such a request; see [`draft::total`].
    pub fn new(
        request: WrapRequest,
        sender: UserId,
        packet: PacketId,
        keys: &SigningKeys,
        now_ms: i64,
    ) -> Result<Self, Error> {
        Ok(Self {
            packet,
            sender,
            total: draft::total(&request)?,
            count: u32::try_from(request.count.get()).unwrap_or(u32::MAX),
            lifetime_ms: draft::lifetime_ms(&request),
            password_mac: request.password.as_deref().map(|password| keys.password_mac(packet, password)),
            kind: request.kind,
            to: request.to,
            greeting: request.greeting,
            cover: request.cover,
            starts_at_ms: request.starts_at_ms.map(|start| start.get()),
            expires_at_ms: now_ms.saturating_add(VALID_MS),
        })
    }

    /// The quote as signed text.
    ///
    /// # Errors
    /// Never: a quote always has a JSON form.
    pub fn seal(&self, keys: &SigningKeys) -> Result<String, Error> {
        let payload = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(keys.seal(Domain::Quote, &payload))
    }

    /// Reads a quote presented by `sender`. Whether it is still in time is for the caller: a packet that
    /// was sent in time answers the same for ever.
    ///
    /// # Errors
    /// [`Error::InvalidQuote`] when it was not sealed with one of these keys or is another user's.
    pub fn unseal(keys: &SigningKeys, text: &str, sender: &UserId) -> Result<Self, Error> {
        let payload = keys.unseal(Domain::Quote, text).ok_or(Error::InvalidQuote)?;
        let quote: Self = serde_json::from_slice(&payload).map_err(|_| Error::InvalidQuote)?;
        if quote.sender == *sender { Ok(quote) } else { Err(Error::InvalidQuote) }
    }

    /// When the packet opens, if it is sent at `now_ms`.
    #[must_use]
    pub fn start_ms(&self, now_ms: i64) -> i64 {
        self.starts_at_ms.map_or(now_ms, |start| start.max(now_ms))
    }
}
