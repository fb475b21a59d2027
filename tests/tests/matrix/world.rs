//! One Redis, one SQLite, and the application in this process, whose calls can be struck.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use hongbao_client::{Client, Method};
use hongbao_host::{Host, Options, Running};
use hongbao_stack::{Grant, Keys, Redis, RedisOptions, project_root};
use hongbao_tests::ledger::Books;
use hongbao_tests::person::{number, text};
use hongbao_tests::stage::folder;
use hongbao_tests::{Person, until};
use redis::{Connection, FromRedisValue};
use serde_json::{Value, json};

use crate::switch::Switch;

/// The group that everybody is in.
pub(crate) const GROUP: &str = "g_matrix";
/// Longer than any lease and any entry's stay with a reader that died.
const LONG_MS: i64 = 16_000;
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);
/// What answers requests. What hears the bell has a host of its own, in the one test where the bell is the matter.
const ALL_BUT_TRANSFER: [&str; 8] = ["account", "admin", "grab", "open", "packets", "send", "sweep", "wrap"];

/// How long instances live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instances {
    /// Each request has a new one, and so makes every call there is to be made.
    Fresh,
    /// One serves all requests: what a failure leaves in its memory meets the next request.
    Lasting,
}

/// The application and what is below it.
pub(crate) struct World {
    pub(crate) switch: Arc<Switch>,
    pub(crate) books: Books,
    /// Asks the host whose calls are struck.
    struck: Client,
    /// Asks a host beside it, which serves what is not the matter of a case.
    sound: Client,
    /// How far the struck host's clock is ahead, in milliseconds.
    clock_ms: Arc<AtomicI64>,
    keys: Keys,
    redis: Redis,
    options: Options,
    count: AtomicU64,
    _hosts: [Running; 2],
}

impl World {
    /// Starts everything. `name` must be the test's own.
    pub(crate) async fn start(name: &str, instances: Instances) -> Self {
        let folder = folder(name);
        let keys = Keys::load_or_make(&folder.join("keys")).expect("keys");
        // Components crash here, Redis does not: nothing has to reach the disk.
        let redis = RedisOptions { fsync: hongbao_stack::Fsync::No, ..RedisOptions::default() };
        let redis = Redis::start(&folder.join("redis"), &redis).expect("Redis starts");
        let sound_options = options(&folder, &redis, &keys);
        let sound_host = Host::start(sound_options.clone()).await.expect("it starts (is it built?)");
        let (switch, clock_ms) = (Arc::<Switch>::default(), Arc::<AtomicI64>::default());
        let mut options = sound_options;
        match instances {
            Instances::Fresh => options.instances.max_reuse_count = 1,
            Instances::Lasting => options.instances.idle_timeout = HALF_A_DAY,
        }
        options.faults = Some(switch.clone());
        options.clock_offset_ms = Some(clock_ms.clone());
        let host = Host::start(options.clone()).await.expect("it starts again");
        let [struck, sound] = [&host, &sound_host].map(|host| Client::new(&format!("http://{}", host.addr())));
        // The first request makes the books.
        let person = Person::new(sound.clone(), "us_first", "");
        person.post("/v1/dev/login", &json!({"user": "us_first", "groups": []})).await.granted(200);
        let (books, count) = (Books::at(&options.state_dir), AtomicU64::new(0));
        Self { switch, books, struck, sound, clock_ms, keys, redis, options, count, _hosts: [host, sound_host] }
    }

    /// Starts the component that listens to the bell, on a host of its own.
    pub(crate) async fn start_transfer(&self) -> Running {
        let options = Options { components: vec!["transfer".to_owned()], ..self.options.clone() };
        Host::start(options).await.expect("the settlement starts")
    }

    /// Starts one component on a ledger that does not exist yet; how to look into it once it does.
    pub(crate) async fn start_first(&self, component: &str) -> (Running, impl FnOnce() -> Books) {
        let state_dir = self.options.state_dir.with_file_name(format!("state-{}", self.fresh()));
        let components = vec![component.to_owned()];
        let options = Options { components, state_dir: state_dir.clone(), ..self.options.clone() };
        (Host::start(options).await.expect("it starts"), move || Books::at(&state_dir))
    }

