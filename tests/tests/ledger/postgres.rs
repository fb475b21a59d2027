//! PostgreSQL as a `Database`, natively: a private server, a database a case, and a login with the rights of the
//! application only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::BytesMut;
use hongbao_spin::sql::postgres::migration;
use hongbao_spin::sql::{Database, Failure, Row, Value};
use hongbao_stack::Postgres;
use hongbao_tests::stage::folder;
use tokio::sync::OnceCell;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};

/// The database that all others are copies of.
const TEMPLATE: &str = "ledger_template";
/// The login of an application, and its password.
const LOGIN: &str = "hongbao_login";

static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
static IS_PREPARED: OnceCell<()> = OnceCell::const_new();

/// Makes a database with the schema in it; `None` where PostgreSQL is not installed.
pub(crate) async fn make_database(name: &str) -> Option<()> {
    server()?;
    IS_PREPARED.get_or_init(prepare).await;
    let owner = connect(config("hongbao")).await;
    owner.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")).await.expect("a copy can be made");
    Some(())
}

fn server() -> Option<&'static Postgres> {
    let start = || {
        Postgres::installed()?;
        Some(Postgres::start(&folder("postgres")).unwrap_or_else(|error| panic!("{error:#}")))
    };
    SERVER.get_or_init(start).as_ref()
}

async fn prepare() {
    let owner = connect(config("hongbao")).await;
    owner.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).await.expect("a database can be made");
    let template = connect(config(TEMPLATE)).await;
    let login = format!("CREATE ROLE {LOGIN} LOGIN PASSWORD '{LOGIN}' IN ROLE hongbao_app");
    for statement in [migration(), migration(), login] {
        template.execute(&statement, &[]).await.unwrap_or_else(|error| panic!("{error:?}"));
    }
}

fn config(database: &str) -> Config {
    let server = server().expect("it was started");
    let mut config: Config = server.url().parse().expect("an address");
    config.dbname(database);
    config
}

async fn connect(config: Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

/// A connection.
pub(crate) struct Native {
    client: Client,
    prepared: RefCell<BTreeMap<String, Statement>>,
}

impl Native {
    /// A connection with the owner's rights.
    pub(crate) async fn open_as_owner(database: &str) -> Self {
        Self { client: connect(config(database)).await, prepared: RefCell::default() }
    }

    /// A connection with the application's rights.
    pub(crate) async fn open_as_app(database: &str) -> Self {
        let mut config = config(database);
        config.user(LOGIN).password(LOGIN);
        Self { client: connect(config).await, prepared: RefCell::default() }
    }

    async fn run(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, tokio_postgres::Error> {
        let known = self.prepared.borrow().get(statement).cloned();
        let prepared = match known {
            Some(prepared) => prepared,
            None => self.client.prepare(statement).await?,
        };
        self.prepared.borrow_mut().insert(statement.to_owned(), prepared.clone());
        let parameters: Vec<_> = parameters.into_iter().map(Bound).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|parameter| parameter as _).collect();
        let rows = self.client.query(&prepared, &parameters).await?;
        rows.iter().map(|row| (0..row.len()).map(|column| value(row, column)).collect()).collect()
    }
}

#[async_trait(?Send)]
impl Database for Native {
    async fn query(&self, statement: &str, parameters: Vec<Value>) -> Result<Vec<Row>, Failure> {
        self.run(statement, parameters).await.map_err(|error| match error.as_db_error() {
            Some(refusal) => Failure::of_postgres(refusal.code().code(), refusal.message()),
            None => Failure::lost(format!("{error:?}")),
        })
    }

    async fn migrate(&self) -> Result<(), Failure> {
        self.query("SELECT MAX(version) FROM schema_versions", vec![]).await.map(drop)
    }
}

/// A value as the component sends it: nothing is converted, widths have to match.
#[derive(Debug)]
struct Bound(Value);

impl ToSql for Bound {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Value::Int(number) => number.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
            Value::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

/// A value as the component reads it.
fn value(row: &tokio_postgres::Row, column: usize) -> Result<Value, tokio_postgres::Error> {
    let kind = row.columns()[column].type_();
    Ok(match *kind {
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.into(),
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(i64::from).into(),
        Type::TEXT => row.try_get::<_, Option<String>>(column)?.into(),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map_or(Value::Null, Value::Bytes),
        ref other => panic!("the ledger never answers {other}"),
    })
}
