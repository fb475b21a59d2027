//! An operator at a desk, with a pen for the journal and an eraser for the books.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hongbao_client::Method;
use hongbao_stack::Stack;
use hongbao_tests::person::text;
use hongbao_tests::{Person, Reply, Scene};
use rusqlite::Connection;
use serde_json::{Value, json};

/// An operator of a stack.
pub(crate) struct Office<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) operator: Person,
    books: Connection,
    /// One office is open at a time: acts are counted over all of the books, and an eraser harms everybody's.
    _alone: MutexGuard<'static, ()>,
}

static DESK: Mutex<()> = Mutex::new(());

impl<'a> Office<'a> {
    pub(crate) fn of(scene: &Scene<'a>) -> Self {
        // A test that failed leaves no half-done state in the lock.
        let alone = DESK.lock().unwrap_or_else(PoisonError::into_inner);
        scene.stack.sweep().expect("a sweep"); // After which there are books.
        let operator = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
        let books = Connection::open(scene.stack.dir().join("state/sqlite_db.db")).expect("the books are there");
        books.busy_timeout(std::time::Duration::from_secs(10)).expect("a time limit can be set");
        Self { stack: scene.stack, operator, books, _alone: alone }
    }

    /// Any request with a body.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Reply {
        let asked = format!("{method} {path} {body}");
        Reply::checked(&asked, self.operator.call(method, path).json(body).send().await)
    }

    /// What a `GET` answers.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.operator.get(path).await.granted(200)
    }

    /// Writes an entry into the journal as if a script had, and has it settled.
    pub(crate) fn forge(&self, entry: &str) {
        let mut redis =
            redis::Client::open(self.stack.redis[0].url()).expect("an address").get_connection().expect("Redis");
        let added: redis::RedisResult<String> =
            redis::cmd("XADD").arg("hb:{0}:events").arg("*").arg("e").arg(entry).query(&mut redis);
        added.expect("an entry");
        self.stack.sweep().expect("a sweep");
    }

    /// Runs any Redis command.
    pub(crate) fn redis(&self, command: &str, arguments: &[&str]) {
        let mut redis =
            redis::Client::open(self.stack.redis[0].url()).expect("an address").get_connection().expect("Redis");
        redis::cmd(command).arg(arguments).query::<redis::Value>(&mut redis).expect("done");
    }

    /// Changes the books behind the application's back.
    pub(crate) fn tamper(&self, statements: &str) {
        self.books.execute_batch(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The one number that a query answers.
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.books.query_row(query, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The open exceptions about a packet (its id) or with an entry that contains `about`, newest first.
    pub(crate) async fn exceptions(&self, about: &str) -> Vec<Value> {
        let page = self.get("/v1/admin/exceptions?state=open&limit=100").await;
        let all = page["exceptions"].as_array().expect("exceptions").clone();
        all.into_iter()
            .filter(|one| one["packet_id"] == about || text(&one["evidence"], "entry").contains(about))
            .collect()
    }

    /// The one open exception about something.
    pub(crate) async fn exception(&self, about: &str) -> Value {
        let found = self.exceptions(about).await;
        assert_eq!(found.len(), 1, "exceptions about {about}: {found:?}");
        found.into_iter().next().expect("one")
    }

    /// Applies a remedy to an exception.
    pub(crate) async fn resolve(&self, exception: &Value, remedy: &str, body: &Value) -> Reply {
        let path = format!("/v1/admin/exceptions/{}/{remedy}", text(exception, "id"));
        self.ask(Method::POST, &path, body).await
    }

    /// How many acts there are.
    pub(crate) fn acts(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM audit")
    }

    /// How many acts there are on one subject, whatever other tests do meanwhile.
    pub(crate) fn acts_on(&self, subject: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM audit WHERE subject = '{subject}'"))
    }

    /// A reconciliation of everything.
    pub(crate) async fn reconcile(&self) -> Value {
        self.get("/v1/admin/reconcile").await
    }

    /// The one check that does not hold, and its detail.
    pub(crate) fn broken(answer: &Value) -> Vec<(String, String)> {
        let checks = answer["checks"].as_array().expect("checks").iter();
        checks.filter(|check| check["ok"] == false).map(|check| (text(check, "name"), text(check, "detail"))).collect()
    }

    /// What must hold for the books whatever operators did.
    pub(crate) fn books_balance(&self) {
        assert_eq!(self.number("SELECT SUM(balance_fen) FROM accounts"), 0);
        let off = "SELECT COUNT(*) FROM accounts a WHERE balance_fen <>
            COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = a.id), 0) -
            COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = a.id), 0)";
        assert_eq!(self.number(off), 0, "balances that are not their postings");
        assert_eq!(self.number("SELECT balance_fen FROM accounts WHERE id = 'suspense'"), 0);
    }
}

/// The body of a remedy.
pub(crate) fn because(reason: &str) -> Value {
    json!({"reason": reason})
}
