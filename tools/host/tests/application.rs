//! The application's own components on the host, in this process. `cargo xtask build` makes them first.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hongbao_host::{Faults, Host, HostCall, Moment, Options, Running, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A path of a component that asks for a token before anything else.
const CLOSED_PATH: &str = "/v1/me";

/// Traps the first host call of the first instance, after its effect.
#[derive(Default)]
struct TrapOnce {
    calls: AtomicU64,
}

impl Faults for TrapOnce {
    fn decide(&self, call: &HostCall<'_>) -> Verdict {
        self.calls.fetch_max(call.number, Ordering::Relaxed);
        if call.number == 1 && call.moment == Moment::After { Verdict::Trap } else { Verdict::Proceed }
    }
}

async fn start(faults: Option<Arc<dyn Faults>>) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut options = Options::new(root.join("spin.toml"));
    options.state_dir = folder.path().to_owned();
    options.cache_dir = root.join("target/tmp/compiled");
    // Nothing listens there, and nothing here needs Redis.
    for variable in ["redis_urls", "redis_hosts", "bell_url"] {
        options.variables.insert(variable.to_owned(), "redis://127.0.0.1:1".to_owned());
    }
    options.faults = faults;
    (Host::start(options).await.expect("starts (have the components been built?)"), folder)
}

/// Sends a request on a connection of its own and returns the whole answer.
async fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers in text");
    answer
}

async fn get(address: SocketAddr, path: &str) -> String {
    send(address, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn the_host_answers_for_itself_where_no_component_does() {
    let (running, _folder) = start(None).await;
    let large = "POST /v1/wrap HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 10485761\r\n\r\n";
    for (answer, status, content) in [
        (get(running.addr(), "/.well-known/spin/health").await, "200", "OK"),
        (get(running.addr(), "/nowhere").await, "404", r#"{"error":{"code":"not_found","#),
        (send(running.addr(), large).await, "413", r#"{"error":{"code":"too_large","#),
    ] {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(content), "{answer}");
    }
    running.shutdown().await.expect("nothing is in flight");
}

#[tokio::test]
async fn a_component_answers_on_its_route_and_not_after_the_end() {
    let (running, _folder) = start(None).await;
    let address = running.addr();
    let answer = get(address, CLOSED_PATH).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.to_lowercase().contains("content-length:"), "never chunked: {answer}");
    running.shutdown().await.expect("nothing is in flight");
    assert!(TcpStream::connect(address).await.is_err(), "the port is free again");
}

#[tokio::test]
async fn a_trap_is_a_clean_500_and_the_next_instance_is_a_fresh_one() {
    let faults = Arc::new(TrapOnce::default());
    let (running, _folder) = start(Some(faults.clone())).await;
    let answer = get(running.addr(), CLOSED_PATH).await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains(r#"{"error":{"code":"internal","#), "{answer}");
    let answer = get(running.addr(), CLOSED_PATH).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(faults.calls.load(Ordering::Relaxed) > 1, "the second request made its calls again");
    running.shutdown().await.expect("nothing is in flight");
}
