//! What operators want to know of a shard, and what they tell its readers.

use hongbao_core::Error;
use hongbao_core::event::Event;

use super::codec::integer;
use super::{Place, Shard, place_of};
use crate::redis::{Argument, Reply, Script, binary, number, text};

static OLDEST: Script = Script::new(&[include_str!("../../lua/oldest.lua")]);
/// At how many entries of the journal is looked for one that tells its time.
const LOOKED_AT: i64 = 8;
/// By how much an entry may be older than its id without being noted, in milliseconds; see `clock.lua`.
const SLACK_MS: i64 = 10;

/// How much of a shard's journal waits to be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many entries.
    pub entries: i64,
    /// Every share that was opened before is settled, whatever the server's clock did: Unix milliseconds, never in the
    /// server's future. Lower than need be where an entry does not tell its time.
    pub settled_through_ms: i64,
    /// How long the oldest has waited, in milliseconds; 0 when none waits.
    pub oldest_ms: i64,
}

impl Shard {
    /// How much of the journal waits.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer; so do all methods.
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let reply = self.run(&OLDEST, &[&self.events], &[Argument::Int64(LOOKED_AT)]).await?;
        let (now_ms, entries) = (integer(&reply, 0)?, integer(&reply, 1)?);
        let (low_ms, back_at) = (number_of(&reply, 2), reply.get(3).and_then(text).and_then(place_of));
        let first = reply.get(4..).unwrap_or_default().as_chunks::<2>().0;
        let settled_through_ms = through_ms(now_ms, low_ms.zip(back_at), first);
        Ok(Backlog { entries, settled_through_ms, oldest_ms: now_ms.saturating_sub(settled_through_ms) })
    }

    /// Until when every share that was opened is settled; see [`Backlog`].
    pub async fn settled_through_ms(&self) -> Result<i64, Error> {
        Ok(self.backlog().await?.settled_through_ms)
    }

    /// The copy of the operators' controls that was last left here; none on an empty server.
    pub async fn controls(&self) -> Result<Option<String>, Error> {
        let reply = self.call("GET", vec![binary(self.controls_key())]).await?;
        Ok(reply.first().and_then(text).map(str::to_owned))
    }

    /// Leaves a copy of the operators' controls for readers that must not wait for the ledger.
    pub async fn leave_controls(&self, controls: &str) -> Result<(), Error> {
        Ok(self.call("SET", vec![binary(self.controls_key()), binary(controls)]).await.map(drop)?)
    }

    fn controls_key(&self) -> String {
        format!("hb:{{{}}}:controls", self.number)
    }
}

fn number_of(reply: &[Reply], place: usize) -> Option<i64> {
    reply.get(place).and_then(number)
}

/// Until when every share that was opened is settled, by the journal's first entries. An id is no time: it stays ahead
/// of a clock that was set back. `back` is the last step back: the time after it, and the first entry after it.
fn through_ms(now_ms: i64, back: Option<(i64, Place)>, first: &[[Reply; 2]]) -> i64 {
    let place = first.first().and_then(|[id, _]| text(id)).and_then(place_of);
    let Some(place) = place else { return now_ms };
    let low_ms = back.filter(|(_, at)| place < *at).map(|(low_ms, _)| low_ms);
    let told_ms = first.iter().find_map(|[_, entry]| Event::parse(text(entry)?)?.at_ms());
    let earliest_ms = [place.0].into_iter().chain(low_ms).chain(told_ms).fold(now_ms, i64::min);
    earliest_ms.saturating_sub(SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::{SLACK_MS, through_ms};
    use crate::redis::Reply;

    const OPEN: &str = "open hb_01m82vwrd20003bxhr49rvm53a 1 0 us_bob";

    fn entry(id: &str, text: &str) -> [Reply; 2] {
        [id, text].map(|word| Reply::Binary(word.as_bytes().to_vec()))
    }

    #[test]
    fn nothing_is_called_settled_that_waits_whatever_the_clock_did() {
        let open = |id: &str, at_ms: i64| entry(id, &format!("{OPEN} {at_ms}"));
        let load = |id: &str| entry(id, "load hb_01m82vwrd20003bxhr49rvm53a 1");
        for (why, back, first, through) in [
            ("nothing waits", None, vec![], 1_000),
            ("an open waits", None, vec![open("900-0", 900)], 900),
            ("ids are ahead", Some((900, (5_000, 1))), vec![open("5000-1", 900)], 900),
            ("the clock stood ahead", Some((900, (5_000, 1))), vec![open("5000-0", 5_000)], 900),
            ("of a step that is past", Some((100, (500, 1))), vec![open("900-0", 900)], 900),
            ("a load does not tell", None, vec![load("5000-1"), open("5000-2", 800)], 800),
            ("never in the future", None, vec![load("5000-1")], 1_000),
        ] {
            let slack_ms = if first.is_empty() { 0 } else { SLACK_MS };
            assert_eq!(through_ms(1_000, back, &first), through - slack_ms, "{why}");
        }
    }
}
