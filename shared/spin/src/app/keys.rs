//! The keys in force: the configured ones, else those that the ledger makes for itself.

use hongbao_core::Error;
use hongbao_core::sign::{SigningKey, SigningKeys};
use hongbao_core::token::{AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Key};

use super::App;

/// The name of the signing key that a ledger makes for itself.
const SIGNING_KEY: &str = "signing_key";
/// How long a ledger that did not tell its own signing key is not asked for it again, in milliseconds.
const OLD_KEYS_PAUSE_MS: i64 = 1_000;

/// The keys in force.
pub struct Keys {
    /// Sign quotes, vouchers and passwords: the first. All verify.
    pub signing: SigningKeys,
    /// Verify tokens, each of one audience; the first that can, signs.
    pub tokens: Vec<Key>,
}

impl App {
    /// The keys in force: the configured ones, else the ledger's own, made at first use.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a key has to come from the ledger and it does not answer.
    pub async fn keys(&self) -> Result<&Keys, Error> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let malformed = || Error::Internal("a key that the ledger made is malformed".into());
        let signing = match &self.parts.signing_keys {
            Some(keys) => keys.clone(),
            None => SigningKey::parse(&self.local_key(SIGNING_KEY).await?).ok_or_else(malformed)?.into(),
        };
        let tokens = match self.parts.jwt_keys.as_slice() {
            [] => {
                let people = self.local_key("jwt_key").await?;
                let operators = self.local_key("operator_jwt_key").await?;
                let people = Key::hs256("local", AUDIENCE_PEOPLE, people.as_bytes());
                let operators = Key::hs256("local-operator", AUDIENCE_OPERATOR, operators.as_bytes());
                vec![people.ok_or_else(malformed)?, operators.ok_or_else(malformed)?]
            }
            keys => keys.to_vec(),
        };
        Ok(self.keys.get_or_init(|| Keys { signing, tokens }))
    }

    /// The keys that decide about something signed: those in force; and where it names none of them, the key with them
    /// that this ledger made for itself before any was configured, if it did: what that one signed stays good. The ledger
    /// is asked once an instance, and where it does not answer, once a second: whatever anybody invents.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger has to be asked and does not answer, [`Error::Degraded`] when it did not a
    /// moment ago, or is asked for too much already.
    pub(crate) async fn signing_keys_of(&self, signed: &str) -> Result<&SigningKeys, Error> {
        let in_force = &self.keys().await?.signing;
        if self.parts.signing_keys.is_none() || in_force.decide(signed) {
            return Ok(in_force);
        }
        if let Some(keys) = self.old_signing_keys.get() {
            return Ok(keys);
        }
        let now_ms = self.now_ms();
        let is_fresh = |at_ms: i64| (at_ms..at_ms.saturating_add(OLD_KEYS_PAUSE_MS)).contains(&now_ms);
        if self.old_keys_missed_ms.get().is_some_and(is_fresh) {
            return Err(Error::Degraded);
        }
        let _turn = self.ledger_turn()?;
        let asked = async { self.ledger().await?.existing_local_key(SIGNING_KEY).await }.await;
        let own = asked.inspect_err(|_| self.old_keys_missed_ms.set(Some(now_ms)))?;
        let own = own.and_then(|hex| SigningKey::parse(&hex));
        Ok(self.old_signing_keys.get_or_init(|| in_force.clone().and(own)))
    }

    async fn local_key(&self, name: &str) -> Result<String, Error> {
        let fresh = hongbao_core::split::hex(&self.random_32());
        self.ledger().await?.local_key(name, &fresh).await
    }
}
