//! Consumer groups: XGROUP CREATE, XREADGROUP, XACK, XAUTOCLAIM, XPENDING.

use std::collections::{BTreeMap, BTreeSet};

use super::stream::{Id, Stream, entry_reply};
use super::{Answer, Data, Refusal, Reply, Words, integer, is_word, wrong_number};

/// A group: how far it has read, and what was read but not acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    last_delivered: Id,
    pending: BTreeMap<Id, Pending>,
    consumers: BTreeSet<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Pending {
    consumer: Vec<u8>,
    delivered_at_ms: i64,
    deliveries: i64,
}

fn no_group(key: &[u8], group: &[u8], place: &str) -> Refusal {
    let [key, group] = [key, group].map(String::from_utf8_lossy);
    format!("NOGROUP No such key '{key}' or consumer group '{group}'{place}")
}

impl Data {
    fn group_mut(&mut self, key: &[u8], group: &[u8], place: &str) -> Result<&mut Stream, Refusal> {
        let stream = self.stream_mut(key, false)?;
        stream.filter(|stream| stream.groups.contains_key(group)).ok_or_else(|| no_group(key, group, place))
    }

    pub(super) fn group_make(&mut self, words: &Words) -> Answer {
        let [what, key, name, from, options @ ..] = words else { return Err(wrong_number("xgroup|create")) };
        assert!(is_word(what, "CREATE"), "the model of Redis knows XGROUP CREATE only");
        let make = options.iter().any(|word| is_word(word, "MKSTREAM"));
        let explicit = if is_word(from, "$") { None } else { Some(Id::parse(from, 0)?) };
        let Some(stream) = self.stream_mut(key, make)? else {
            return Err("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to \
                        use the MKSTREAM option to create an empty stream automatically."
                .to_owned());
        };
        if stream.groups.contains_key(name) {
            return Err("BUSYGROUP Consumer Group name already exists".to_owned());
        }
        let last_delivered = explicit.unwrap_or(stream.last);
        stream.groups.insert(name.clone(), Group { last_delivered, ..Group::default() });
        Ok(Reply::ok())
    }

