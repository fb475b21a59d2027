//! What a component's instance keeps between requests: configuration, connections, unchanging facts.

use core::time::Duration;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use hongbao_core::admit::Rates;
use hongbao_core::draft::Limits;
use hongbao_core::packet::Facts;
use hongbao_core::risk::Rules;
use hongbao_core::sign::SigningKeys;
use hongbao_core::token::{self, AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims, Key, Person};
use hongbao_core::{Error, PacketId, text};

use crate::config::{self, Config, DatabaseUrl};
use crate::count::{Count, Counts};
use crate::gate::Gate;
use crate::http::Call;
use crate::ledger::{Ledger, Statements};
use crate::memory::{Memory, Remembered};
use crate::redis::Server;
use crate::refill::Returning;
use crate::shard::Shard;
use crate::sql::postgres::Postgres;
use crate::sql::sqlite::Sqlite;
use crate::sys;

mod keys;

pub use keys::Keys;

/// The longest name of an operator.
const OPERATOR_MAX_CHARS: usize = 64;

/// The instance's own state.
pub struct App {
    parts: Parts,
    is_migrated: Cell<bool>,
    keys: OnceCell<Keys>,
    old_signing_keys: OnceCell<SigningKeys>,
    /// When the ledger last failed to tell its own signing key, Unix milliseconds.
    old_keys_missed_ms: Cell<Option<i64>>,
    limits: OnceCell<Limits>,
    retention_ms: OnceCell<i64>,
    policy: OnceCell<Policy>,
    rates: OnceCell<Rates>,
    pub(crate) memory: Memory,
    turns: Rc<()>,
    pub(crate) returning: Returning,
    in_flight: Rc<()>,
    pub(crate) gate: Gate,
    pub(crate) counts: Counts,
}

/// The most requests of an instance that the ledger answers at a time in place of Redis.
const LEDGER_TURNS: usize = 8;

/// One of a number of turns; dropping it gives it back.
pub struct Turn {
    _turn: Rc<()>,
}

impl Turn {
    /// A turn of `most`.
    fn take(turns: &Rc<()>, most: usize) -> Result<Self, Error> {
        if Rc::strong_count(turns) > most { Err(Error::Degraded) } else { Ok(Self { _turn: turns.clone() }) }
    }
}

/// What an [`App`] works with: Spin's, or a test's models.
pub struct Parts {
    /// The shards of Redis, in the order of their numbers.
    pub shards: Vec<Shard>,
    /// The ledger.
    pub ledger: Ledger,
    /// The configured signing keys; the ledger's own where there are none.
    pub signing_keys: Option<SigningKeys>,
    /// The configured keys of tokens; the ledger's own where there are none.
    pub jwt_keys: Vec<Key>,
    /// The limits on sending; the variables' where there are none.
    pub limits: Option<Limits>,
    /// The rates and the risk rules; the variables' where there are none.
    pub policy: Option<Policy>,
    /// How long a packet stays in Redis after it has ended, in milliseconds; the variable's where there is none.
    pub retention_ms: Option<i64>,
    /// The clock, Unix milliseconds.
    pub now_ms: Box<dyn Fn() -> i64>,
    /// Unpredictable bits.
    pub random_u64: Box<dyn Fn() -> u64>,
    /// Waits so long.
    pub pause: Box<dyn Fn(Duration) -> LocalBoxFuture<'static, ()>>,
}

/// How much is let in, and what looks wrong: what the variables say.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The rates.
    pub rates: Rates,
    /// The risk rules, as far as operators have not set them otherwise.
    pub rules: Rules,
}

impl Parts {
    fn of_spin(config: Config) -> Self {
        let shard = |(number, url)| Shard::new(number, Box::new(Server::new(url)));
        let ledger = match config.database {
            DatabaseUrl::Sqlite(name) => Ledger::new(Box::new(Sqlite::new(name)), &Statements::SQLITE),
            DatabaseUrl::Postgres(url) => Ledger::new(Box::new(Postgres::new(&url)), &Statements::POSTGRES),
        };
        Self {
            shards: config.redis_urls.into_iter().map(shard).collect(),
            ledger,
            signing_keys: config.signing_keys,
            jwt_keys: config.jwt_keys,
            limits: None,
            policy: None,
            retention_ms: None,
            now_ms: Box::new(sys::now_ms),
            random_u64: Box::new(sys::random_u64),
            pause: Box::new(|time| Box::pin(sys::pause(time))),
        }
    }
}

