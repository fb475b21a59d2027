//! Scripts: EVAL, EVALSHA and SCRIPT, run by a real Lua 5.1 as Redis runs them.
//!
//! A script is one step: the server's whole contents are its own while it runs, and what it wrote before an error
//! stays written, as in Redis.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use mlua::{Error, Function, Lua, Table, Value, Variadic};
use sha1::{Digest, Sha1};

use super::{Answer, Refusal, Reply, Server, Words, integer, is_word, wrong_number};

const NO_SCRIPT: &str = "NOSCRIPT No matching script. Please use EVAL.";
const FULL: &str = "OOM allow-oom flag is not set on the script, can't run it when used memory > 'maxmemory'";

/// One interpreter a thread: a script's text is compiled once.
struct Engine {
    lua: Lua,
    functions: RefCell<BTreeMap<String, Function>>,
    /// The server whose script runs now.
    server: Rc<RefCell<Server>>,
}

thread_local! {
    static ENGINE: Engine = Engine::new().expect("the interpreter starts");
}

impl Server {
    pub(super) fn script(&mut self, words: &Words) -> Answer {
        match words {
            [word, text] if is_word(word, "LOAD") => {
                let text = String::from_utf8_lossy(text).into_owned();
                let name = sha1_hex(&text);
                self.scripts.insert(name.clone(), text);
                Ok(Reply::bulk(name))
            }
            [word, ..] if is_word(word, "FLUSH") => {
                self.scripts.clear();
                Ok(Reply::ok())
            }
            [word, names @ ..] if is_word(word, "EXISTS") => {
                let exists = |name: &Vec<u8>| self.scripts.contains_key(&*String::from_utf8_lossy(name));
                Ok(Reply::Array(names.iter().map(|name| Reply::Int(exists(name).into())).collect()))
            }
            _ => panic!("the model of Redis knows SCRIPT LOAD, FLUSH and EXISTS only"),
        }
    }

    pub(super) fn eval(&mut self, words: &Words) -> Answer {
        let [text, count, rest @ ..] = words else { return Err(wrong_number("eval")) };
        let text = String::from_utf8_lossy(text).into_owned();
        let keys = key_count(count, rest.len())?;
        self.scripts.insert(sha1_hex(&text), text.clone());
        self.run(&text, rest, keys)
    }

    pub(super) fn eval_sha(&mut self, words: &Words) -> Answer {
        let [name, count, rest @ ..] = words else { return Err(wrong_number("evalsha")) };
        let keys = key_count(count, rest.len())?;
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let text = self.scripts.get(&name).cloned().ok_or_else(|| NO_SCRIPT.to_owned())?;
        self.run(&text, rest, keys)
    }

    fn run(&mut self, text: &str, words: &Words, keys: usize) -> Answer {
        let (head, body) = text.split_once('\n').unwrap_or((text, ""));
        let has_head = head.starts_with("#!");
        let may_be_full = ["allow-oom", "no-writes"].iter().any(|flag| has_head && head.contains(flag));
        if self.is_full && has_head && !may_be_full {
            return Err(FULL.to_owned());
        }
        let body = if has_head { body } else { text };
        // A script may be made of several files, of which the last one is the one with the bug.
        let after_head = |file: &str| file.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned());
        let altered = self.altered.iter().find_map(|(original, bug)| {
            let before = body.strip_suffix(&after_head(original))?;
            Some(format!("{before}{}", after_head(bug)))
        });
        let body = altered.as_deref().unwrap_or(body);
        let server = std::mem::take(self);
        let (server, answer) = ENGINE.with(|engine| engine.run(server, body, words, keys));
        *self = server;
        answer
    }
}

fn key_count(word: &[u8], most: usize) -> Result<usize, Refusal> {
    let count = usize::try_from(integer(word)?).map_err(|_| "ERR Number of keys can't be negative".to_owned())?;
    if count > most { Err("ERR Number of keys can't be greater than number of args".to_owned()) } else { Ok(count) }
}

impl Engine {
    fn new() -> mlua::Result<Self> {
        let lua = Lua::new();
        let server = Rc::new(RefCell::new(Server::default()));
        let redis = lua.create_table()?;
        for (name, is_protected) in [("call", false), ("pcall", true)] {
            let server = server.clone();
            let call = move |lua: &Lua, words: Variadic<Value>| {
                let words = words.iter().map(argument).collect::<mlua::Result<Vec<_>>>()?;
                let (command, words) = words.split_first().ok_or_else(|| runtime("ERR no command"))?;
                let command = String::from_utf8_lossy(command).to_ascii_uppercase();
                match server.borrow_mut().command(&command, words) {
                    Ok(reply) => to_lua(lua, reply),
                    Err(refusal) if is_protected => Ok(Value::Table(lua.create_table_from([("err", refusal)])?)),
                    Err(refusal) => Err(runtime(&refusal)),
                }
            };
            redis.set(name, lua.create_function(call)?)?;
        }
        for (name, field) in [("error_reply", "err"), ("status_reply", "ok")] {
            let make = move |lua: &Lua, text: String| lua.create_table_from([(field, text)]);
            redis.set(name, lua.create_function(make)?)?;
        }
        // What is not replicated is lost with the process only; the model keeps it.
        redis.set("set_repl", lua.create_function(|_, _which: i64| Ok(()))?)?;
        redis.set("REPL_NONE", 0)?;
        redis.set("REPL_ALL", 3)?;
        redis.set("sha1hex", lua.create_function(|_, text: String| Ok(sha1_hex(&text)))?)?;
        lua.globals().set("redis", redis)?;
        // As in Redis, a script has no globals of its own and no way out.
        lua.load(
            "for _, name in ipairs({'io', 'os', 'require', 'package', 'dofile', 'loadfile', 'print'}) do \
                 rawset(_G, name, nil) end \
             setmetatable(_G, { \
                 __index = function(_, name) error('Script attempted to access nonexistent global variable ' .. \
                     \"'\" .. tostring(name) .. \"'\", 2) end, \
                 __newindex = function() error('Attempt to modify a readonly table', 2) end })",
        )
        .exec()?;
        Ok(Self { lua, functions: RefCell::default(), server })
    }

