//! Rates: who asks too often is told when to come back, and nobody else notices.

use hongbao_tests::person::number;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene, until};
use serde_json::json;

use crate::site::{operator, sightings, variables};

#[tokio::test]
async fn who_grabs_too_often_is_told_when_to_come_back_and_others_are_not() {
    let stack = start("rate", |options| options.variables = variables(&[("rate_limits", "grab_user=1")]));
    let scene = Scene::on(&stack, "rate");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let draft = Draft::new("equal", 10, 10, &scene.group());
    let mut packets = Vec::new();
    for _ in 0..12 {
        packets.push(alice.give(&draft).await);
    }
    // Ten at once, then one a second: of twelve at once at least one comes too often, however slow this machine is.
    let asked = futures::future::join_all(packets.iter().map(|packet| bob.try_grab(packet))).await;
    // Any of them may be the last to arrive.
    let mine = packets.iter().zip(&asked).find(|(_, reply)| reply.status == 200).expect("some are granted").0.clone();
    let (granted, limited): (Vec<_>, Vec<_>) = asked.into_iter().partition(|reply| reply.status == 200);
    assert!(granted.len() >= 10 && !limited.is_empty(), "{} were granted", granted.len());
    for reply in limited {
        let refused = reply.refused(429, "rate_limited", None);
        assert!((1..=2_000).contains(&number(&refused["error"], "retry_after_ms")), "{refused}");
    }
    // A repetition is no new grab, and somebody else has a rate of their own.
    let voucher = || async { bob.try_grab(&mine).await };
    assert!(
        futures::future::join_all((0..30).map(|_| voucher())).await.iter().filter(|reply| reply.status == 200).count()
            == 30
    );
    carol.grab(&packets[0]).await;
    for packet in &packets {
        let comes_back = || async { (bob.try_grab(packet).await.status == 200).then_some(()) };
        until("who waits gets in", comes_back).await;
    }
    let seen = sightings(&stack, &operator(&scene), &bob).await;
    assert_eq!(seen, [("velocity".to_owned(), "slow".to_owned())], "once a minute");
}

#[tokio::test]
async fn everybody_together_has_a_rate_and_so_have_senders() {
    let rates = variables(&[("rate_limits", "grab=1,send_user=1,send=1000")]);
    let stack = start("rates", |options| options.variables = rates);
    let scene = Scene::on(&stack, "rates");
    let alice = scene.person("alice").await;
    let draft = Draft::new("equal", 10, 10, &scene.group());
    let packet = alice.give(&draft).await;
    let crowd = scene.crowd(20).await;
    let asked = futures::future::join_all(crowd.iter().map(|person| person.try_grab(&packet))).await;
    let limited: Vec<_> = asked.into_iter().filter(|reply| reply.status != 200).collect();
    assert!(limited.len() >= 15, "{} of 20 were refused", limited.len());
    for reply in limited {
        reply.refused(429, "rate_limited", None);
    }
    let quotes = futures::future::join_all((0..20).map(|_| alice.wrap(&draft))).await;
    let send = async |quote: &String| alice.post("/v1/send", &json!({"quote": quote})).await;
    let sent = futures::future::join_all(quotes.iter().map(async |quote| (quote, send(quote).await))).await;
    let (done, limited): (Vec<_>, Vec<_>) = sent.into_iter().partition(|(_, reply)| reply.status == 201);
    assert!(!done.is_empty() && !limited.is_empty(), "{} were sent", done.len());
    for (quote, reply) in done {
        assert_eq!(send(quote).await.granted(200), reply.body, "what was sent answers the same");
    }
    for (_, reply) in limited {
        reply.refused(429, "rate_limited", None);
    }
}

#[tokio::test]
async fn who_logs_in_too_often_is_told_when_to_come_back_and_others_are_not() {
    let stack = start("logins", |options| options.variables = variables(&[("rate_limits", "login_user=1")]));
    let scene = Scene::on(&stack, "logins");
    let nobody = scene.bearer("nobody", "");
    let login = async |user: &str| nobody.post("/v1/dev/login", &json!({"user": user, "groups": []})).await;
    // Ten in ten seconds; thirty at once take less than two such windows, however slow this machine is.
    let asked = futures::future::join_all((0..30).map(|_| login("us_eager"))).await;
    let (granted, limited): (Vec<_>, Vec<_>) = asked.into_iter().partition(|reply| reply.status == 200);
    assert!(granted.len() >= 10 && !limited.is_empty(), "{} were granted", granted.len());
    for reply in limited {
        let refused = reply.refused(429, "rate_limited", None);
        assert!((1..=10_000).contains(&number(&refused["error"], "retry_after_ms")), "{refused}");
    }
    login("us_calm").await.granted(200);
    until("who waits gets in", async || (login("us_eager").await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn malformed_rates_and_rules_are_named() {
    for (variable, value) in [("rate_limits", "grab=many"), ("risk_rules", "reaction=maybe")] {
        let stack = start(variable, |options| options.variables = variables(&[(variable, value)]));
        let token = stack.token("us_alice", &[]).expect("a token");
        let path = "/v1/packets/hb_00000000000000000000000000/grab";
        let client = hongbao_client::Client::new(stack.base_url());
        let call = client.call(hongbao_client::Method::POST, path).token(&token).json(&json!({}));
        let answer = call.send().await.expect("an answer");
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (500, &json!("misconfigured")));
        assert!(answer.text().contains(variable), "{}", answer.text());
    }
}
