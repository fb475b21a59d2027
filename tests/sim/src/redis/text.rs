//! Keys that hold one text: GET, SET, MGET.

use super::{Answer, Data, Reply, Value, WRONG_TYPE, Words, integer, is_word, wrong_number};

impl Data {
    /// Whether this text is stored under `key`.
    #[must_use]
    pub fn is_text(&self, key: &str, text: &str) -> bool {
        let entry = self.keys.get(key.as_bytes());
        entry.is_some_and(|entry| matches!(&entry.value, Value::Text(stored) if stored == text.as_bytes()))
    }

    pub(super) fn get(&self, words: &Words) -> Answer {
        let [key] = words else { return Err(wrong_number("get")) };
        match self.keys.get(key).map(|entry| &entry.value) {
            None => Ok(Reply::Nil),
            Some(Value::Text(text)) => Ok(Reply::Bulk(text.clone())),
            Some(_) => Err(WRONG_TYPE.to_owned()),
        }
    }

    pub(super) fn get_many(&self, words: &Words) -> Answer {
        let value = |key: &Vec<u8>| match self.keys.get(key).map(|entry| &entry.value) {
            Some(Value::Text(text)) => Reply::Bulk(text.clone()),
            _ => Reply::Nil,
        };
        if words.is_empty() { Err(wrong_number("mget")) } else { Ok(Reply::Array(words.iter().map(value).collect())) }
    }

    pub(super) fn set(&mut self, words: &Words, now_ms: i64) -> Answer {
        let [key, text, options @ ..] = words else { return Err(wrong_number("set")) };
        let (mut expires_at_ms, mut wanted) = (None, None);
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if is_word(option, "NX") && wanted != Some(true) {
                wanted = Some(false);
            } else if is_word(option, "XX") && wanted != Some(false) {
                wanted = Some(true);
            } else if let (true, Some(time)) = (is_word(option, "PX"), options.next()) {
                let time = integer(time)?;
                if time <= 0 {
                    return Err("ERR invalid expire time in 'set' command".to_owned());
                }
                expires_at_ms = Some(now_ms.saturating_add(time));
            } else {
                return Err("ERR syntax error".to_owned());
            }
        }
        if wanted.is_some_and(|wanted| wanted != self.keys.contains_key(key)) {
            return Ok(Reply::Nil);
        }
        self.put(key, Value::Text(text.clone()), expires_at_ms);
        Ok(Reply::ok())
    }
}
