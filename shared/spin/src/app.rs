//! What a component's instance keeps between requests: configuration, connections, unchanging facts.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use hongbao_core::draft::Limits;
use hongbao_core::packet::Facts;
use hongbao_core::sign::SigningKey;
use hongbao_core::token::{self, AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims, Key, Person};
use hongbao_core::{Error, Fen, PacketId};

use crate::config::{self, Config, DatabaseUrl};
use crate::gate::Gate;
use crate::http::Call;
use crate::ledger::{Ledger, Statements};
use crate::operate::reconcile::Place;
use crate::redis::Server;
use crate::shard::Shard;
use crate::sql::postgres::Postgres;
use crate::sql::sqlite::Sqlite;
use crate::sys;

/// The most packets an instance remembers; the oldest make room.
const REMEMBERED_PACKETS: usize = 4_096;
/// The longest name of an operator.
const OPERATOR_MAX_CHARS: usize = 64;

/// The instance's own state.
pub struct App {
    parts: Parts,
    is_migrated: Cell<bool>,
    keys: OnceCell<Keys>,
    limits: OnceCell<Limits>,
    packets: RefCell<BTreeMap<PacketId, Rc<Remembered>>>,
    turns: Rc<()>,
    pub(crate) gate: Gate,
    /// Where the reconciliation of the sweeps goes on.
    pub(crate) reconciled: Cell<Place>,
}

/// The most requests of an instance that the ledger answers at a time in place of Redis.
const LEDGER_TURNS: usize = 8;

/// A turn at the ledger; dropping it gives it back.
pub struct LedgerTurn {
    _turn: Rc<()>,
}

/// What an [`App`] works with: Spin's, or a test's models.
pub struct Parts {
    /// The shards of Redis, by number.
    pub shards: Vec<Shard>,
    /// The ledger.
    pub ledger: Ledger,
    /// The configured signing key; the ledger's own where there is none.
    pub signing_key: Option<SigningKey>,
    /// The configured keys of tokens; the ledger's own where there are none.
    pub jwt_keys: Vec<Key>,
    /// The limits on sending; the variables' where there are none.
    pub limits: Option<Limits>,
    /// The clock, Unix milliseconds.
    pub now_ms: Box<dyn Fn() -> i64>,
    /// Unpredictable bits.
    pub random_u64: Box<dyn Fn() -> u64>,
}

/// The keys in force.
pub struct Keys {
    /// Signs quotes and vouchers.
    pub signing: SigningKey,
    /// Verify tokens; the first that can, signs.
    pub tokens: Vec<Key>,
}

/// What cannot change any more about a packet.
pub struct Remembered {
    /// Its facts.
    pub facts: Facts,
    amounts: OnceCell<Vec<Fen>>,
}

impl Remembered {
    /// What is in the share `seq`; `None` outside the packet. All shares are worked out once, since each depends
    /// on those before it.
    pub fn amount(&self, seq: u32) -> Option<Fen> {
        let amounts = self.amounts.get_or_init(|| self.facts.amounts());
        amounts.get(usize::try_from(seq).ok()?).copied()
    }
}

