//! Methods, content types, body sizes, paths and queries.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hongbao_client::Method;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::{Draft, Reply, Scene};
use serde_json::json;

#[tokio::test]
async fn another_method_is_refused_with_the_right_one() {
    let scene = Scene::new("methods");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let (get, post) = (Method::GET, Method::POST);
    let routes = [
        ("/v1/wrap", &post),
        ("/v1/send", &post),
        (&format!("/v1/packets/{packet}/grab"), &post),
        (&format!("/v1/packets/{packet}/open"), &post),
        (&format!("/v1/packets/{packet}"), &get),
        ("/v1/me", &get),
        ("/v1/me/statement", &get),
        ("/v1/me/packets?role=sent", &get),
        ("/v1/dev/login", &post),
        ("/internal/sweep", &post),
    ];
    let others = ["get", "post", "SHARE"].map(|name| Method::from_bytes(name.as_bytes()).expect("a method"));
    let usual = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE];
    for (path, right) in routes {
        for wrong in usual.iter().chain(&others).cloned() {
            if wrong == *right {
                continue;
            }
            let reply =
                Reply::checked(&format!("{wrong} {path}"), alice.call(wrong, path).json(&json!({})).send().await);
            assert_eq!(reply.answer.header("allow"), Some(right.as_str()), "{reply}");
            reply.refused(405, "method_not_allowed", None);
        }
    }
    assert_eq!(alice.balance().await, PURSE_FEN - 100);
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    let scene = Scene::new("types");
    let alice = scene.person("alice").await;
    let body = Draft::new("lucky", 100, 2, &scene.group()).body().to_string();
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "application/xml", ""]
    {
        let answer = alice.call(Method::POST, "/v1/wrap").body(wrong, body.clone()).send().await;
        Reply::checked(wrong, answer).refused(415, "not_json", None);
    }
    let none = alice.call(Method::POST, "/v1/wrap").send().await;
    Reply::checked("no content type", none).refused(415, "not_json", None);
    for right in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        let answer = alice.call(Method::POST, "/v1/wrap").body(right, body.clone()).send().await;
        Reply::checked(right, answer).granted(200);
    }
}

#[tokio::test]
async fn a_body_above_4_kib_is_refused_however_large() {
    let scene = Scene::new("sizes");
    let alice = scene.person("alice").await;
    let body = Draft::new("lucky", 100, 2, &scene.group()).body().to_string();
    let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len())).into_bytes();
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    alice.post_bytes("/v1/wrap", padded(4_096)).await.granted(200);
    for path in ["/v1/wrap", "/v1/send", &format!("/v1/packets/{packet}/grab"), &format!("/v1/packets/{packet}/open")] {
        for length in [4_097, 8_192, 65_536, 1 << 20] {
            alice.post_bytes(path, padded(length)).await.refused(413, "body_too_large", None);
        }
    }
    assert_eq!(alice.balance().await, PURSE_FEN - 100);
    // Also where no body is needed; operators' may be larger, for reasons in JSON's escapes.
    let office = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
    office.post_bytes("/internal/sweep", padded(10_096)).await.granted(200);
    office.post_bytes("/internal/sweep", padded(10_097)).await.refused(413, "body_too_large", None);
}

/// Chunked bodies have no length to look at before they are read.
#[tokio::test]
async fn a_large_chunked_body_is_refused_too_and_half_a_request_harms_nobody() {
    let scene = Scene::new("chunks");
    let alice = scene.person("alice").await;
    let address = scene.stack.base_url().trim_start_matches("http://").to_owned();
    let head = format!(
        "POST /v1/wrap HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n",
        alice.token
    );
    let mut stream = TcpStream::connect(&address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).expect("sent");
    // The server may answer and hang up before the last chunk: it has seen enough.
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4_096));
    let _ = (0..256).try_for_each(|_| stream.write_all(chunk.as_bytes())).and_then(|()| stream.write_all(b"0\r\n\r\n"));
    let mut answer = [0; 1_024];
    let length = stream.read(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    for half in [format!("{head}content-length: 100\r\n\r\n{{\"kind\":"), head.clone(), "POST /v1/wr".to_owned()] {
        TcpStream::connect(&address).and_then(|mut stream| stream.write_all(half.as_bytes())).expect("sent");
    }
    assert_eq!(alice.balance().await, PURSE_FEN);
}

