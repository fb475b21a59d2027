//! What a component's instance keeps between requests: configuration, connections, unchanging facts.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use hongbao_core::packet::Facts;
use hongbao_core::sign::SigningKey;
use hongbao_core::token::{self, AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims, Key, Person};
use hongbao_core::{Error, Fen, PacketId};

use crate::config::{Config, DatabaseUrl};
use crate::http::Call;
use crate::ledger::{Ledger, Statements};
use crate::redis::Server;
use crate::shard::Shard;
use crate::sql::sqlite::Sqlite;
use crate::sys;

/// The most packets an instance remembers; the oldest make room.
const REMEMBERED_PACKETS: usize = 4_096;

/// The instance's own state.
pub struct App {
    config: Config,
    shards: Vec<Shard>,
    ledger: Ledger,
    is_migrated: Cell<bool>,
    keys: OnceCell<Keys>,
    packets: RefCell<BTreeMap<PacketId, Rc<Remembered>>>,
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
        let app = Rc::new(Self::new(Config::load().await?));
        APP.set(Some(app.clone()));
        Ok(app)
    }

    fn new(config: Config) -> Self {
        let shard = |(number, url): (u16, &String)| Shard::new(number, Box::new(Server::new(url.clone())));
        let shards = (0..).zip(&config.redis_urls).map(shard).collect();
        let ledger = match &config.database {
            DatabaseUrl::Sqlite(name) => Ledger::new(Box::new(Sqlite::new(name.clone())), &Statements::SQLITE),
        };
        let (is_migrated, keys) = (Cell::new(false), OnceCell::new());
        Self { config, shards, ledger, is_migrated, keys, packets: RefCell::default() }
    }

    /// The ledger, its schema up to date.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn ledger(&self) -> Result<&Ledger, Error> {
        if !self.is_migrated.get() {
            self.ledger.migrate().await?;
            self.is_migrated.set(true);
        }
        Ok(&self.ledger)
    }

    /// All shards.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The shard that a new packet goes to.
    #[must_use]
    pub fn shard_for_new(&self, random: u64) -> u16 {
        let shards = u64::try_from(self.shards.len()).unwrap_or(1);
        u16::try_from(random % shards.max(1)).unwrap_or_default()
    }

    /// The shard of a packet, compared with the ledger before its first use.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a shard that does not exist; [`Error::Unavailable`] when neither the shard nor the
    /// ledger can say which epoch it is.
    pub async fn shard(&self, id: PacketId) -> Result<&Shard, Error> {
        let shard = self.shards.get(usize::from(id.shard())).ok_or(Error::NotFound)?;
        self.connect(shard).await?;
        Ok(shard)
    }

    /// Compares a shard with the ledger, unless this instance has done so.
    ///
    /// # Errors
    /// As for [`shard`](Self::shard).
    pub async fn connect(&self, shard: &Shard) -> Result<(), Error> {
        if shard.trusted().is_some() {
            return Ok(());
        }
        let epoch = match shard.epoch().await? {
            Some(epoch) => epoch,
            None => {
                let epoch = self.ledger().await?.epoch(shard.number).await?;
                shard.adopt(epoch).await?;
                epoch
            }
        };
        shard.trust(epoch);
        Ok(())
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
        let signing = match &self.config.signing_key {
            Some(key) => key.clone(),
            None => SigningKey::parse(&self.local_key("signing_key").await?).ok_or_else(malformed)?,
        };
        let tokens = match self.config.jwt_keys.as_slice() {
            [] => vec![Key::hs256("local", self.local_key("jwt_key").await?.as_bytes()).ok_or_else(malformed)?],
            keys => keys.to_vec(),
        };
        Ok(self.keys.get_or_init(|| Keys { signing, tokens }))
    }

    async fn local_key(&self, name: &str) -> Result<String, Error> {
        let fresh = hongbao_core::split::hex(&sys::random_32());
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
        Ok(self.claims(call, AUDIENCE_OPERATOR).await?.sub)
    }

    async fn claims(&self, call: &Call, audience: &str) -> Result<Claims, Error> {
        let token = call.bearer_token().ok_or(Error::Unauthenticated)?;
        token::verify(&self.keys().await?.tokens, token, audience, sys::now_ms())
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

    /// Why a shard does not hold a packet that exists: it is over and archived, or not loaded yet.
    pub async fn why_missing(&self, id: PacketId) -> Error {
        let packet = match self.ledger().await {
            Ok(ledger) => ledger.packet(id).await,
            Err(error) => Err(error),
        };
        match packet {
            Ok(Some(packet)) if packet.settled == packet.facts.count => Error::SoldOut,
            Ok(Some(packet)) if packet.closed_at_ms.is_some() => Error::Expired,
            Ok(Some(_)) => Error::Unavailable(format!("{id} is not loaded yet")),
            Ok(None) => Error::NotFound,
            Err(error) => error,
        }
    }

    async fn find_facts(&self, id: PacketId) -> Result<Option<Facts>, Error> {
        let shard = self.shards.get(usize::from(id.shard()));
        if let Some(shard) = shard
            && let Some(facts) = shard.facts(id).await?
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
