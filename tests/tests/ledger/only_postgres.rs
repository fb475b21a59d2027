//! What only PostgreSQL has: rights, and connections that fail.

use hongbao_core::Fen;
use hongbao_spin::sql::Database;

use crate::backend::{Backend, Kind};
use crate::on;
use crate::setting::{NOW_MS, fen, user};

async fn refusal(database: &dyn Database, statement: &str) -> String {
    match database.query(statement, vec![]).await {
        Err(failure) => failure.text,
        Ok(rows) => panic!("{statement}: {rows:?}"),
    }
}

#[test]
fn the_application_cannot_write_money_past_the_procedures() {
    on(Kind::Postgres, async |books: &Backend| {
        let ledger = books.ledger().await;
        ledger.deposit("salary", &user("anna"), fen(500), NOW_MS).await.expect("a deposit");
        let app = books.app().await;
        for statement in [
            "UPDATE postings SET amount_fen = 1",
            "DELETE FROM postings",
            "TRUNCATE postings",
            "INSERT INTO postings (id, debit, credit, amount_fen, at_ms) VALUES ('x', 'world', 'wallet:us_anna', 1, 1)",
            "UPDATE accounts SET balance_fen = 1000000 WHERE id = 'wallet:us_anna'",
            "INSERT INTO accounts VALUES ('wallet:us_thief', 1000000)",
            "UPDATE packets SET total_fen = 1",
            "UPDATE packets_0 SET total_fen = 1",
            "DELETE FROM claims",
            "DELETE FROM exceptions",
            "DELETE FROM audit",
            "SELECT lock_accounts(ARRAY['x'])",
            "SELECT settle_together('{}')",
            "ALTER TABLE postings DISABLE TRIGGER postings_stay",
            "CREATE TABLE mine (id text)",
        ] {
            let cause = refusal(app.as_ref(), statement).await;
            assert!(cause.starts_with("42501"), "{statement}: {cause}");
        }
        assert_eq!(ledger.balance(&user("anna")).await.expect("a balance"), fen(500));
        assert_eq!(ledger.balance(&user("thief")).await.expect("a balance"), Fen::ZERO);
    });
}

#[test]
fn not_even_the_owner_rewrites_postings() {
    on(Kind::Postgres, async |books: &Backend| {
        books.ledger().await.deposit("salary", &user("anna"), fen(500), NOW_MS).await.expect("a deposit");
        let owner = books.owner().await;
        for statement in ["UPDATE postings SET amount_fen = 1", "DELETE FROM postings", "TRUNCATE postings"] {
            assert!(refusal(owner.as_ref(), statement).await.contains("append-only"), "{statement}");
        }
    });
}
