//! The contract where the configuration decides: limits, companies, no development login, a malformed variable.

use hongbao_client::{Client, Method};
use hongbao_stack::Grant;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Reply, Scene};
use serde_json::json;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_day_has_a_sum_and_a_number_of_packets_and_a_company_may_have_more_shares() {
    let stack = start("limits", |options| {
        options.variables = variables(&[
            ("limit_daily_send_fen", "1000"),
            ("limit_daily_send_count", "3"),
            ("limit_count", "10"),
            ("limit_count_company", "20"),
        ]);
    });
    let scene = Scene::on(&stack, "limits");
    let [alice, bob, acme] = scene.people(["alice", "bob", "acme"]).await;
    let draft = |total_fen| Draft::new("lucky", total_fen, 1, &scene.group());
    let send = |quote| json!({"quote": quote});

    // The sum: 600 + 401 is above 1,000, 600 + 400 is not.
    let too_much = alice.wrap(&draft(401)).await;
    alice.give(&draft(600)).await;
    for _ in 0..2 {
        let refused = alice.post("/v1/send", &send(&too_much)).await;
        refused.refused(422, "limit_exceeded", Some("limit_daily_send_fen"));
    }
    assert_eq!(alice.balance().await, PURSE_FEN - 600);
    alice.give(&draft(400)).await;

    // The number, also when all come at once; a repetition is none more.
    let quotes = futures::future::join_all((0..6).map(async |_| bob.wrap(&draft(10)).await)).await;
    let replies = quotes.iter().map(async |quote| bob.post("/v1/send", &send(quote)).await);
    let (sent, refused): (Vec<Reply>, Vec<Reply>) =
        futures::future::join_all(replies).await.into_iter().partition(|reply| reply.status == 201);
    assert_eq!((sent.len(), bob.balance().await), (3, PURSE_FEN - 30));
    for reply in refused {
        reply.refused(422, "limit_exceeded", Some("limit_daily_send_count"));
    }

    let many = Draft::new("lucky", 100, 20, &scene.group());
    acme.post("/v1/wrap", &many.body()).await.refused(422, "limit_exceeded", Some("limit_count"));
    let group = scene.group();
    let groups = [group.as_str()];
    let grant = Grant { company: true, ..Grant::person(&acme.id, &groups) };
    let company = scene.bearer(&acme.id, &stack.keys().token(&grant).expect("a token"));
    company.give(&many).await;
    let more = many.with("count", 21);
    company.post("/v1/wrap", &more.body()).await.refused(422, "limit_exceeded", Some("limit_count_company"));
}

#[tokio::test]
async fn without_dev_login_there_is_no_such_call_and_a_good_token_still_works() {
    let stack = start("closed", |options| options.dev_login = false);
    let scene = Scene::on(&stack, "closed");
    let body = json!({"user": "us_alice", "groups": []});
    let login = scene.call(Method::POST, "/v1/dev/login").json(&body).send().await;
    Reply::checked("login", login).refused(404, "not_found", None);
    let alice = scene.bearer("us_alice", &stack.token("us_alice", &["g_closed"]).expect("a token"));
    assert_eq!(alice.balance().await, 0);
    let draft = Draft::new("lucky", 1, 1, "g_closed");
    alice.post("/v1/wrap", &draft.body()).await.refused(402, "insufficient_balance", None);
}

#[tokio::test]
async fn a_malformed_variable_is_named_at_the_first_request() {
    let stack = start("malformed", |options| options.variables = variables(&[("limit_count", "many")]));
    let token = stack.token("us_alice", &[]).expect("a token");
    let draft = Draft::new("lucky", 10, 1, "g_malformed").body();
    let call = Client::new(stack.base_url()).call(Method::POST, "/v1/wrap").token(&token).json(&draft).send().await;
    let answer = call.expect("an answer");
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (500, &json!("misconfigured")));
    assert!(answer.text().contains("limit_count"), "{}", answer.text());
}

#[tokio::test]
async fn a_malformed_retention_is_named_by_the_sweep() {
    let stack = start("malformed-retention", |options| {
        options.sweep_every = None;
        options.variables = variables(&[("race_retention_s", "an hour")]);
    });
    let token = stack.operator_token().expect("a token");
    let client = Client::new(stack.base_url());
    let answer =
        client.call(Method::POST, "/internal/sweep").token(&token).json(&json!({})).send().await.expect("an answer");
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (500, &json!("misconfigured")));
    assert!(answer.text().contains("race_retention_s"), "{}", answer.text());
}
