//! The scripts as they are, as a canary has them, and their call.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use redis::{Cmd, Connection, cmd};

/// The scripts' names.
pub const NAMES: [&str; 6] = ["load", "grab", "open", "close", "fence", "rebuild"];

/// The one way in which the scripts learn the time.
const SERVER_CLOCK: &str = "redis.call('TIME')";
/// The clock of a history, kept where the scripts find it: seconds and microseconds, like `TIME`.
const HELD_CLOCK: &str = "redis.call('HMGET', 'clock', 's', 'us')";

/// The scripts' texts.
#[derive(Debug, Clone)]
pub struct Scripts(BTreeMap<&'static str, String>);

impl Scripts {
    /// The scripts as they are.
    pub fn read() -> Self {
        let lua: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "shared", "spin", "lua"].iter().collect();
        let read = |name: &str| fs::read_to_string(lua.join(name).with_extension("lua")).expect("a script");
        let mut texts: BTreeMap<_, _> = NAMES.map(|name| (name, read(name))).into();
        // Nobody grabs but through the door: the application runs both as one script.
        let grab = texts.get_mut("grab").expect("a script");
        let (_, behind) = grab.split_once('\n').expect("a head");
        *grab = read("admit") + behind;
        let open = texts.get_mut("open").expect("a script");
        let (_, behind) = open.split_once('\n').expect("a head");
        *open = read("clock") + behind;
        Self(texts)
    }

    /// The scripts by a clock that the history holds in its hand, so that every millisecond is certain.
    pub fn by_held_clock(mut self) -> Self {
        for (name, text) in &mut self.0 {
            let uses = text.matches(SERVER_CLOCK).count();
            assert_eq!(uses, usize::from(["grab", "open", "close"].contains(name)), "{name} asks for the time once");
            *text = text.replace(SERVER_CLOCK, HELD_CLOCK);
        }
        self
    }

    /// The scripts with a bug: `wrong` in place of `right`, which stands in the script of this name once.
    pub fn with_bug(mut self, name: &str, right: &str, wrong: &str) -> Self {
        let text = self.0.get_mut(name).expect("a script");
        assert_eq!(text.matches(right).count(), 1, "{name} has {right:?} once");
        *text = text.replace(right, wrong);
        self
    }

    /// The codes that a script's header says it replies.
    pub fn replies(&self, name: &str) -> Vec<String> {
        let (_, rest) = self.0[name].rsplit_once("-- reply ").expect("a header that tells the replies");
        let line = rest.lines().next().expect("a line");
        let codes = line.split("{'").skip(1).filter_map(|reply| reply.split_once('\''));
        codes.map(|(code, _)| code.to_owned()).collect()
    }

    /// Gives the scripts to a server.
    pub fn install(&self, server: &mut Connection) -> Installed {
        let install = |(name, text): (&&'static str, &String)| {
            let digest = cmd("SCRIPT").arg("LOAD").arg(text).query(server).expect("a script that compiles");
            (*name, digest)
        };
        Installed(self.0.iter().map(install).collect())
    }
}

/// How many numbers the door has behind the packet's id: rates and rules, all of them off.
const DOOR_NUMBERS: usize = 12;

/// Scripts that a server knows, by their digests.
#[derive(Debug)]
pub struct Installed(BTreeMap<&'static str, String>);

impl Installed {
    /// The call of a script with these keys; its arguments follow.
    pub fn call(&self, name: &str, keys: &[&str]) -> Cmd {
        let mut call = cmd("EVALSHA");
        call.arg(&self.0[name]).arg(keys.len()).arg(keys);
        call
    }

    /// A grab of `user` from the packet at `key`, with no rates and no rules. The door's own keys stay untouched.
    pub fn grab(&self, key: &str, epoch_key: &str, epoch: u32, user: &str) -> Cmd {
        let mut call = self.call("grab", &[key, epoch_key, "mine", "all", "events"]);
        call.arg(epoch).arg(user).arg("hb_any").arg(&[0; DOOR_NUMBERS]);
        call
    }
}
