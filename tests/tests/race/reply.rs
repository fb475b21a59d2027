//! What Redis replies, read strictly: anything that a script has no business to leave behind is an error.

use std::collections::{BTreeMap, BTreeSet};

use hongbao_core::UserId;
use hongbao_core::event::Event;
use hongbao_core::race::Claim;
use redis::{Value, from_redis_value};

use crate::history::{Answer, Call, State};

/// Reads a script's reply.
///
/// # Errors
/// Occurs when the script's header names no such reply.
pub fn parse_answer(call: &Call, reply: Value) -> Result<Answer, String> {
    let shown = format!("{call:?} replied {reply:?}");
    let Value::Array(items) = reply else { return Err(shown) };
    let mut items = items.into_iter();
    let code: Option<String> = items.next().and_then(|code| from_redis_value(code).ok());
    let numbers: Option<Vec<i64>> =
        items.map(|item| if let Value::Int(number) = item { Some(number) } else { None }).collect();
    let (code, numbers) = code.as_deref().zip(numbers.as_deref()).ok_or(&shown)?;
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let answer = match (call, code, numbers) {
        (Call::Load | Call::Fence(_), "ok", []) => Answer::Done,
        (Call::Rebuild(..), "ok", &[put]) => Answer::PutBack(small(put)),
        (Call::Load, "again", []) => Answer::LoadedBefore,
        (Call::Fence(_), "changed", []) => Answer::Changed,
        (Call::Fence(_), ..) => return Err(shown),
        (_, "fenced", []) => Answer::Fenced,
        (Call::Load | Call::Rebuild(..), ..) => return Err(shown),
        (_, "missing", []) => Answer::Missing,
        (Call::Grab(_), "ok", &[seq, epoch]) => Answer::Grabbed(small(seq), small(epoch)),
        (Call::Grab(_), "not_started", &[wait_ms]) => Answer::NotStarted(wait_ms),
        (Call::Grab(_), "sold_out", []) => Answer::SoldOut,
        (Call::Open(..), "ok", &[at_ms] | &[at_ms, 1]) => Answer::OpenedAt(at_ms),
        (Call::Open(..), "not_grabbed", []) => Answer::NotGrabbed,
        (Call::Open(..), "lost", []) => Answer::Lost,
        (Call::Open(..), "contested", []) => Answer::Contested,
        (Call::Grab(_) | Call::Open(..), "expired", []) => Answer::Expired,
        (Call::Close, "ok", &[opened]) => Answer::Closed(small(opened)),
        (Call::Close, "again", &[opened]) => Answer::ClosedBefore(small(opened)),
        (Call::Close, "not_over", &[wait_ms]) => Answer::NotOver(wait_ms),
        _ => return Err(shown),
    };
    Ok(answer)
}

/// Reads a packet's hash, which has these facts.
///
/// # Errors
/// Occurs when a fact is lost or changed, and for every field that has no place in a packet's hash.
pub fn parse_state(facts: &BTreeMap<String, Vec<u8>>, reply: Value) -> Result<Option<State>, String> {
    let mut fields: BTreeMap<String, Vec<u8>> = from_redis_value(reply).map_err(|error| error.to_string())?;
    if fields.is_empty() {
        return Ok(None);
    }
    for (field, value) in facts {
        if fields.get(field) != Some(value) {
            return Err(format!("fact {field} is {:?} instead of {value:?}", fields.get(field)));
        }
    }
    fields.retain(|field, _| !facts.contains_key(field) && field != "s" && field != "x");
    let mut fields: BTreeMap<String, String> =
        fields.into_iter().map(|(field, value)| (field, String::from_utf8_lossy(&value).into_owned())).collect();
    let mut number = |name: &str| fields.remove(name).and_then(|value| value.parse::<i64>().ok());
    let mut count = |name: &str| number(name).and_then(|value| u32::try_from(value).ok());
    let counters = count("e").zip(count("g")).zip(count("o"));
    let ((epoch, grabbed), opened) = counters.ok_or("a counter is missing")?;
    let is_closed = count("c") == Some(1);
    let cursor = number("q");
    let (mut claims, mut taken, mut contests) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for (field, value) in &fields {
        let contest = field.strip_prefix("contest:").and_then(UserId::parse);
        let mark = field.strip_prefix('s').and_then(|seq| seq.parse::<u32>().ok());
        let claim = UserId::parse(field).zip(parse_claim(value));
        match (claim, contest, mark, value.as_str()) {
            (Some((user, claim)), ..) => drop(claims.insert(user, claim)),
            (_, Some(user), _, "1") => drop(contests.insert(user)),
            (_, _, Some(seq), "1") => drop(taken.insert(seq)),
            _ => return Err(format!("a packet has no field {field} of {value:?}")),
        }
    }
    if cursor.is_none() && !taken.is_empty() {
        return Err(format!("marks {taken:?} without a cursor"));
    }
    let taken = cursor.map(|_| taken);
    Ok(Some(State { epoch, grabbed, opened, is_closed, claims, taken, contests }))
}

/// A claim's value: its seq, and once opened `seq:opened at ms`.
fn parse_claim(claim: &str) -> Option<Claim> {
    let (seq, at_ms) = claim.split_once(':').map_or((claim, None), |(seq, at_ms)| (seq, Some(at_ms)));
    Some(Claim { seq: seq.parse().ok()?, opened_at_ms: at_ms.map(str::parse).transpose().ok()? })
}

/// Reads the journal's entries.
///
/// # Errors
/// Occurs when the settlement would not understand one, or one is not written as [`Event`] writes it.
pub fn parse_journal(reply: Value) -> Result<Vec<Event>, String> {
    let entries: Vec<(String, Vec<String>)> = from_redis_value(reply).map_err(|error| error.to_string())?;
    let event = |(_, fields): (String, Vec<String>)| {
        let event = match fields.as_slice() {
            [name, text] if name == "e" => Event::parse(text).filter(|event| event.to_string() == *text),
            _ => None,
        };
        event.ok_or_else(|| format!("the journal has {fields:?}"))
    };
    entries.into_iter().map(event).collect()
}
