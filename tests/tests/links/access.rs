//! Servers that ask for a user and a password, and speak TLS; and what is told of them.

use std::fs;
use std::path::Path;

use hongbao_client::{Client, Method};
use hongbao_stack::{Certificate, Stack, free_port, redis_variables};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::{folder, start};
use hongbao_tests::{Draft, Scene, until};
use serde_json::json;

use crate::ask;
use crate::pooler::database;

/// A password that an address has to escape.
const PASSWORD: &str = "p@ss/wörd,1:?";
const ESCAPED: &str = "p%40ss%2Fw%C3%B6rd%2C1%3A%3F";

/// A packet goes its whole way: the race, the doorbell, the settlement.
async fn a_packet_is_sent_and_opened(stack: &Stack, name: &str) {
    let scene = Scene::on(stack, name);
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let packet = alice.give(&Draft::new("lucky", 100, 1, &scene.group())).await;
    assert_eq!(bob.take(&packet).await, 100);
    bob.comes_to_hold(PURSE_FEN + 100).await;
}

/// Everything that was written to a log.
fn logs(stack: &Stack) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(stack.dir().join("logs")).expect("logs").flatten() {
        all.push_str(&fs::read_to_string(entry.path()).unwrap_or_default());
    }
    all
}

/// Has the sweep, which says what it could not do, look at the shard until the log has these words.
async fn sweeps_until_logged(stack: &Stack, words: &str) {
    until(&format!("the log says {words:?}"), || async {
        let _ = stack.sweep(); // It may as well fail.
        logs(stack).contains(words).then_some(())
    })
    .await;
}

fn assert_no_secret(text: &str, what: &str) {
    for secret in ["p@ss", "p%40ss", "wörd", "w%C3%B6rd", "guess"] {
        assert!(!text.contains(secret), "{what} shows {secret:?}:\n{text}");
    }
}

#[tokio::test]
async fn a_redis_with_a_password_serves_and_no_log_shows_it() {
    let stack = start("password", |options| {
        options.redis.password = Some("geheim-1".to_owned());
        options.sweep_every = None;
    });
    a_packet_is_sent_and_opened(&stack, "password").await;
    assert!(!logs(&stack).contains("geheim-1"));
}

#[tokio::test]
async fn a_user_of_redis_needs_no_more_than_the_rights_that_are_documented() {
    let port = free_port().expect("a port");
    let stack = start("acl", |options| {
        options.redis.port = Some(port);
        let url = format!("redis://hongbao:{ESCAPED}@127.0.0.1:{port}");
        options.variables = redis_variables(&[url]).to_vec();
        options.sweep_every = None;
    });
    let password = format!(">{PASSWORD}");
    let user = ["ACL", "SETUSER", "hongbao", "on", &password, "~hb:*", "&hb:*"];
    ask(&stack.redis[0].url(), &[&user[..], RIGHTS].concat());
    ask(&stack.redis[0].url(), &["ACL", "LOG", "RESET"]);
    a_packet_is_sent_and_opened(&stack, "acl").await;
    stack.sweep().expect("a sweep");
    let refused = ask(&stack.redis[0].url(), &["ACL", "LOG"]);
    assert!(!refused.contains("reason"), "{refused}");
    // From now on the password is another one, and the connections that were let in are gone.
    ask(&stack.redis[0].url(), &["ACL", "SETUSER", "hongbao", "resetpass", ">another"]);
    ask(&stack.redis[0].url(), &["CLIENT", "KILL", "USER", "hongbao"]);
    sweeps_until_logged(&stack, "the user or the password in redis_urls is wrong").await;
    assert_no_secret(&logs(&stack), "the log");
}

/// What README's "Configuration" says that a user needs.
const RIGHTS: &[&str] = &["+@all", "-@admin", "-@dangerous", "+info"];