thread_local! {
    static APP: RefCell<Option<Rc<App>>> = const { RefCell::new(None) };
}

impl App {
    /// The instance's state, made at its first request.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] naming the variable that is missing or malformed.
    pub async fn get() -> Result<Rc<Self>, Error> {
        if let Some(app) = APP.with_borrow(Clone::clone) {
            return Ok(app);
        }
        let app = Rc::new(Self::new(Parts::of_spin(Config::load().await?)));
        APP.set(Some(app.clone()));
        Ok(app)
    }

    /// An instance's state that works with `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let limits = parts.limits.map(OnceCell::from).unwrap_or_default();
        let retention_ms = parts.retention_ms.map(OnceCell::from).unwrap_or_default();
        let policy = parts.policy.clone().map(OnceCell::from).unwrap_or_default();
        Self {
            parts,
            is_migrated: Cell::new(false),
            keys: OnceCell::new(),
            old_signing_keys: OnceCell::new(),
            old_keys_missed_ms: Cell::new(None),
            limits,
            retention_ms,
            policy,
            rates: OnceCell::new(),
            memory: Memory::default(),
            turns: Rc::default(),
            returning: Returning::default(),
            in_flight: Rc::default(),
            gate: Gate::default(),
            counts: Counts::default(),
        }
    }

    /// Now, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.parts.now_ms)()
    }

    /// 64 unpredictable bits.
    #[must_use]
    pub fn random_u64(&self) -> u64 {
        (self.parts.random_u64)()
    }

    /// Waits for `time`.
    pub(crate) async fn pause(&self, time: Duration) {
        (self.parts.pause)(time).await;
    }

    /// 32 unpredictable bytes.
    #[must_use]
    pub fn random_32(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.as_chunks_mut::<8>().0 {
            *chunk = self.random_u64().to_be_bytes();
        }
        bytes
    }

    /// The limits on sending.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] naming the variable that is missing or malformed.
    pub async fn limits(&self) -> Result<&Limits, Error> {
        match self.limits.get() {
            Some(limits) => Ok(limits),
            None => {
                let limits = config::limits().await?;
                Ok(self.limits.get_or_init(|| limits))
            }
        }
    }

    /// How long a packet stays in Redis after it has ended, in milliseconds.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the variable is malformed.
    pub async fn retention_ms(&self) -> Result<i64, Error> {
        match self.retention_ms.get() {
            Some(retention_ms) => Ok(*retention_ms),
            None => {
                let retention_ms = config::retention_ms().await?;
                Ok(*self.retention_ms.get_or_init(|| retention_ms))
            }
        }
    }

    /// The rates and the risk rules, as the variables say.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] naming the variable that is missing or malformed.
    pub async fn policy(&self) -> Result<&Policy, Error> {
        match self.policy.get() {
            Some(policy) => Ok(policy),
            None => {
                let policy = Policy { rates: config::rates().await?, rules: config::rules().await? };
                Ok(self.policy.get_or_init(|| policy))
            }
        }
    }

    /// The rates, for a component that has no risk rules.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] when the variable is missing or malformed.
    pub(crate) async fn rates(&self) -> Result<&Rates, Error> {
        if let Some(rates) = self.policy.get().map(|policy| &policy.rates).or_else(|| self.rates.get()) {
            return Ok(rates);
        }
        let rates = config::rates().await?;
        Ok(self.rates.get_or_init(|| rates))
    }

    /// A place among the requests that this instance has in hand.
    ///
    /// # Errors
    /// [`Error::Degraded`] when there are as many as may be.
    pub(crate) fn in_hand(&self, rates: &Rates) -> Result<Turn, Error> {
        let most =
            if rates.in_flight == 0 { usize::MAX } else { usize::try_from(rates.in_flight).unwrap_or(usize::MAX) };
        Turn::take(&self.in_flight, most).inspect_err(|_| self.counts.add(Count::Shed))
    }

    /// The ledger, its schema up to date.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn ledger(&self) -> Result<&Ledger, Error> {
        if !self.is_migrated.get() {
            self.parts.ledger.migrate().await?;
            self.is_migrated.set(true);
        }
        Ok(&self.parts.ledger)
    }

    /// The ledger, for an answer that can do without: whether it is there is known within a second.
    ///
    /// # Errors
    /// As for [`ledger`](Self::ledger).
    pub async fn ledger_soon(&self) -> Result<&Ledger, Error> {
        self.parts.ledger.ping().await?;
        self.ledger().await
    }

    /// All shards.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.parts.shards
    }

    /// The shard with this number; none that this instance does not know.
    #[must_use]
    pub fn shard_numbered(&self, number: u16) -> Option<&Shard> {
        self.parts.shards.iter().find(|shard| shard.number == number)
    }

    /// The shard of a packet, compared with the ledger before its first use.
    ///
    /// # Errors
    /// [`Error::Unavailable`] for a shard that this instance does not know (one that was just added, or taken away),
    /// and when neither the shard nor the ledger can say which epoch it is.
    pub async fn shard(&self, id: PacketId) -> Result<&Shard, Error> {
        let unknown = || Error::Unavailable(format!("there is no shard {} here", id.shard()));
        let shard = self.shard_numbered(id.shard()).ok_or_else(unknown)?;
        self.connect(shard).await?;
        Ok(shard)
    }

    /// Does `work` on the shard of a packet, and once more if the shard turned out to be another than was compared:
    /// of another epoch, or behind a new connection. Whatever the first time did, doing it again is the same.
    ///
    /// # Errors
    /// Those of [`shard`](Self::shard) and of `work`.
    pub async fn on_shard<T>(&self, id: PacketId, work: impl AsyncFn(&Shard) -> Result<T, Error>) -> Result<T, Error> {
        let shard = self.shard(id).await?;
        match work(shard).await {
            Err(Error::Unavailable(_)) if shard.trusted_epoch().is_none() => work(self.shard(id).await?).await,
            done => done,
        }
    }

    /// The person who is calling.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a valid token.
    pub async fn person(&self, call: &Call) -> Result<Person, Error> {
        Person::try_from(self.claims(call, AUDIENCE_PEOPLE).await?)
    }

    /// The operator who is calling.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a valid operator's token.
    pub async fn operator(&self, call: &Call) -> Result<String, Error> {
        let name = self.claims(call, AUDIENCE_OPERATOR).await?.sub;
        // The name goes into the audit.
        match text::check_line("sub", &name, OPERATOR_MAX_CHARS) {
            Ok(()) => Ok(name),
            Err(_) => Err(Error::Unauthenticated),
        }
    }

    async fn claims(&self, call: &Call, audience: &str) -> Result<Claims, Error> {
        let token = call.bearer_token().ok_or(Error::Unauthenticated)?;
        // Configured keys need no ledger: operators are told what there is while it is away.
        let keys = match self.parts.jwt_keys.as_slice() {
            [] => &self.keys().await?.tokens,
            keys => keys,
        };
        token::verify(keys, token, audience, self.now_ms())
    }

    /// The facts of a packet that `person` may see: from memory, else from its shard, else from the ledger.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such packet or it is not the person's to see.
    pub async fn packet(&self, id: PacketId, person: &Person) -> Result<Rc<Remembered>, Error> {
        let packet = self.any_packet(id).await?;
        if packet.facts.is_visible_to(person) { Ok(packet) } else { Err(Error::NotFound) }
    }

    /// The facts of a packet, whoever asks: for who proves their right to it otherwise.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such packet.
    pub(crate) async fn any_packet(&self, id: PacketId) -> Result<Rc<Remembered>, Error> {
        let known = self.memory.get(id);
        self.counts.add(if known.is_some() { Count::PacketHit } else { Count::PacketMiss });
        match known {
            Some(packet) => Ok(packet),
            None => Ok(self.memory.keep(self.find_facts(id).await?.ok_or(Error::NotFound)?)),
        }
    }

    /// A turn at the ledger for what Redis should have decided: few at a time, so that the loss of a shard does not
    /// take the database with it.
    ///
    /// # Errors
    /// [`Error::Degraded`] when all turns are taken.
    pub fn ledger_turn(&self) -> Result<Turn, Error> {
        Turn::take(&self.turns, LEDGER_TURNS)
    }

    async fn find_facts(&self, id: PacketId) -> Result<Option<Facts>, Error> {
        if let Some(shard) = self.shard_numbered(id.shard())
            // A shard that is away is no reason not to know the packet: the ledger does.
            && let Ok(Some(facts)) = shard.facts(id).await
        {
            return Ok(Some(facts));
        }
        Ok(self.ledger().await?.packet(id).await?.map(|packet| packet.facts))
    }
}
