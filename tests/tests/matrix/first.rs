//! The very first request, which makes the ledger's schema: each case has a new ledger.

use hongbao_client::{Client, Method};
use hongbao_host::Verdict;
use hongbao_tests::person::PURSE_FEN;
use serde_json::json;

use crate::run::{MOMENTS, Row, told};
use crate::switch::Blow;
use crate::world::World;

/// Strikes the first request at every call until one that it does not come to any more.
pub(crate) async fn matrix(world: &World, verdict: Verdict) -> Row {
    let (mut calls, mut crashes) = (0, 0);
    'calls: for call in 1.. {
        for moment in MOMENTS {
            let (host, books) = world.start_first("account").await;
            let client = Client::new(&format!("http://{}", host.addr()));
            let login = || async {
                let body = json!({"user": "us_first", "groups": []});
                told(client.call(Method::POST, "/v1/dev/login").json(&body).send().await)
            };
            world.switch.set("account", Some(Blow { call, moment, verdict }));
            let first = login().await;
            let has_struck = world.switch.off().has_struck;
            assert!(has_struck || first.status == 200, "{}", first.body);
            for _ in 0..2 {
                let again = login().await;
                assert_eq!(again.status, 200, "call {call}, {moment:?}: {}", again.body);
            }
            let books = books();
            books.check();
            let purse = "SELECT balance_fen FROM accounts WHERE id = 'wallet:us_first'";
            assert_eq!(books.number(purse), PURSE_FEN, "call {call}, {moment:?}");
            drop(client);
            host.shutdown().await.expect("nothing is in flight");
            crashes += u64::from(has_struck);
            if !has_struck {
                break 'calls;
            }
        }
        calls = call;
    }
    Row { flow: "the first request", calls, crashes }
}