    pub(super) fn group_read(&mut self, words: &Words, now_ms: i64) -> Answer {
        let [group_word, name, consumer, count_word, count, streams, key, from] = words else {
            panic!("the model of Redis knows XREADGROUP GROUP g c COUNT n STREAMS key id only")
        };
        let is_known = is_word(group_word, "GROUP") && is_word(count_word, "COUNT") && is_word(streams, "STREAMS");
        assert!(is_known, "the model of Redis knows XREADGROUP GROUP g c COUNT n STREAMS key id only");
        let most = usize::try_from(integer(count)?).unwrap_or(usize::MAX);
        let most = if most == 0 { usize::MAX } else { most };
        let stream = self.group_mut(key, name, " in XREADGROUP with GROUP option")?;
        let Some(group) = stream.groups.get_mut(name) else { return Ok(Reply::Nil) };
        group.consumers.insert(consumer.clone());
        if !is_word(from, ">") {
            let (after, entries) = (Id::parse(from, 0)?, &stream.entries);
            let mine = group.pending.range(after.next()..).filter(|(_, pending)| pending.consumer == *consumer);
            // What was deleted meanwhile is there with nothing in it.
            let reply = |id: &Id| match entries.get(id) {
                Some(fields) => entry_reply(*id, fields),
                None => Reply::Array(vec![id.reply(), Reply::Nil]),
            };
            let found = mine.take(most).map(|(id, _)| reply(id)).collect();
            return Ok(Reply::Array(vec![Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Array(found)])]));
        }
        let fresh: Vec<Id> =
            stream.entries.range(group.last_delivered.next()..).take(most).map(|(id, _)| *id).collect();
        let Some(last) = fresh.last() else { return Ok(Reply::Nil) };
        group.last_delivered = *last;
        for id in &fresh {
            let pending = Pending { consumer: consumer.clone(), delivered_at_ms: now_ms, deliveries: 1 };
            group.pending.insert(*id, pending);
        }
        let found = fresh.iter().filter_map(|id| Some(entry_reply(*id, stream.entries.get(id)?))).collect();
        Ok(Reply::Array(vec![Reply::Array(vec![Reply::Bulk(key.clone()), Reply::Array(found)])]))
    }

    pub(super) fn group_acknowledge(&mut self, words: &Words) -> Answer {
        let [key, name, ids @ ..] = words else { return Err(wrong_number("xack")) };
        if ids.is_empty() {
            return Err(wrong_number("xack"));
        }
        let ids: Vec<Id> = ids.iter().map(|id| Id::parse(id, 0)).collect::<Result<_, _>>()?;
        let Some(stream) = self.stream_mut(key, false)? else { return Ok(Reply::Int(0)) };
        let Some(group) = stream.groups.get_mut(name) else { return Ok(Reply::Int(0)) };
        Ok(Reply::count(ids.iter().filter(|id| group.pending.remove(id).is_some()).count()))
    }

    pub(super) fn group_take_over(&mut self, words: &Words, now_ms: i64) -> Answer {
        let [key, name, consumer, idle, start, options @ ..] = words else { return Err(wrong_number("xautoclaim")) };
        let idle_ms = integer(idle)?;
        let start = Id::parse(start, 0)?;
        let most = match options {
            [] => 100,
            [word, count] if is_word(word, "COUNT") => usize::try_from(integer(count)?).unwrap_or(0),
            _ => return Err("ERR syntax error".to_owned()),
        };
        if most == 0 {
            return Err("ERR COUNT must be > 0".to_owned());
        }
        let stream = self.group_mut(key, name, "")?;
        let Some(group) = stream.groups.get_mut(name) else { return Ok(Reply::Nil) };
        group.consumers.insert(consumer.clone());
        let (mut claimed, mut gone, mut cursor) = (Vec::new(), Vec::new(), Id::default());
        let ids: Vec<Id> = group.pending.range(start..).map(|(id, _)| *id).collect();
        let mut attempts = most.saturating_mul(10);
        for id in ids {
            if attempts == 0 || claimed.len() + gone.len() >= most {
                cursor = id;
                break;
            }
            attempts -= 1;
            let Some(pending) = group.pending.get_mut(&id) else { continue };
            let Some(fields) = stream.entries.get(&id) else {
                group.pending.remove(&id);
                gone.push(id.reply());
                continue;
            };
            if now_ms.saturating_sub(pending.delivered_at_ms) < idle_ms {
                continue;
            }
            *pending = Pending {
                consumer: consumer.clone(),
                delivered_at_ms: now_ms,
                deliveries: pending.deliveries.saturating_add(1),
            };
            claimed.push(entry_reply(id, fields));
        }
        Ok(Reply::Array(vec![cursor.reply(), Reply::Array(claimed), Reply::Array(gone)]))
    }

    pub(super) fn group_pending(&mut self, words: &Words, now_ms: i64) -> Answer {
        let [key, name, options @ ..] = words else { return Err(wrong_number("xpending")) };
        let stream = self.group_mut(key, name, "")?;
        let Some(group) = stream.groups.get(name) else { return Ok(Reply::Nil) };
        if options.is_empty() {
            return Ok(group.summary());
        }
        let (least_idle_ms, range) = match options {
            [word, least, range @ ..] if is_word(word, "IDLE") => (integer(least)?, range),
            range => (0, range),
        };
        let (low, high, count, consumer) = match range {
            [low, high, count] => (low, high, count, None),
            [low, high, count, consumer] => (low, high, count, Some(consumer)),
            _ => return Err("ERR syntax error".to_owned()),
        };
        let low = if low == b"-" { Id::default() } else { Id::parse(low, 0)? };
        let high = if high == b"+" { Id::MAX } else { Id::parse(high, u64::MAX)? };
        let most = usize::try_from(integer(count)?).unwrap_or(0);
        let idle = |pending: &Pending| now_ms.saturating_sub(pending.delivered_at_ms).max(0);
        let found = group.pending.iter().filter(|(id, pending)| {
            (low..=high).contains(id)
                && consumer.is_none_or(|consumer| pending.consumer == *consumer)
                && idle(pending) >= least_idle_ms
        });
        let reply = |(id, pending): (&Id, &Pending)| {
            let facts = [Reply::Int(idle(pending)), Reply::Int(pending.deliveries)];
            Reply::Array([vec![id.reply(), Reply::Bulk(pending.consumer.clone())], facts.to_vec()].concat())
        };
        Ok(Reply::Array(found.take(most).map(reply).collect()))
    }
}

impl Group {
    fn summary(&self) -> Reply {
        let edge = |found: Option<&Id>| found.map_or(Reply::Nil, |id| id.reply());
        let mut counts = BTreeMap::<&[u8], usize>::new();
        self.pending.values().for_each(|pending| *counts.entry(&pending.consumer).or_default() += 1);
        let consumer =
            |(name, count): (&&[u8], &usize)| Reply::Array(vec![Reply::bulk(*name), Reply::bulk(count.to_string())]);
        let consumers = match counts.len() {
            0 => Reply::Nil,
            _ => Reply::Array(counts.iter().map(consumer).collect()),
        };
        let ids = self.pending.keys();
        Reply::Array(vec![
            Reply::count(self.pending.len()),
            edge(ids.clone().next()),
            edge(ids.clone().next_back()),
            consumers,
        ])
    }
}
