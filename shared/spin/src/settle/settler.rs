//! One drain of a journal: what fails is taken apart, what is sound is settled.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hongbao_core::event::Event;
use hongbao_core::{Error, Fen, PacketId};

use super::{BATCH, TRIES, TRIES_UNKNOWN, next_size, settlement};
use crate::ledger::{Ledger, Settlement, Sighting};
use crate::shard::journal::START;
use crate::shard::{Entry, Place, Shard, Trust, place_of};
use crate::sql::{Cause, Failure};

/// Into how many parts a batch is split that cannot be settled: what costs is each part that fails.
const PARTS: usize = 8;
/// How long a drain spends on statements that fail, in milliseconds; what is not settled by then is left to the next.
const TROUBLE_MS: i64 = 6_000;
/// The most looks at the pending entries in one drain, each at a batch of them.
const LOOKS: usize = 200;
/// The packets whose shares a drain remembers.
const PACKETS_KNOWN: usize = 2_000;
/// The rule of the schema that stops a batch of another epoch.
const EPOCH_IS_OVER: &str = "epoch_is_over";
/// Why an entry waits that needs a locked row.
const LOCKED: &str = "somebody else has locked their rows";

/// Why entries were not settled.
enum Trouble {
    /// Nothing can be settled now, whatever it is.
    Everything(Error),
    /// These were not; others may be.
    Entries(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure.cause {
            Cause::Lost | Cause::Unable => Self::Everything(failure.into()),
            Cause::Refused if failure.text.contains(EPOCH_IS_OVER) => Self::Everything(failure.into()),
            Cause::HeldUp | Cause::Refused | Cause::Unknown => Self::Entries(failure),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            // Rows of these packets that hold what they should not.
            Error::Internal(text) => Self::Entries(Failure::of_answer(text)),
            error => Self::Everything(error),
        }
    }
}

pub(super) struct Settler<'a> {
    shard: &'a Shard,
    ledger: &'a Ledger,
    consumer: &'a str,
    now_ms: &'a dyn Fn() -> i64,
    /// What the shard was before anything was read: another request may come to trust it as something else.
    read_from: Trust,
    /// The shares of the packets met so far.
    amounts: BTreeMap<PacketId, Vec<Fen>>,
    pub(super) settled: usize,
    /// How many entries were not settled, and the last one's reason.
    pub(super) left: usize,
    pub(super) why_left: String,
    /// How long statements took that failed.
    trouble_ms: i64,
    /// Whether a lock is known to hold entries up: then the ledger is asked which, instead of waiting for it.
    is_held_up: bool,
    /// Whether an entry that cannot be settled goes to exceptions at once.
    records_all: bool,
}

impl<'a> Settler<'a> {
    pub(super) fn new(
        shard: &'a Shard,
        ledger: &'a Ledger,
        consumer: &'a str,
        now_ms: &'a dyn Fn() -> i64,
    ) -> Result<Self, Error> {
        let trusted = shard.trusted().ok_or_else(|| Error::Unavailable(format!("shard {} is in doubt", shard.number)));
        Ok(Self {
            shard,
            ledger,
            consumer,
            now_ms,
            read_from: trusted?,
            amounts: BTreeMap::new(),
            settled: 0,
            left: 0,
            why_left: String::new(),
            trouble_ms: 0,
            is_held_up: false,
            records_all: false,
        })
    }

    /// Settles nothing, to see whether the ledger would.
    pub(super) async fn try_ledger(&self) -> Result<(), Error> {
        let tried = self.ledger.settle(&[self.fence_at((0, 0))], (self.now_ms)()).await;
        tried.inspect_err(|_| self.shard.doubt()).map_err(Error::from)
    }

    /// Settles all there is, whoever was reading it: behind the fence, when nobody else may.
    pub(super) async fn settle_all(&mut self) -> Result<(), Error> {
        self.shard.answer_bell().await?;
        self.read_on().await?;
        // All that is pending, what was just read and left included.
        self.left = 0;
        self.take_over(0).await
    }

    /// Tries once more what [`settle_all`](Self::settle_all) left; what fails again goes to exceptions.
    pub(super) async fn record_the_rest(&mut self) -> Result<(), Error> {
        (self.left, self.trouble_ms, self.records_all) = (0, 0, true);
        self.take_over(0).await
    }

    /// How many entries were settled, where none is left.
    pub(super) fn has_left_nothing(self) -> Result<usize, Error> {
        match self.left {
            0 => Ok(self.settled),
            left => Err(Error::Unavailable(format!("{left} entries are not settled yet: {}", self.why_left))),
        }
    }

