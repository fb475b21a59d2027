//! The packets of a group, and those to one person alone, as the ledger knows them: one indexed statement.

use hongbao_core::Error;
use hongbao_core::packet::Recipient;
use hongbao_core::token::Person;
use hongbao_core::wire::{AddressedAnswer, TIME_MAX_MS};

use crate::App;
use crate::http::{Call, place_text, query_place};

impl App {
    /// The page of packets to `to` that the query of `call` asks for, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they are not `person`'s to see, [`Error::Invalid`] for a malformed query.
    pub async fn addressed(&self, person: &Person, to: &Recipient, call: &Call) -> Result<AddressedAnswer, Error> {
        let query = call.query()?;
        if !to.includes(person) {
            return Err(Error::NotFound);
        }
        let (before, now_ms) = (query_place(&query).unwrap_or((TIME_MAX_MS, String::new())), self.now_ms());
        let (packets, next) = self.ledger().await?.addressed(to, &person.user, &before, query.limit(), now_ms).await?;
        Ok(AddressedAnswer { packets, next: next.as_ref().map(place_text) })
    }
}