    fn run(&self, server: Server, body: &str, words: &Words, keys: usize) -> (Server, Answer) {
        self.server.replace(server);
        let answer = self.call(body, words, keys).map_err(|error| refusal(&error));
        (self.server.take(), answer.and_then(|reply| reply))
    }

    fn call(&self, body: &str, words: &Words, keys: usize) -> mlua::Result<Answer> {
        let (keys, arguments) = words.split_at(keys);
        for (name, words) in [("KEYS", keys), ("ARGV", arguments)] {
            let words = words.iter().map(|word| self.lua.create_string(word)).collect::<mlua::Result<Vec<_>>>()?;
            self.lua.globals().raw_set(name, words)?;
        }
        let known = self.functions.borrow().get(body).cloned();
        let function = match known {
            Some(function) => function,
            None => {
                let function = self.lua.load(body).set_name("@user_script").into_function()?;
                self.functions.borrow_mut().insert(body.to_owned(), function.clone());
                function
            }
        };
        from_lua(&function.call(())?)
    }
}

fn runtime(text: &str) -> Error {
    Error::RuntimeError(text.to_owned())
}

/// A script's error as Redis words it, without the trace.
fn refusal(error: &Error) -> Refusal {
    let mut text = error.to_string();
    if let Error::CallbackError { cause, .. } = error {
        text = cause.to_string();
    }
    let text = text.strip_prefix("runtime error: ").unwrap_or(&text);
    let line = text.lines().next().unwrap_or_default().to_owned();
    let has_code =
        line.split(' ').next().is_some_and(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase()));
    if has_code { line } else { format!("ERR {line}") }
}

/// A word of `redis.call`: bytes, or a number as Redis writes it.
fn argument(value: &Value) -> mlua::Result<Vec<u8>> {
    match value {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        Value::Integer(number) => Ok(number.to_string().into_bytes()),
        #[expect(clippy::cast_possible_truncation, reason = "the comparison tells whether it was whole")]
        Value::Number(number) if (*number as i64) as f64 == *number => Ok((*number as i64).to_string().into_bytes()),
        Value::Number(number) => Err(runtime(&format!("ERR the fraction {number} is no word: the model refuses it"))),
        _ => Err(runtime("ERR Lua redis lib command arguments must be strings or integers")),
    }
}

/// What `redis.call` answers to a script.
fn to_lua(lua: &Lua, reply: Reply) -> mlua::Result<Value> {
    Ok(match reply {
        Reply::Nil => Value::Boolean(false),
        #[expect(clippy::cast_precision_loss, reason = "Lua 5.1 has no other numbers")]
        Reply::Int(number) => Value::Number(number as f64),
        Reply::Bulk(bytes) => Value::String(lua.create_string(bytes)?),
        Reply::Status(word) => Value::Table(lua.create_table_from([("ok", word)])?),
        Reply::Array(replies) => {
            let values = replies.into_iter().map(|reply| to_lua(lua, reply)).collect::<mlua::Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(values)?)
        }
    })
}

/// What a script's result is as a reply.
fn from_lua(value: &Value) -> mlua::Result<Answer> {
    Ok(Ok(match value {
        Value::String(text) => Reply::bulk(text.as_bytes().to_vec()),
        Value::Integer(number) => Reply::Int(*number),
        #[expect(clippy::cast_possible_truncation, reason = "Redis cuts fractions off")]
        Value::Number(number) => Reply::Int(*number as i64),
        Value::Boolean(true) => Reply::Int(1),
        Value::Table(table) => return from_table(table),
        _ => Reply::Nil,
    }))
}

fn from_table(table: &Table) -> mlua::Result<Answer> {
    if let Some(refusal) = table.raw_get::<Option<String>>("err")? {
        return Ok(Err(refusal));
    }
    if let Some(word) = table.raw_get::<Option<String>>("ok")? {
        return Ok(Ok(Reply::Status(word)));
    }
    let mut replies = Vec::new();
    for place in 1.. {
        // A list ends at its first nil.
        match table.raw_get::<Value>(place)? {
            Value::Nil => break,
            value => match from_lua(&value)? {
                Ok(reply) => replies.push(reply),
                refused => return Ok(refused),
            },
        }
    }
    Ok(Ok(Reply::Array(replies)))
}

fn sha1_hex(text: &str) -> String {
    Sha1::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