    /// Settles entries that somebody read `idle_ms` ago or earlier and never acknowledged. Those that are known to fail
    /// are kept apart from the others: with an error of its own each alone, held up ones together and last.
    pub(super) async fn take_over(&mut self, idle_ms: i64) -> Result<(), Error> {
        let mut start = if idle_ms == 0 { START.to_owned() } else { self.shard.taken_to() };
        let mut held_up = Vec::new();
        for look in 1.. {
            let (entries, next) = self.shard.take_over(self.consumer, idle_ms, &start, BATCH).await?;
            start = next;
            let (held, others) = entries.into_iter().partition::<Vec<_>, _>(|entry| entry.tries == Some(0));
            let (failed, fresh) = others.into_iter().partition::<Vec<_>, _>(|entry| entry.tries.is_some());
            held_up.extend(held);
            self.settle(fresh).await?;
            for entry in failed {
                self.settle(vec![entry]).await?;
            }
            if start == START {
                break;
            }
            if look >= LOOKS || self.is_enough() {
                self.leave(1, "there are more than one drain takes over");
                break;
            }
        }
        self.shard.set_taken_to(&start);
        self.settle_held_up(held_up).await
    }

    /// Tries again what was held up before. Not always in one order, so that none is for ever behind the others.
    async fn settle_held_up(&mut self, mut entries: Vec<Entry>) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let begin = (self.now_ms)().unsigned_abs() % u64::try_from(entries.len()).unwrap_or(1);
        entries.rotate_left(usize::try_from(begin).unwrap_or_default());
        self.is_held_up = true;
        for part in entries.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
            self.settle(part.to_vec()).await?;
        }
        self.is_held_up = false;
        Ok(())
    }

    /// Settles what nobody has read yet.
    pub(super) async fn read_on(&mut self) -> Result<(), Error> {
        let mut size = BATCH;
        while let Some(entries) = self.shard.read(self.consumer, size).await? {
            let (found, begun_ms) = (entries.len(), (self.now_ms)());
            self.settle(entries).await?;
            if self.is_enough() {
                self.leave(1, "statements fail, so the rest is left to the next drain");
                break;
            }
            size = next_size(size, found, (self.now_ms)().saturating_sub(begun_ms));
        }
        Ok(())
    }

    /// Whether this drain has spent enough on what fails.
    const fn is_enough(&self) -> bool {
        self.trouble_ms > TROUBLE_MS
    }

    fn leave(&mut self, entries: usize, why: &str) {
        self.left += entries;
        why.clone_into(&mut self.why_left);
    }

    /// Settles entries, all those that can be: a batch that fails is split until what makes it fail stands alone.
    async fn settle(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        let mut parts = VecDeque::from([entries]);
        while let Some(mut part) = parts.pop_front() {
            if self.is_held_up && !part.is_empty() {
                part = self.without_held_up(part).await?;
            }
            if part.is_empty() {
                continue;
            }
            let begun_ms = (self.now_ms)();
            let failure = match self.attempt(&part, begun_ms).await {
                Ok(()) => {
                    self.shard.acknowledge(&part).await?;
                    self.settled += part.len();
                    continue;
                }
                Err(trouble) => self.of_entries(trouble)?,
            };
            self.trouble_ms += (self.now_ms)().saturating_sub(begun_ms).max(0);
            match part.as_slice() {
                _ if failure.is_lock() && !self.is_held_up => {
                    self.is_held_up = true;
                    parts.push_front(part);
                }
                [entry] => self.settle_failed(entry, &failure).await?,
                _ if self.is_enough() => self.leave(part.len(), &failure.text),
                _ => parts.extend(part.chunks(part.len().div_ceil(PARTS)).map(<[_]>::to_vec)),
            }
        }
        Ok(())
    }

    /// The failure, where it is about the entries that were tried. Else the drain ends, and nothing counts as tried.
    fn of_entries(&self, trouble: Trouble) -> Result<Failure, Error> {
        match trouble {
            Trouble::Entries(failure) => Ok(failure),
            Trouble::Everything(error) => {
                self.shard.doubt();
                Err(error)
            }
        }
    }

    async fn attempt(&mut self, entries: &[Entry], now_ms: i64) -> Result<(), Trouble> {
        let batch = self.batch(entries).await?;
        // What rules saw is no money: it is written down beside the batch, once an entry as well.
        let sightings: Vec<_> = entries.iter().filter_map(|entry| self.sighting(entry)).collect();
        if !sightings.is_empty() {
            self.ledger.record_risks(&sightings).await?;
        }
        Ok(self.ledger.settle(&batch, now_ms).await?)
    }

    /// Leaves out the entries that somebody's lock holds up now. They stay pending.
    async fn without_held_up(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let batch = match self.batch(&entries).await {
            Ok(batch) => batch,
            // It is found out by trying.
            Err(Error::Internal(_)) => return Ok(entries),
            Err(error) => return Err(error),
        };
        let held_up: BTreeSet<String> = match self.ledger.held_up(&batch).await {
            Ok(events) => events.into_iter().collect(),
            Err(failure) => self.of_entries(failure.into()).map(|_| BTreeSet::new())?,
        };
        let (held, free): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| held_up.contains(&self.event_id(entry)));
        if self.records_all && !held.is_empty() {
            self.record(&held, LOCKED).await?;
        } else if !held.is_empty() {
            self.shard.note_held_up(&held).await?;
            self.leave(held.len(), LOCKED);
        }
        Ok(free)
    }

    /// Notes that settling this entry alone failed. An error of its own counts; after [`TRIES`] of them, or
    /// [`TRIES_UNKNOWN`] that nobody knows, it goes to exceptions with the database's words.
    async fn settle_failed(&mut self, entry: &Entry, failure: &Failure) -> Result<(), Error> {
        let alone = core::slice::from_ref(entry);
        let most = if failure.cause == Cause::Unknown { TRIES_UNKNOWN } else { TRIES };
        let tries = match failure.cause {
            Cause::Refused | Cause::Unknown => self.shard.count_try(entry).await?,
            _ => 0,
        };
        if self.records_all || tries >= most {
            return self.record(alone, &failure.text).await;
        }
        if tries == 0 {
            self.shard.note_held_up(alone).await?;
        }
        self.leave(1, &failure.text);
        Ok(())
    }

    /// Puts entries on record as exceptions, with the reason: then they are done.
    async fn record(&mut self, entries: &[Entry], why: &str) -> Result<(), Error> {
        let mut batch = vec![self.fence(entries)?];
        batch.extend(entries.iter().map(|entry| {
            let evidence = Event::with_words(&entry.text, why);
            let packet = Event::parse(&entry.text).map(|event| event.packet().to_string()).unwrap_or_default();
            Settlement { packet, ..settlement(self.event_id(entry), &evidence, None, None) }
        }));
        match self.ledger.settle(&batch, (self.now_ms)()).await {
            Ok(()) => {
                let done: Vec<_> =
                    entries.iter().map(|entry| Entry { tries: entry.tries.or(Some(0)), ..entry.clone() }).collect();
                self.shard.acknowledge(&done).await?;
                self.settled += entries.len();
            }
            Err(failure) => {
                let failure = self.of_entries(failure.into())?;
                self.leave(entries.len(), &failure.text);
            }
        }
        Ok(())
    }

    /// What the ledger is told of entries, behind the batch's fence.
    async fn batch(&mut self, entries: &[Entry]) -> Result<Vec<Settlement>, Error> {
        let mut batch = vec![self.fence(entries)?];
        batch.extend(self.settlements(entries).await?);
        Ok(batch)
    }

    /// The batch's first entry: it settles nothing, and stops a batch of a shard that is another one by now.
    fn fence(&self, entries: &[Entry]) -> Result<Settlement, Error> {
        let place: Option<Place> = entries.iter().filter_map(|entry| place_of(&entry.id)).max();
        let place = place.ok_or_else(|| Error::Internal(format!("entries without a place: {entries:?}")))?;
        Ok(self.fence_at(place))
    }

    fn fence_at(&self, (at_ms, number): Place) -> Settlement {
        Settlement {
            kind: "fence",
            packet: self.shard.number.to_string(),
            opened: Some(self.read_from.epoch),
            at_ms: Some(at_ms),
            seq: Some(number),
            text: self.read_from.run_id.clone(),
            ..Settlement::default()
        }
    }

    async fn settlements(&mut self, entries: &[Entry]) -> Result<Vec<Settlement>, Error> {
        if self.amounts.len() > PACKETS_KNOWN {
            self.amounts.clear();
        }
        let events: Vec<_> = entries.iter().map(|entry| Event::parse(&entry.text)).collect();
        let paying = |event: &&Event| matches!(event, Event::Open { .. });
        let mut unknown: Vec<_> = events.iter().flatten().filter(paying).map(Event::packet).collect();
        unknown.retain(|id| !self.amounts.contains_key(id));
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let packets = self.ledger.packets(&unknown).await?;
            self.amounts.extend(packets.iter().map(|packet| (packet.facts.id, packet.facts.amounts())));
        }
        let told = |(entry, event): (&Entry, Option<Event>)| {
            let amounts = event.as_ref().and_then(|event| self.amounts.get(&event.packet()));
            settlement(self.event_id(entry), &entry.text, event, amounts.map(Vec::as_slice))
        };
        Ok(entries.iter().zip(events).map(told).filter(|told| told.kind != "risk").collect())
    }

    /// What a risk rule saw, where the entry tells of that.
    fn sighting(&self, entry: &Entry) -> Option<Sighting> {
        let event = Event::parse(&entry.text);
        let Some(Event::Risk { packet, user, at_ms, rule, action, fact, .. }) = event else { return None };
        Some(Sighting {
            event: self.event_id(entry),
            rule: rule.id(),
            user: user.into(),
            packet: packet.into(),
            action: action.as_str(),
            detail: fact,
            at_ms,
        })
    }

    fn event_id(&self, entry: &Entry) -> String {
        format!("{}:{}", self.shard.number, entry.id)
    }
}
