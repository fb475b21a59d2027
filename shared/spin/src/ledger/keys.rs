//! Signing keys as the ledger knows them: until when each may have signed.

use hongbao_core::Error;
use hongbao_core::sign::SigningKeys;

use super::{Ledger, json};
use crate::sql::Reader;

/// When a signing key was in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key's id.
    pub id: String,
    /// Until when it may have signed, Unix milliseconds.
    pub last_ms: i64,
}

impl Ledger {
    /// Notes that these keys are in force at `now_ms`, and that the first of them signs. Of one that was never seen, nobody
    /// knows since when it has not signed: it may have until now.
    pub async fn note_keys(&self, keys: &SigningKeys, now_ms: i64) -> Result<(), Error> {
        let ids: Vec<&str> = keys.all().map(|key| key.id()).collect();
        let parameters = vec![json(&ids)?, keys.first().id().into(), now_ms.into()];
        self.rows(self.sql.key_note, parameters).await.map(drop)
    }

    /// Every signing key that was ever noted, the one that signed last first.
    pub async fn key_uses(&self) -> Result<Vec<KeyUse>, Error> {
        let rows = self.rows(self.sql.key_uses, vec![]).await?;
        let one = |row| {
            let mut row = Reader::new(row);
            Ok(KeyUse { id: row.text()?, last_ms: row.int()? })
        };
        rows.into_iter().map(one).collect()
    }
}
