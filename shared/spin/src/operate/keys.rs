//! Which signing keys are in force, and which of them can be dropped.

use hongbao_core::draft::SCHEDULE_MAX_MS;
use hongbao_core::sign::{SigningKey, SigningKeys};
use hongbao_core::voucher::KEPT_AFTER_END_MS;
use hongbao_core::wire::EXPIRES_IN_MAX_S;
use hongbao_core::wire::operator::{KeyAnswer, KeysAnswer};
use hongbao_core::{Error, quote};

use crate::App;
use crate::ledger::KeyUse;

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
        let keys = self.keys().await?.signing.with_full_ids();
        self.ledger().await?.note_keys(&keys, self.now_ms()).await
    }

    /// The signing keys that were ever in force, and until when each is needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the ledger does not answer.
    pub async fn key_uses(&self) -> Result<KeysAnswer, Error> {
        let (now_ms, in_force) = (self.now_ms(), &self.keys().await?.signing);
        self.note_keys().await?;
        let answer = |(derived_id, key): (String, KeyUse)| {
            let configured = in_force.all().find(|configured| configured.derived_id() == derived_id);
            let signs = derived_id == in_force.first().derived_id();
            let signed_until_ms = if signs { now_ms } else { key.last_ms };
            let needed_until_ms = signed_until_ms.saturating_add(NEEDED_MS);
            KeyAnswer {
                in_force: configured.is_some(),
                id: configured.map_or(key.id, |configured| configured.id().to_owned()),
                signs,
                signed_until_ms,
                needed_until_ms,
                can_be_dropped: now_ms >= needed_until_ms,
            }
        };
        let uses = by_key(self.ledger().await?.key_uses().await?, in_force);
        Ok(KeysAnswer { keys: uses.into_iter().map(answer).collect() })
    }
}

/// What is noted, once a key: a key that was renamed is the same key, and the last use under any of its names counts.
/// Beside each, the id that follows from its bytes, or the name alone where nothing tells that id.
fn by_key(noted: Vec<KeyUse>, in_force: &SigningKeys) -> Vec<(String, KeyUse)> {
    // Full names; beside them, those that were noted before there were any.
    let full: Vec<(String, String)> = noted.iter().filter_map(|key| key.id.split_once('/')).map(owned).collect();
    let mut keys: Vec<(String, KeyUse)> = Vec::new();
    for KeyUse { id, last_ms } in noted {
        let (name, derived_id) = match id.split_once('/') {
            Some(full) => owned(full),
            None => {
                let configured = in_force.named(&id).map(SigningKey::derived_id);
                let known = || full.iter().find(|(name, _)| *name == id).map(|(_, derived_id)| derived_id.as_str());
                let derived_id = configured.or_else(known).unwrap_or(&id).to_owned();
                (id, derived_id)
            }
        };
        match keys.iter_mut().find(|(known, _)| *known == derived_id) {
            Some((_, key)) => key.last_ms = key.last_ms.max(last_ms),
            None => keys.push((derived_id, KeyUse { id: name, last_ms })),
        }
    }
    keys
}

fn owned((name, derived_id): (&str, &str)) -> (String, String) {
    (name.to_owned(), derived_id.to_owned())
}

#[cfg(test)]
mod tests {
    use hongbao_core::sign::SigningKeys;

    use super::{KeyUse, by_key};

    fn noted(rows: &[(&str, i64)]) -> Vec<KeyUse> {
        rows.iter().map(|(id, last_ms)| KeyUse { id: (*id).to_owned(), last_ms: *last_ms }).collect()
    }

    #[test]
    fn a_key_that_is_renamed_is_the_same_key() {
        let hex = "03".repeat(32);
        let bare = SigningKeys::parse(&hex).expect("a key");
        let named = SigningKeys::parse(&format!("2026:{hex}")).expect("a key");
        let derived = bare.first().id();
        let full = format!("2026/{derived}");
        assert_eq!((named.with_full_ids().first().id(), bare.with_full_ids().first().id()), (full.as_str(), derived));
        // It was bare and has a name now; it had a name and is bare now; it was noted by its name alone before.
        for (rows, keys) in [
            ([(full.as_str(), 9), (derived, 5)].as_slice(), &named),
            (&[(derived, 5), (full.as_str(), 9)], &bare),
            (&[("2026", 9), (derived, 5)], &named),
            (&[(full.as_str(), 7), (derived, 5), ("2026", 9)], &bare),
            (&[("2025/kffffffff", 1), (full.as_str(), 9)], &bare),
        ] {
            let uses = by_key(noted(rows), keys);
            let mine: Vec<_> = uses.iter().filter(|(id, _)| id == derived).map(|(_, key)| key.last_ms).collect();
            assert_eq!(mine, [9], "{rows:?}");
            assert!(uses.iter().all(|(id, _)| id == derived || id == "kffffffff"), "{uses:?}");
        }
        // Another key under a name that was used before is another key.
        let other = SigningKeys::parse(&format!("2026:{}", "04".repeat(32))).expect("a key");
        let uses = by_key(noted(&[(other.with_full_ids().first().id(), 9), (full.as_str(), 5)]), &other);
        assert_eq!(uses.len(), 2, "{uses:?}");
        assert_eq!(by_key(noted(&[("old", 1), ("kaaaaaaaa", 2)]), &other).len(), 2);
    }
}