#[tokio::test]
async fn redis_is_spoken_to_by_tls_when_the_authority_is_trusted() {
    let dir = folder("authority");
    let (authority, certificate, key) = certificates(&dir);
    let tls_port = free_port().expect("a port");
    let with_tls = |trusted: Option<&str>, name: &str| {
        start(name, |options| {
            options.redis.password = Some("geheim-2".to_owned());
            options.redis.tls =
                Some(Certificate { port: tls_port, certificate: certificate.clone().into(), key: key.clone().into() });
            options.environment.extend(trusted.map(|file| ("SSL_CERT_FILE".to_owned(), file.to_owned())));
        })
    };
    let stack = with_tls(Some(&authority), "tls");
    a_packet_is_sent_and_opened(&stack, "tls").await;
    stack.stop().expect("it stops");

    let stack = with_tls(None, "untrusted");
    sweeps_until_logged(&stack, "certificate").await;
    assert!(!logs(&stack).contains("geheim-2"));
}

/// An authority's certificate, and a server's with its key: PEM files.
fn certificates(dir: &Path) -> (String, String, String) {
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).expect("no names");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let server = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
    let certificate = server.signed_by(&key, &issuer).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    (
        write("authority.pem", authority_certificate.pem()),
        write("server.pem", certificate.pem()),
        write("server.key", key.serialize_pem()),
    )
}

#[tokio::test]
async fn an_address_that_is_not_allowed_or_malformed_is_named_without_its_password() {
    let guess = |url: &str, hosts: &str| {
        start("refused", |options| {
            let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            options.variables = vec![variable("redis_urls", url), variable("redis_hosts", hosts)];
            options.sweep_every = None;
        })
    };
    let grab = async |stack: &Stack| {
        let token = stack.token("us_alice", &[]).expect("a token");
        let path = "/v1/packets/hb_01m82vwrd20003bxhr49rvm53a/grab";
        let call = Client::new(stack.base_url()).call(Method::POST, path).token(&token).json(&json!({})).send().await;
        call.expect("an answer")
    };
    let stack = guess("redis://u:guess@127.0.0.1:6379", "redis://elsewhere:*");
    sweeps_until_logged(&stack, "redis_hosts").await;
    assert_no_secret(&logs(&stack), "the log");
    drop(stack);
    let stack = guess("redis://127.0.0.1:6379,redis:u:guess@127.0.0.1", "redis://127.0.0.1:*");
    let answer = grab(&stack).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["code"]), (500, &json!("misconfigured")));
    assert!(answer.text().contains("redis_urls") && answer.text().contains("place 1"), "{}", answer.text());
    assert_no_secret(&answer.text(), "the answer");
    assert_no_secret(&logs(&stack), "the log");
}

#[tokio::test]
async fn postgres_is_spoken_to_by_tls_when_the_address_asks_for_it() {
    let Some((postgres, url)) = database("sslmode") else { return };
    let (authority, certificate, key) = certificates(&folder("pg-authority"));
    for (file, path) in [("server.crt", &certificate), ("server.key", &key)] {
        // The server's own user writes them, since they have to be its own.
        let pem = fs::read_to_string(path).expect("it was written");
        let write = format!("'printf %b \"$(cat)\" > {file}; chmod 600 {file}'");
        postgres.ask(&format!("copy (select $pem${pem}$pem$) to program {write}")).expect("written");
    }
    for change in ["alter system set ssl = on", "select pg_reload_conf()"] {
        postgres.ask(change).expect("the owner may");
    }
    let encrypted =
        "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where ssl and usename = 'hongbao_login'";
    let over = |name: &str, trusted: Option<&str>| {
        start(name, |options| {
            let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let hosts = variable("database_hosts", "postgres://127.0.0.1:*");
            options.variables = vec![variable("database_url", &format!("{url}?sslmode=require")), hosts];
            options.environment.extend(trusted.map(|file| ("SSL_CERT_FILE".to_owned(), file.to_owned())));
        })
    };
    let stack = over("sslmode", Some(&authority));
    a_packet_is_sent_and_opened(&stack, "sslmode").await;
    assert_ne!(postgres.ask(encrypted).expect("an answer"), "0");
    drop(stack);

    let stack = over("sslunknown", None);
    let token = stack.token("us_alice", &[]).expect("a token");
    let client = Client::new(stack.base_url());
    let answer = client.call(Method::GET, "/v1/me").token(&token).send().await.expect("an answer");
    assert_eq!(answer.status.as_u16(), 503, "{}", answer.text());
    assert!(logs(&stack).contains("UnknownIssuer"), "{}", logs(&stack));
}