    /// A number that nobody else has.
    pub(crate) fn fresh(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// A person without money whom nobody has met before.
    pub(crate) fn person(&self, who: &str) -> Person {
        let id = format!("us_{who}{}", self.fresh());
        let grant = Grant { ttl: HALF_A_DAY, ..Grant::person(&id, &[GROUP]) };
        Person::new(self.sound.clone(), &id, &self.keys.token(&grant).expect("a token"))
    }

    /// Several of them.
    pub(crate) fn people<const N: usize>(&self) -> [Person; N] {
        std::array::from_fn(|_| self.person("p"))
    }

    /// A person with [`PURSE_FEN`](hongbao_tests::person::PURSE_FEN).
    pub(crate) async fn sender(&self) -> Person {
        let person = self.person("s");
        let login = json!({"user": person.id, "groups": [GROUP]});
        person.post("/v1/dev/login", &login).await.granted(200);
        person
    }

    /// An operator.
    pub(crate) fn operator(&self) -> Person {
        let grant = Grant { ttl: HALF_A_DAY, ..Grant::operator("matrix") };
        Person::new(self.sound.clone(), "matrix", &self.keys.token(&grant).expect("a token"))
    }

    /// A sweep that must leave nothing undone.
    pub(crate) async fn sweep(&self) {
        let swept = self.operator().post("/internal/sweep", &json!({})).await.granted(200);
        assert_eq!(number(&swept, "left"), 0, "{swept}");
    }

    /// Sweeps, and waits for whoever else is settling an entry just now.
    pub(crate) async fn settle(&self) {
        self.sweep().await;
        until("the journal is settled", || async { self.is_settled().then_some(()) }).await;
    }

    /// Whether no entry is left in the journal.
    pub(crate) fn is_settled(&self) -> bool {
        self.redis::<i64>("XLEN", &[EVENTS]) == 0 && self.pending().is_empty()
    }

    /// Sets how far the struck host's clock is ahead of the real one.
    pub(crate) fn set_clock(&self, ahead_ms: i64) {
        self.clock_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Makes it later by more than any lease: for the struck host's clock, and for whoever waits to take over
    /// entries of the journal from a reader that died.
    pub(crate) fn time_passes(&self) {
        self.clock_ms.fetch_add(LONG_MS, Ordering::Relaxed);
        for (id, reader) in self.pending() {
            let claim = [EVENTS, "settlement", &reader, "0", &id, "IDLE", "16000", "JUSTID"];
            self.redis::<redis::Value>("XCLAIM", &claim);
        }
    }

    /// The entries of the journal that somebody has read and not settled, and who.
    fn pending(&self) -> Vec<(String, String)> {
        type Pending = Vec<(String, String, i64, i64)>;
        // An empty server has no group of readers yet.
        let pending = self.try_redis::<Pending>("XPENDING", &[EVENTS, "settlement", "-", "+", "1000"]);
        pending.unwrap_or_default().into_iter().map(|(id, reader, _, _)| (id, reader)).collect()
    }

    /// Puts an entry into the journal that no script wrote; its id.
    pub(crate) fn forge(&self, entry: &str) -> String {
        self.redis("XADD", &[EVENTS, "*", "e", entry])
    }

    /// Makes the journal's newest entry, which nobody has read, one that the books refuse for the last time when it is
    /// settled next; its id.
    pub(crate) fn refuse_newest(&self) -> String {
        let read = ["GROUP", "settlement", "dead", "COUNT", "10", "STREAMS", EVENTS, ">"];
        self.redis::<redis::Value>("XREADGROUP", &read);
        let ids: Vec<String> = self.pending().into_iter().map(|(id, _)| id).collect();
        for id in &ids {
            let claim = [EVENTS, "settlement", "dead", "0", id, "IDLE", "16000", "JUSTID"];
            self.redis::<redis::Value>("XCLAIM", &claim);
        }
        let id = ids.last().expect("an entry was read").clone();
        self.redis::<i64>("HSET", &["hb:{0}:tries", &id, "4"]);
        let rule =
            "CREATE TRIGGER refused BEFORE INSERT ON claims BEGIN SELECT RAISE(ABORT, 'refused_by_the_matrix'); END";
        Books::alter_schema(&self.options.state_dir, rule);
        id
    }

    /// Ends what [`refuse_newest`](Self::refuse_newest) began.
    pub(crate) fn refuse_no_more(&self) {
        Books::alter_schema(&self.options.state_dir, "DROP TRIGGER IF EXISTS refused");
    }

    /// Runs a command of Redis.
    pub(crate) fn redis<T: FromRedisValue>(&self, command: &str, arguments: &[&str]) -> T {
        self.try_redis(command, arguments).unwrap_or_else(|error| panic!("{command} {arguments:?}: {error}"))
    }

    fn try_redis<T: FromRedisValue>(&self, command: &str, arguments: &[&str]) -> redis::RedisResult<T> {
        let mut connection: Connection = redis::Client::open(self.redis.url())?.get_connection()?;
        redis::cmd(command).arg(arguments).query(&mut connection)
    }

    /// What an account holds.
    pub(crate) fn holds(&self, account: &str) -> i64 {
        self.books.number(&format!("SELECT COALESCE(SUM(balance_fen), 0) FROM accounts WHERE id = '{account}'"))
    }

    /// What a person's wallet holds.
    pub(crate) fn wallet(&self, person: &Person) -> i64 {
        self.holds(&format!("wallet:{}", person.id))
    }

    /// The one packet that somebody has sent, as the ledger has it.
    pub(crate) fn packet_of(&self, sender: &Person) -> String {
        self.books.text(&format!("SELECT id FROM packets WHERE sender = '{}'", sender.id))
    }

    /// Has the application look at its books, and looks itself.
    pub(crate) async fn check_books(&self) {
        self.books.check();
        let found = self.operator().get("/v1/admin/reconcile").await.granted(200);
        assert_eq!((&found["ok"], &found["next"]), (&json!(true), &Value::Null), "{found}");
    }

    /// Has the struck host send what was quoted; the packet's id.
    pub(crate) async fn send(&self, who: &Person, quote: &str) -> String {
        let answer = self.ask(who, "/v1/send", &json!({"quote": quote})).await.expect("an answer");
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
        text(&answer.json(), "packet_id")
    }

    /// Any request with a body to the struck host, answered with whatever it is answered with.
    pub(crate) async fn ask(
        &self,
        who: &Person,
        path: &str,
        body: &Value,
    ) -> Result<hongbao_client::Answer, hongbao_client::Failure> {
        self.struck.call(Method::POST, path).token(&who.token).json(body).send().await
    }
}

/// The journal of the one shard.
const EVENTS: &str = "hb:{0}:events";

/// The options of a host, but for what tests control it by.
fn options(folder: &Path, redis: &Redis, keys: &Keys) -> Options {
    let root = project_root().expect("the project is found");
    let mut options = Options::new(root.join("spin.toml"));
    options.state_dir = folder.join("state");
    options.cache_dir = root.join("target/tmp/compiled");
    options.components = ALL_BUT_TRANSFER.map(str::to_owned).to_vec();
    options.threads = 1;
    // Each reserves address space, and several worlds of three hosts run in this process.
    options.instances.max_count = 64;
    let variables = [
        ("signing_key", keys.signing_key().to_owned()),
        ("jwt_keys", keys.jwt_keys().to_owned()),
        ("dev_login", "on".to_owned()),
        // One person logs in again and again.
        ("rate_limits", "login_user=0".to_owned()),
    ];
    options.variables.extend(variables.map(|(name, value)| (name.to_owned(), value)));
    options.variables.extend(hongbao_stack::redis_variables(&[redis.url()]));
    options
}
