//! The ledger's database: a real SQLite in memory, and the ways in which a call to it can go wrong.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use async_trait::async_trait;
use hongbao_spin::sql::{Database, Failure, Row, Value};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, backup, params_from_iter};

use crate::canary::Seam;
use crate::site::Site;
use crate::world::{ProcessId, within};

/// How long a statement may take, as in `shared/spin`.
const DEADLINE_US: u64 = 3_000_000;

/// How long a statement waits for a lock.
const LOCK_TIMEOUT_US: u64 = 500_000;

/// A database of one run.
pub struct Store {
    /// The database.
    pub connection: Connection,
    /// Whether every statement fails.
    pub is_down: Cell<bool>,
    /// How much longer every statement takes, in microseconds.
    pub slow_us: Cell<u64>,
    /// Whose wallet somebody has locked.
    pub locked: RefCell<Option<String>>,
    /// Seeded bugs in statements: text that is replaced.
    altered: Vec<(String, String)>,
}

/// Where the application's own SQL and Lua stand.
#[must_use]
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spin")
}

/// The files in a folder of the sources, by name: their text.
///
/// # Panics
/// When the folder cannot be read: the simulation runs in the project.
#[must_use]
pub fn texts(folder: &str) -> Vec<(String, String)> {
    let folder = sources().join(folder);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut texts: Vec<(String, String)> = files
        .filter_map(|file| {
            let path = file.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            Some((name, std::fs::read_to_string(&path).ok()?))
        })
        .collect();
    texts.sort();
    texts
}

/// A database with the ledger's schema, to be copied for every run.
///
/// # Panics
/// When the schema, or the seeded bug in it, does not fit.
#[must_use]
pub fn prepare(seam: &Seam) -> Connection {
    let connection = Connection::open_in_memory().expect("a database in memory");
    let schema: String = texts("sql/sqlite/schema").into_iter().map(|(_, text)| text + "\n\n").collect();
    connection.execute_batch(&seam.alter_schema(schema)).expect("the schema is valid");
    connection
}

impl Store {
    /// A copy of a prepared database.
    ///
    /// # Panics
    /// When there is no memory for it.
    #[must_use]
    pub fn copy(prepared: &Connection, seam: &Seam) -> Self {
        let mut connection = Connection::open_in_memory().expect("a database in memory");
        connection.set_prepared_statement_cache_capacity(64);
        let copy = backup::Backup::new(prepared, &mut connection).expect("a copy begins");
        copy.step(-1).expect("a copy is made");
        drop(copy);
        Self {
            connection,
            is_down: Cell::new(false),
            slow_us: Cell::new(0),
            locked: RefCell::default(),
            altered: seam.statements.clone(),
        }
    }

    /// Whether a statement writes about the person whose wallet is locked. SQLite has one lock for everything; the
    /// application is the same on a database that has more.
    fn is_locked(&self, statement: &str, parameters: &[Value]) -> bool {
        let locked = self.locked.borrow();
        let Some(user) = locked.as_deref().filter(|_| statement.contains("INSERT INTO")) else { return false };
        let quoted = format!("\"{user}\"");
        parameters.iter().any(|value| matches!(value, Value::Text(text) if text == user || text.contains(&quoted)))
    }

    fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        let altered = self.altered.iter().find(|(text, _)| text == statement);
        let statement = altered.map_or(statement, |(_, bug)| bug.as_str());
        let mut prepared = self.connection.prepare_cached(statement).map_err(failure)?;
        let columns = prepared.column_count();
        let mut found = prepared.query(params_from_iter(parameters.into_iter().map(Bound))).map_err(failure)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(failure)? {
            let values = (0..columns).map(|column| row.get_ref(column).map_err(failure).and_then(value));
            rows.push(values.collect::<Result<_, _>>()?);
        }
        Ok(rows)
    }
}

fn failure(error: rusqlite::Error) -> Failure {
    Failure::of_sqlite(error.to_string())
}

struct Bound(Value);

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match &self.0 {
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Null => ValueRef::Null,
        }))
    }
}

fn value(value: ValueRef<'_>) -> Result<Value, Failure> {
    match value {
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Real(_) => Err(Failure::of_answer("a floating-point number, which the ledger never holds")),
    }
}

/// One instance's connection to the database.
pub struct Client {
    /// Where everything is.
    pub site: Rc<Site>,
    /// The process that calls.
    pub process: ProcessId,
}

#[async_trait(?Send)]
impl Database for Client {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        self.site.host_call(self.process).await;
        let answer = within(&self.site.world, DEADLINE_US, self.exchange(statement, parameters)).await;
        self.site.host_call(self.process).await;
        let answer = answer.unwrap_or_else(|| Err(Failure::lost("no answer within 3s")));
        if self.site.seam.swallows(statement) { answer.or_else(|_| Ok(Vec::new())) } else { answer }
    }

    async fn migrate(&self) -> Result<(), Failure> {
        self.query("SELECT 1", Vec::new()).await.map(drop)
    }
}

impl Client {
    async fn exchange(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        let (site, faults) = (&self.site, &self.site.faults);
        site.world.dawdle_us(faults.mix.sql_delay_us).await;
        if site.store.is_down.get() || faults.loses(faults.mix.sql_refused) {
            return Err(Failure::lost("connection refused"));
        }
        site.world.sleep_us(site.store.slow_us.get()).await;
        if site.store.is_locked(statement, &parameters) {
            site.world.sleep_us(LOCK_TIMEOUT_US).await;
            return Err(Failure::of_postgres("55P03", "canceling statement due to lock timeout"));
        }
        if faults.strike(faults.mix.sql_late) {
            let (site, statement) = (site.clone(), statement.to_owned());
            self.site.world.spawn(None, async move {
                site.world.sleep_us(site.world.random.between(DEADLINE_US, 2 * DEADLINE_US)).await;
                let answer = site.store.run(&statement, parameters);
                site.world.note(|| format!("late sql {} -> {answer:?}", brief(&statement)));
            });
            return std::future::pending().await;
        }
        let told = site.world.is_traced().then(|| format!("{parameters:?}"));
        let answer = site.store.run(statement, parameters);
        let told = told.unwrap_or_default();
        site.world.note(|| format!("p{} sql {} {told} -> {answer:?}", self.process, brief(statement)));
        if faults.loses(faults.mix.sql_answer_lost) {
            std::future::pending::<()>().await;
        }
        site.world.dawdle_us(faults.mix.sql_delay_us).await;
        answer
    }
}

/// A statement's first telling line.
fn brief(statement: &str) -> &str {
    statement.lines().find(|line| !line.starts_with("--")).unwrap_or_default()
}

/// What a run's tables say, for the harness itself.
impl Store {
    /// The first number of an answer; nothing for none or NULL.
    ///
    /// # Panics
    /// When the query does not fit the schema.
    #[must_use]
    pub fn number(&self, query: &str) -> Option<i64> {
        let mut prepared = self.connection.prepare_cached(query).expect("a query that fits the schema");
        prepared.query_row([], |row| row.get(0)).expect("a number")
    }
}