#[tokio::test]
async fn a_path_without_a_packets_id_leads_nowhere() {
    let scene = Scene::new("paths");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let voucher = alice.grab(&packet).await;
    let long = format!("hb_{}", "0".repeat(3_000));
    let garbage = [
        "1",
        "hb_",
        "null",
        "%00",
        "hb_%F0%9F%92%B0",
        "..%2f..%2fetc",
        "'%20OR%201=1",
        &packet.to_uppercase(),
        &format!("{packet}0"),
        &packet[..packet.len() - 1],
        &packet.replacen("hb_", "hb_8", 1),
        &packet.replacen("hb_", "us_", 1),
        "hb_7zzzzzzzzzzzzzzzzzzzzzzzzz", // The largest id, of a shard that does not exist.
        "hb_00000000000000000000000000",
        &long,
    ];
    for id in garbage {
        alice.get(&format!("/v1/packets/{id}")).await.refused(404, "not_found", None);
        alice.try_grab(id).await.refused(404, "not_found", None);
        alice.try_open(id, &voucher).await.refused(404, "not_found", None);
    }
    for path in ["/v1/me/", "/v1/me/nothing", "//v1/me", "/V1/me", "/v1/%6de", "/v1/me%00", "/v1/me/statement/"] {
        alice.get(path).await.refused(404, "not_found", None);
    }
    let desk = scene.bearer("operator", &scene.stack.operator_token().expect("a token"));
    for segment in ["shards/+0", "shards/00", "shards/0x0", "shards/65536", "exceptions/ex_%00", "exceptions/%ff"] {
        desk.get(&format!("/v1/admin/{segment}")).await.refused(404, "not_found", None);
    }
    alice.get("/v1/me/statement/7").await.refused(404, "not_found", None);
}

#[tokio::test]
async fn queries_are_as_strict_as_bodies() {
    let scene = Scene::new("queries");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("lucky", 100, 2, &scene.group())).await;
    let cases = [
        ("/v1/me?verbose=1".to_owned(), "verbose"),
        (format!("/v1/packets/{packet}?seed=1"), "seed"),
        ("/v1/me/statement?page=2".to_owned(), "page"),
        ("/v1/me/statement?limit=0".to_owned(), "limit"),
        ("/v1/me/statement?limit=101".to_owned(), "limit"),
        ("/v1/me/statement?limit=-1".to_owned(), "limit"),
        ("/v1/me/statement?limit=1e1".to_owned(), "limit"),
        ("/v1/me/statement?limit=99999999999999999999".to_owned(), "limit"),
        ("/v1/me/statement?limit=".to_owned(), "limit"),
        ("/v1/me/statement?limit".to_owned(), "limit"),
        ("/v1/me/statement?limit=5&limit=6".to_owned(), "limit"),
        ("/v1/me/statement?limit=05".to_owned(), "limit"),
        ("/v1/me/statement?limit=%2B5".to_owned(), "limit"),
        ("/v1/me/statement?limit=%0".to_owned(), "limit"),
        ("/v1/me/statement?%00=1".to_owned(), "\0"),
        ("/v1/me/statement?before=yesterday".to_owned(), "before"),
        ("/v1/me/statement?before=-1".to_owned(), "before"),
        ("/v1/me/statement?before=9223372036854775808".to_owned(), "before"),
        ("/v1/me/packets".to_owned(), "role"),
        ("/v1/me/packets?role=".to_owned(), "role"),
        ("/v1/me/packets?role=Sent".to_owned(), "role"),
        ("/v1/me/packets?role=all".to_owned(), "role"),
        ("/v1/me/packets?role=sent&role=received".to_owned(), "role"),
        ("/v1/me/packets?role=sent&year=0".to_owned(), "year"),
        ("/v1/me/packets?role=sent&year=10000".to_owned(), "year"),
        ("/v1/me/packets?role=sent&year=this".to_owned(), "year"),
        ("/v1/me/packets?role=sent&limit=101".to_owned(), "limit"),
        ("/v1/me/packets?role=sent&before=x".to_owned(), "before"),
        ("/v1/me/packets?role=sent&user=us_bob".to_owned(), "user"),
    ];
    for (path, field) in cases {
        alice.get(&path).await.refused(400, "invalid_request", Some(field));
    }
}
