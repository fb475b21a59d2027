//! Clients that take their time, by intention or not: others are served, and they are gone in bounded time.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::join_all;
use hongbao_host::{Connections, Host, Options, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a client may take here. Half a minute would be as good, and take half a minute.
const LIMIT: Duration = Duration::from_secs(2);
/// A deadline is kept to within a little, and the machine is busy.
const BOUND: Duration = Duration::from_secs(8);
const CROWD: usize = 150;

async fn start(change: impl FnOnce(&mut Connections)) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut options = Options::new(root.join("spin.toml"));
    options.state_dir = folder.path().to_owned();
    options.cache_dir = root.join("target/tmp/compiled");
    options.variables.insert("dev_login".to_owned(), "on".to_owned());
    // Nothing listens there, and nothing here needs Redis.
    for variable in ["redis_urls", "redis_hosts", "bell_url"] {
        options.variables.insert(variable.to_owned(), "redis://127.0.0.1:1".to_owned());
    }
    options.connections = Connections {
        header_timeout: LIMIT,
        body_timeout: LIMIT,
        idle_timeout: LIMIT,
        write_timeout: LIMIT,
        ..Connections::default()
    };
    change(&mut options.connections);
    (Host::start(options).await.expect("starts (have the components been built?)"), folder)
}

/// What the server says before it hangs up; and it has to hang up in time.
async fn last_words(stream: &mut TcpStream) -> String {
    let mut words = Vec::new();
    // A reset is a way to hang up too.
    let _ = timeout(BOUND, stream.read_to_end(&mut words)).await.expect("the server hangs up in time");
    String::from_utf8_lossy(&words).into_owned()
}

async fn connect(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(sent.as_bytes()).await.expect("sends");
    stream
}

/// A whole request on a connection of its own, served in time.
async fn is_served(address: SocketAddr) {
    let request = "GET /v1/me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let asked = async { last_words(&mut connect(address, request).await).await };
    let answer = timeout(BOUND, asked).await.expect("others are served meanwhile");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

const HEAD: &str = "POST /v1/dev/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_requests_are_gone_in_time_and_others_are_served() {
    let (running, _folder) = start(|_| {}).await;
    let address = running.addr();
    let silent = (0..CROWD).map(|_| async { last_words(&mut connect(address, "").await).await });
    let half_heads = (0..CROWD).map(|_| async { last_words(&mut connect(address, HEAD).await).await });
    let half_bodies = (0..CROWD).map(|_| async {
        let request = format!("{HEAD}content-length: 50\r\n\r\n{{\"user\":");
        last_words(&mut connect(address, &request).await).await
    });
    let trickles = (0..CROWD).map(async |number| trickle(address, number % 2 == 0).await);
    let others = (0..20).map(async |_| is_served(address).await);
    let (silent, half_heads, half_bodies, (), ()) = tokio::join!(
        join_all(silent),
        join_all(half_heads),
        join_all(half_bodies),
        async { drop(join_all(trickles).await) },
        async { drop(join_all(others).await) },
    );
    assert!(silent.iter().chain(&half_heads).all(String::is_empty), "nothing is to be said to them");
    for answer in half_bodies {
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"request_timeout\""), "{answer:?}");
    }
    is_served(address).await;
    running.shutdown().await.expect("nothing is in flight");
}

/// A byte now and then, of the head or of the body: none of them moves the deadline.
async fn trickle(address: SocketAddr, in_head: bool) {
    let started = Instant::now();
    let begun = if in_head { HEAD.to_owned() } else { format!("{HEAD}content-length: 4000\r\n\r\n") };
    let mut stream = connect(address, &begun).await;
    let mut byte = [0];
    loop {
        assert!(started.elapsed() < BOUND, "still open after {BOUND:?}");
        // The server's last words or its hanging up end the wait.
        match timeout(Duration::from_millis(200), stream.read(&mut byte)).await {
            Ok(_) => return,
            Err(_) => _ = stream.write_all(b"x").await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_kept_for_a_while_and_then_ended() {
    let (running, _folder) = start(|limits| limits.header_timeout = Duration::from_secs(60)).await;
    let request = "GET /v1/me HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut stream = connect(running.addr(), request).await;
    let mut answer = [0; 4_096];
    for _ in 0..3 {
        let length = timeout(BOUND, stream.read(&mut answer)).await.expect("in time").expect("an answer");
        assert!(answer[..length].starts_with(b"HTTP/1.1 401"));
        stream.write_all(request.as_bytes()).await.expect("kept alive");
    }
    let words = last_words(&mut stream).await;
    assert_eq!(words.matches("HTTP/1.1").count(), 1, "the last answer, and then the end: {words}");
    running.shutdown().await.expect("nothing is in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_on_and_on_and_never_reads_is_hung_up_on() {
    let (running, _folder) = start(|_| {}).await;
    let mut stream = TcpStream::connect(running.addr()).await.expect("connects");
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    let flood = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(BOUND, flood).await.expect("the server hangs up in time");
    is_served(running.addr()).await;
    running.shutdown().await.expect("nothing is in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_bound_clients_wait_and_idle_ones_make_room() {
    let (running, _folder) = start(|limits| {
        limits.max_count = 4;
        limits.idle_timeout = Duration::from_secs(60);
    })
    .await;
    let request = "GET /v1/me HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = connect(running.addr(), request).await;
        let mut answer = [0; 4_096];
        assert!(timeout(BOUND, stream.read(&mut answer)).await.expect("in time").expect("an answer") > 0);
        idle.push(stream);
    }
    is_served(running.addr()).await;
    running.shutdown().await.expect("nothing is in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_said_all_and_closed_their_side_is_answered() {
    let (running, _folder) = start(|_| {}).await;
    let body = "{\"user\":\"us_half\",\"groups\":[]}";
    let post = format!("{HEAD}content-length: {}\r\n\r\n{body}", body.len());
    for (request, status) in [("GET /v1/me HTTP/1.1\r\nhost: localhost\r\n\r\n", "401"), (post.as_str(), "200")] {
        let mut stream = connect(running.addr(), request).await;
        stream.shutdown().await.expect("closes its side");
        let answer = last_words(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer:?}");
    }
    running.shutdown().await.expect("nothing is in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_without_end_is_refused_before_it_fills_memory() {
    let (running, _folder) = start(|_| {}).await;
    let mut stream = connect(running.addr(), HEAD).await;
    let line = format!("x-long: {}\r\n", "a".repeat(8_000));
    let mut sent = 0;
    // The kernel takes some more than the server reads.
    while sent < 16_000_000 && stream.write_all(line.as_bytes()).await.is_ok() {
        sent += line.len();
    }
    assert!(sent < 16_000_000, "{sent} bytes of a head were taken");
    drop(stream);
    is_served(running.addr()).await;
    running.shutdown().await.expect("nothing is in flight");
}
