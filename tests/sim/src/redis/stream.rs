//! Streams without groups: XADD, XDEL, XLEN, XRANGE, XREVRANGE, XINFO STREAM, XSETID.

use std::collections::BTreeMap;

use super::group::Group;
use super::{Answer, Data, Entry, Refusal, Reply, Value, WRONG_TYPE, Words, integer, is_word, wrong_number};

/// An entry's id: milliseconds, and a number within them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub u64, pub u64);

/// A stream and its groups.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    pub(super) entries: BTreeMap<Id, Vec<Vec<u8>>>,
    pub(super) last: Id,
    max_deleted: Id,
    added: u64,
    pub(super) groups: BTreeMap<Vec<u8>, Group>,
}

pub(super) const BAD_ID: &str = "ERR Invalid stream ID specified as stream command argument";

impl Id {
    pub(super) const MAX: Self = Self(u64::MAX, u64::MAX);

    /// Reads `ms-number`; without the number it is `default`.
    pub(super) fn parse(word: &[u8], default: u64) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(word).map_err(|_| BAD_ID.to_owned())?;
        let (ms, number) = text.split_once('-').map_or((text, None), |(ms, number)| (ms, Some(number)));
        let parse = |text: &str| text.parse::<u64>().map_err(|_| BAD_ID.to_owned());
        Ok(Self(parse(ms)?, number.map_or(Ok(default), parse)?))
    }

    pub(super) fn next(self) -> Self {
        self.1.checked_add(1).map_or(Self(self.0.saturating_add(1), 0), |number| Self(self.0, number))
    }

    fn before(self) -> Self {
        self.1.checked_sub(1).map_or(Self(self.0.saturating_sub(1), u64::MAX), |number| Self(self.0, number))
    }

    pub(super) fn reply(self) -> Reply {
        Reply::bulk(self.to_string())
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

pub(super) fn entry_reply(id: Id, fields: &[Vec<u8>]) -> Reply {
    Reply::Array(vec![id.reply(), Reply::Array(fields.iter().cloned().map(Reply::Bulk).collect())])
}

impl Stream {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Data {
    /// The stream at `key`, where there is one.
    #[must_use]
    pub fn stream_at(&self, key: &str) -> Option<&Stream> {
        self.stream(key.as_bytes()).ok().flatten()
    }

    pub(super) fn stream(&self, key: &[u8]) -> Result<Option<&Stream>, Refusal> {
        match self.keys.get(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Stream(stream)) => Ok(Some(stream)),
            Some(_) => Err(WRONG_TYPE.to_owned()),
        }
    }

    pub(super) fn stream_mut(&mut self, key: &[u8], make: bool) -> Result<Option<&mut Stream>, Refusal> {
        if !make && !self.keys.contains_key(key) {
            return Ok(None);
        }
        let new = || Entry { value: Value::Stream(Box::default()), expires_at_ms: None };
        match &mut self.keys.entry(key.to_vec()).or_insert_with(new).value {
            Value::Stream(stream) => Ok(Some(stream)),
            _ => Err(WRONG_TYPE.to_owned()),
        }
    }

    pub(super) fn stream_add(&mut self, words: &Words, now_ms: i64) -> Answer {
        let [key, wanted, fields @ ..] = words else { return Err(wrong_number("xadd")) };
        if fields.is_empty() || fields.len() % 2 != 0 {
            return Err(wrong_number("xadd"));
        }
        let explicit = if is_word(wanted, "*") { None } else { Some(Id::parse(wanted, 0)?) };
        if explicit == Some(Id(0, 0)) {
            return Err("ERR The ID specified in XADD must be greater than 0-0".to_owned());
        }
        let Some(stream) = self.stream_mut(key, true)? else { return Ok(Reply::Nil) };
        let now = Id(now_ms.unsigned_abs(), 0);
        let id = explicit.unwrap_or_else(|| if now > stream.last { now } else { stream.last.next() });
        if id <= stream.last {
            return Err("ERR The ID specified in XADD is equal or smaller than the target stream top item".to_owned());
        }
        stream.entries.insert(id, fields.to_vec());
        stream.last = id;
        stream.added += 1;
        Ok(id.reply())
    }

    pub(super) fn stream_delete(&mut self, words: &Words) -> Answer {
        let [key, ids @ ..] = words else { return Err(wrong_number("xdel")) };
        if ids.is_empty() {
            return Err(wrong_number("xdel"));
        }
        let ids: Vec<Id> = ids.iter().map(|id| Id::parse(id, 0)).collect::<Result<_, _>>()?;
        let Some(stream) = self.stream_mut(key, false)? else { return Ok(Reply::Int(0)) };
        let mut deleted = 0;
        for id in ids {
            if stream.entries.remove(&id).is_some() {
                deleted += 1;
                stream.max_deleted = stream.max_deleted.max(id);
            }
        }
        Ok(Reply::count(deleted))
    }

    pub(super) fn stream_length(&self, words: &Words) -> Answer {
        let [key] = words else { return Err(wrong_number("xlen")) };
        Ok(Reply::count(self.stream(key)?.map_or(0, Stream::len)))
    }

    pub(super) fn stream_range(&self, words: &Words, is_reversed: bool) -> Answer {
        let [key, first, second, options @ ..] = words else { return Err(wrong_number("xrange")) };
        let (low, high) = if is_reversed { (second, first) } else { (first, second) };
        let (low, high) = (bound(low, true)?, bound(high, false)?);
        let most = match options {
            [] => usize::MAX,
            [word, count] if is_word(word, "COUNT") => usize::try_from(integer(count)?).unwrap_or(0),
            _ => return Err("ERR syntax error".to_owned()),
        };
        if most == 0 {
            return Ok(Reply::Nil);
        }
        let Some(stream) = self.stream(key)?.filter(|_| low <= high) else { return Ok(Reply::Array(vec![])) };
        let found = stream.entries.range(low..=high);
        let reply = |(id, fields): (&Id, &Vec<Vec<u8>>)| entry_reply(*id, fields);
        Ok(Reply::Array(match is_reversed {
            false => found.take(most).map(reply).collect(),
            true => found.rev().take(most).map(reply).collect(),
        }))
    }

    pub(super) fn stream_info(&self, words: &Words) -> Answer {
        let [what, key] = words else { return Err(wrong_number("xinfo|stream")) };
        assert!(is_word(what, "STREAM"), "the model of Redis knows XINFO STREAM only");
        let Some(stream) = self.stream(key)? else { return Err("ERR no such key".to_owned()) };
        let edge = |found: Option<(&Id, &Vec<Vec<u8>>)>| found.map_or(Reply::Nil, |(id, at)| entry_reply(*id, at));
        let first = stream.entries.keys().next().copied().unwrap_or_default();
        let number = |number: u64| Reply::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let facts = [
            ("length", Reply::count(stream.len())),
            ("radix-tree-keys", Reply::Int(1)),
            ("radix-tree-nodes", Reply::Int(2)),
            ("last-generated-id", stream.last.reply()),
            ("max-deleted-entry-id", stream.max_deleted.reply()),
            ("entries-added", number(stream.added)),
            ("recorded-first-entry-id", first.reply()),
            ("groups", Reply::count(stream.groups.len())),
            ("first-entry", edge(stream.entries.first_key_value())),
            ("last-entry", edge(stream.entries.last_key_value())),
        ];
        Ok(Reply::Array(facts.into_iter().flat_map(|(name, value)| [Reply::bulk(name), value]).collect()))
    }

    pub(super) fn stream_set_id(&mut self, words: &Words) -> Answer {
        let [key, id, options @ ..] = words else { return Err(wrong_number("xsetid")) };
        let id = Id::parse(id, 0)?;
        let deleted = match options {
            [] => None,
            [option, deleted] if is_word(option, "MAXDELETEDID") => Some(Id::parse(deleted, 0)?),
            _ => panic!("the model of Redis knows no other option of XSETID than MAXDELETEDID"),
        };
        if deleted.is_some_and(|deleted| id < deleted) {
            return Err("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id".to_owned());
        }
        let Some(stream) = self.stream_mut(key, false)? else { return Err("ERR no such key".to_owned()) };
        if stream.entries.last_key_value().is_some_and(|(last, _)| id < *last) {
            return Err("ERR The ID specified in XSETID is smaller than the target stream top item".to_owned());
        }
        stream.last = id;
        stream.max_deleted = deleted.filter(|deleted| *deleted != Id::default()).unwrap_or(stream.max_deleted);
        Ok(Reply::ok())
    }
}

/// An end of a range: `-`, `+`, an id, or `(` and an id that is left out itself.
fn bound(word: &[u8], is_low: bool) -> Result<Id, Refusal> {
    match word {
        b"-" => Ok(Id::default()),
        b"+" => Ok(Id::MAX),
        [b'(', rest @ ..] => {
            let id = Id::parse(rest, if is_low { 0 } else { u64::MAX })?;
            Ok(if is_low { id.next() } else { id.before() })
        }
        _ => Id::parse(word, if is_low { 0 } else { u64::MAX }),
    }
}
