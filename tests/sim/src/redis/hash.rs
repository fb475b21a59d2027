//! Hashes: HSET, HSETNX, HGET, HMGET, HGETALL, HSCAN, HLEN, HINCRBY, HEXISTS, HDEL.

use std::collections::BTreeMap;

use super::{Answer, Data, Entry, Refusal, Reply, Value, WRONG_TYPE, Words, integer, wrong_number};

type Fields = BTreeMap<Vec<u8>, Vec<u8>>;

impl Data {
    fn hash(&self, key: &[u8]) -> Result<Option<&Fields>, Refusal> {
        match self.keys.get(key).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::Hash(fields)) => Ok(Some(fields)),
            Some(_) => Err(WRONG_TYPE.to_owned()),
        }
    }

    fn hash_mut(&mut self, key: &[u8]) -> Result<&mut Fields, Refusal> {
        let new = || Entry { value: Value::Hash(Fields::new()), expires_at_ms: None };
        match &mut self.keys.entry(key.to_vec()).or_insert_with(new).value {
            Value::Hash(fields) => Ok(fields),
            _ => Err(WRONG_TYPE.to_owned()),
        }
    }

    pub(super) fn hash_set(&mut self, words: &Words) -> Answer {
        let [key, pairs @ ..] = words else { return Err(wrong_number("hset")) };
        let (pairs, rest) = pairs.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            return Err(wrong_number("hset"));
        }
        let fields = self.hash_mut(key)?;
        let set = |[field, value]: &[Vec<u8>; 2]| fields.insert(field.clone(), value.clone()).is_none();
        Ok(Reply::count(pairs.iter().map(set).filter(|is_new| *is_new).count()))
    }

    pub(super) fn hash_set_new(&mut self, words: &Words) -> Answer {
        let [key, field, value] = words else { return Err(wrong_number("hsetnx")) };
        let fields = self.hash_mut(key)?;
        let is_new = !fields.contains_key(field);
        fields.entry(field.clone()).or_insert_with(|| value.clone());
        Ok(Reply::Int(is_new.into()))
    }

    pub(super) fn hash_get(&self, words: &Words) -> Answer {
        let [key, field] = words else { return Err(wrong_number("hget")) };
        Ok(Reply::optional(self.hash(key)?.and_then(|fields| fields.get(field))))
    }

    pub(super) fn hash_get_many(&self, words: &Words) -> Answer {
        let [key, names @ ..] = words else { return Err(wrong_number("hmget")) };
        if names.is_empty() {
            return Err(wrong_number("hmget"));
        }
        let fields = self.hash(key)?;
        let value = |name: &Vec<u8>| Reply::optional(fields.and_then(|fields| fields.get(name)));
        Ok(Reply::Array(names.iter().map(value).collect()))
    }

    pub(super) fn hash_get_all(&self, words: &Words) -> Answer {
        let [key] = words else { return Err(wrong_number("hgetall")) };
        let pairs = self.hash(key)?.into_iter().flatten();
        Ok(Reply::Array(pairs.flat_map(|(field, value)| [field, value]).cloned().map(Reply::Bulk).collect()))
    }

    /// All at once, as a real server reads a small hash.
    pub(super) fn hash_scan(&self, words: &Words) -> Answer {
        let [key, cursor, ..] = words else { return Err(wrong_number("hscan")) };
        if cursor != b"0" {
            return Err("ERR invalid cursor".to_owned());
        }
        Ok(Reply::Array(vec![Reply::bulk("0"), self.hash_get_all(std::slice::from_ref(key))?]))
    }

    pub(super) fn hash_length(&self, words: &Words) -> Answer {
        let [key] = words else { return Err(wrong_number("hlen")) };
        Ok(Reply::count(self.hash(key)?.map_or(0, BTreeMap::len)))
    }

    pub(super) fn hash_increment(&mut self, words: &Words) -> Answer {
        let [key, field, by] = words else { return Err(wrong_number("hincrby")) };
        let by = integer(by)?;
        let fields = self.hash_mut(key)?;
        let before = fields.get(field).map_or(Ok(0), |value| integer(value));
        let before = before.map_err(|_| "ERR hash value is not an integer".to_owned())?;
        let after = before.checked_add(by).ok_or("ERR increment or decrement would overflow")?;
        fields.insert(field.clone(), after.to_string().into_bytes());
        Ok(Reply::Int(after))
    }

    pub(super) fn hash_exists(&self, words: &Words) -> Answer {
        let [key, field] = words else { return Err(wrong_number("hexists")) };
        Ok(Reply::Int(self.hash(key)?.is_some_and(|fields| fields.contains_key(field)).into()))
    }

    pub(super) fn hash_delete(&mut self, words: &Words) -> Answer {
        let [key, names @ ..] = words else { return Err(wrong_number("hdel")) };
        if names.is_empty() {
            return Err(wrong_number("hdel"));
        }
        if self.hash(key)?.is_none() {
            return Ok(Reply::Int(0));
        }
        let fields = self.hash_mut(key)?;
        let deleted = names.iter().filter(|name| fields.remove(*name).is_some()).count();
        if fields.is_empty() {
            self.keys.remove(key);
        }
        Ok(Reply::count(deleted))
    }
}