impl Parts {
    fn of_spin(config: Config) -> Self {
        let shard = |(number, url)| Shard::new(number, Box::new(Server::new(url)));
        let ledger = match config.database {
            DatabaseUrl::Sqlite(name) => Ledger::new(Box::new(Sqlite::new(name)), &Statements::SQLITE),
            DatabaseUrl::Postgres(url) => Ledger::new(Box::new(Postgres::new(&url)), &Statements::POSTGRES),
        };
        Self {
            shards: (0..).zip(config.redis_urls).map(shard).collect(),
            ledger,
            signing_key: config.signing_key,
            jwt_keys: config.jwt_keys,
            limits: None,
            now_ms: Box::new(sys::now_ms),
            random_u64: Box::new(sys::random_u64),
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
        let (is_migrated, keys) = (Cell::new(false), OnceCell::new());
        Self {
            parts,
            is_migrated,
            keys,
            limits,
            packets: RefCell::default(),
            turns: Rc::default(),
            gate: Gate::default(),
            reconciled: Cell::default(),
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

    /// All shards.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.parts.shards
    }

    /// The shard that a new packet goes to.
    #[must_use]
    pub fn shard_for_new(&self, random: u64) -> u16 {
        let shards = u64::try_from(self.parts.shards.len()).unwrap_or(1);
        u16::try_from(random % shards.max(1)).unwrap_or_default()
    }

    /// The shard of a packet, compared with the ledger before its first use.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a shard that does not exist; [`Error::Unavailable`] when neither the shard nor the
    /// ledger can say which epoch it is.
    pub async fn shard(&self, id: PacketId) -> Result<&Shard, Error> {
        let shard = self.parts.shards.get(usize::from(id.shard())).ok_or(Error::NotFound)?;
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

    /// The keys in force: the configured ones, else the ledger's own, made at first use.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a key has to come from the ledger and it does not answer.
    pub async fn keys(&self) -> Result<&Keys, Error> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let malformed = || Error::Internal("a key that the ledger made is malformed".into());
        let signing = match &self.parts.signing_key {
            Some(key) => key.clone(),
            None => SigningKey::parse(&self.local_key("signing_key").await?).ok_or_else(malformed)?,
        };
        let tokens = match self.parts.jwt_keys.as_slice() {
            [] => vec![Key::hs256("local", self.local_key("jwt_key").await?.as_bytes()).ok_or_else(malformed)?],
            keys => keys.to_vec(),
        };
        Ok(self.keys.get_or_init(|| Keys { signing, tokens }))
    }

    async fn local_key(&self, name: &str) -> Result<String, Error> {
        let fresh = hongbao_core::split::hex(&self.random_32());
        self.ledger().await?.local_key(name, &fresh).await
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
        let is_name = (1..=OPERATOR_MAX_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if is_name { Ok(name) } else { Err(Error::Unauthenticated) }
    }

    async fn claims(&self, call: &Call, audience: &str) -> Result<Claims, Error> {
        let token = call.bearer_token().ok_or(Error::Unauthenticated)?;
        token::verify(&self.keys().await?.tokens, token, audience, self.now_ms())
    }

    /// The facts of a packet that `person` may see: from memory, else from its shard, else from the ledger.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such packet or it is not the person's to see.
    pub async fn packet(&self, id: PacketId, person: &Person) -> Result<Rc<Remembered>, Error> {
        let known = self.packets.borrow().get(&id).cloned();
        let packet = match known {
            Some(packet) => packet,
            None => self.remember(self.find_facts(id).await?.ok_or(Error::NotFound)?),
        };
        if packet.facts.is_visible_to(person) { Ok(packet) } else { Err(Error::NotFound) }
    }

    /// A turn at the ledger for what Redis should have decided: few at a time, so that the loss of a shard does not
    /// take the database with it.
    ///
    /// # Errors
    /// [`Error::Degraded`] when all turns are taken.
    pub fn ledger_turn(&self) -> Result<LedgerTurn, Error> {
        if Rc::strong_count(&self.turns) > LEDGER_TURNS {
            return Err(Error::Degraded);
        }
        Ok(LedgerTurn { _turn: self.turns.clone() })
    }

    async fn find_facts(&self, id: PacketId) -> Result<Option<Facts>, Error> {
        if let Some(shard) = self.parts.shards.get(usize::from(id.shard()))
            // A shard that is away is no reason not to know the packet: the ledger does.
            && let Ok(Some(facts)) = shard.facts(id).await
        {
            return Ok(Some(facts));
        }
        Ok(self.ledger().await?.packet(id).await?.map(|packet| packet.facts))
    }

    /// Keeps a packet's facts for the instance's life.
    pub fn remember(&self, facts: Facts) -> Rc<Remembered> {
        let mut packets = self.packets.borrow_mut();
        if packets.len() >= REMEMBERED_PACKETS {
            packets.pop_first();
        }
        let packet = Rc::new(Remembered { amounts: OnceCell::new(), facts });
        packets.insert(packet.facts.id, packet.clone());
        packet
    }
}
