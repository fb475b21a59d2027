//! Which signing keys are in force, and which of them can be dropped.

use hongbao_core::draft::SCHEDULE_MAX_MS;
use hongbao_core::voucher::KEPT_AFTER_END_MS;
use hongbao_core::wire::EXPIRES_IN_MAX_S;
use hongbao_core::wire::operator::{KeyAnswer, KeysAnswer};
use hongbao_core::{Error, quote};

use crate::App;

/// The longest life of a packet, in milliseconds.
const LIFETIME_MAX_MS: i64 = EXPIRES_IN_MAX_S * 1000;
/// How long a quote, and the password in it, can be out: until the end of a packet that is sent at the last moment.
const PASSWORD_OUT_MS: i64 = quote::VALID_MS + SCHEDULE_MAX_MS + LIFETIME_MAX_MS;
/// How long a voucher can be out: it is given while its packet is open.
const VOUCHER_OUT_MS: i64 = LIFETIME_MAX_MS + KEPT_AFTER_END_MS;
/// How much longer a key is said to be needed: for instances that have not heard of its successor yet.
const MARGIN_MS: i64 = 3_600_000;

/// How long after a key's last signature something that it signed can be out, in milliseconds.
pub const NEEDED_MS: i64 = MARGIN_MS + if VOUCHER_OUT_MS > PASSWORD_OUT_MS { VOUCHER_OUT_MS } else { PASSWORD_OUT_MS };

impl App {
    /// Notes which key signs, so that somebody can say later until when it did.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub(crate) async fn note_keys(&self) -> Result<(), Error> {
        self.ledger().await?.note_keys(&self.keys().await?.signing, self.now_ms()).await
    }

    /// The signing keys that were ever in force, and until when each is needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn key_uses(&self) -> Result<KeysAnswer, Error> {
        let (now_ms, in_force) = (self.now_ms(), &self.keys().await?.signing);
        self.note_keys().await?;
        let uses = self.ledger().await?.key_uses().await?.into_iter().map(|key| {
            let signs = key.id == in_force.first().id();
            let signed_until_ms = if signs { now_ms } else { key.last_ms };
            let needed_until_ms = signed_until_ms.saturating_add(NEEDED_MS);
            KeyAnswer {
                in_force: in_force.named(&key.id).is_some(),
                id: key.id,
                signs,
                signed_until_ms,
                needed_until_ms,
                can_be_dropped: now_ms >= needed_until_ms,
            }
        });
        Ok(KeysAnswer { keys: uses.collect() })
    }
}
