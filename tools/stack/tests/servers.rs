//! The servers start, break, come back with their data, and never outlive their owner.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hongbao_stack::{Keys, Postgres, Process, Redis, RedisOptions, Runtime, Server, ServerOptions};

/// Redis' answer to one command, `None` when it does not answer within a second.
fn ask(redis_port: u16, command: &str) -> Option<String> {
    let limit = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&([127, 0, 0, 1], redis_port).into(), limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within 20 s");
        std::thread::sleep(Duration::from_millis(2)); // Between two looks, not instead of one.
    }
}

#[test]
fn redis_killed_keeps_what_it_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), &RedisOptions::default()).unwrap();
    let url = redis.url();
    assert!(ask(redis.port(), "SET coin 7").unwrap().starts_with("+OK"));
    redis.kill();
    assert_eq!(ask(redis.port(), "PING"), None);
    redis.restart().unwrap();
    assert_eq!(redis.url(), url);
    assert!(ask(redis.port(), "GET coin").unwrap().contains("\r\n7\r\n"));
    redis.forget().unwrap();
    redis.restart().unwrap();
    assert!(ask(redis.port(), "GET coin").unwrap().starts_with("$-1"));
    redis.stop().unwrap();
    assert_eq!(ask(redis.port(), "PING"), None);
}

#[test]
fn redis_paused_does_not_answer_until_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let mut redis = Redis::start(dir.path(), &RedisOptions::default()).unwrap();
    redis.pause();
    assert_eq!(ask(redis.port(), "PING"), None);
    redis.resume();
    assert!(ask(redis.port(), "PING").unwrap().starts_with("+PONG"));
    redis.pause();
    redis.stop().unwrap(); // A paused one stops in good order too.
}

#[test]
fn redis_on_a_taken_port_is_refused_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let first = Redis::start(&dir.path().join("first"), &RedisOptions::default()).unwrap();
    let options = RedisOptions { port: Some(first.port()), ..RedisOptions::default() };
    let error = Redis::start(&dir.path().join("second"), &options).unwrap_err();
    assert!(format!("{error:#}").contains("in use"), "{error:#}");
}

/// A machine without PostgreSQL skips its tests, and says so.
fn postgres(dir: &Path) -> Option<Postgres> {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return None;
    }
    Some(Postgres::start(dir).unwrap())
}

#[test]
fn postgres_killed_keeps_what_it_committed() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut postgres) = postgres(dir.path()) else { return };
    let query = |postgres: &Postgres, statement: &str| {
        let output = Command::new("psql").args(["-XAtc", statement, &postgres.url()]).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    assert!(query(&postgres, "create table coin as select 7 as fen").0);
    assert_eq!(query(&postgres, "show fsync"), (true, "on".to_owned()));
    postgres.kill();
    assert!(!query(&postgres, "select 1").0);
    postgres.restart().unwrap();
    assert_eq!(query(&postgres, "select fen from coin"), (true, "7".to_owned()));
    postgres.stop().unwrap();
    // The next owner of the folder finds everything again, the password included.
    drop(postgres);
    let postgres = Postgres::start(dir.path()).unwrap();
    assert_eq!(query(&postgres, "select fen from coin"), (true, "7".to_owned()));
}

#[test]
fn postgres_paused_freezes_its_sessions_too() {
    let dir = tempfile::tempdir().unwrap();
    let Some(postgres) = postgres(dir.path()) else { return };
    let mut session = Command::new("psql");
    session.args(["-XAt", &postgres.url()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut session = session.spawn().unwrap();
    let (mut input, mut output) = (session.stdin.take().unwrap(), BufReader::new(session.stdout.take().unwrap()));
    let mut line = String::new();
    writeln!(input, "select pg_backend_pid();").unwrap();
    output.read_line(&mut line).unwrap();
    let state = || fs::read_to_string(format!("/proc/{}/status", line.trim())).unwrap_or_default();
    postgres.pause();
    eventually("the session is frozen", || state().contains("State:\tT"));
    postgres.resume();
    eventually("the session runs again", || state().contains("State:\tS"));
    drop(input);
    assert!(session.wait().unwrap().success());
}

#[test]
fn keys_are_made_once_and_are_the_owners_only() {
    let dir = tempfile::tempdir().unwrap();
    let first = Keys::load_or_make(dir.path()).unwrap();
    let again = Keys::load_or_make(dir.path()).unwrap();
    assert_eq!((first.signing_key(), first.jwt_keys()), (again.signing_key(), again.jwt_keys()));
    let mode = fs::metadata(dir.path().join("signing_key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(dir.path().join("signing_key"), "zz").unwrap();
    assert!(Keys::load_or_make(dir.path()).err().unwrap().to_string().contains("64 hexadecimal digits"));
    assert!(Keys::load(dir.path()).is_err());
}

#[test]
fn keys_that_are_only_read_are_not_made() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes"), "not a key").unwrap();
    assert!(Keys::load(dir.path()).is_err());
    let people = format!("old:HS256:{}", "A".repeat(43));
    fs::write(dir.path().join("jwt_keys"), &people).unwrap();
    assert!(Keys::load(dir.path()).is_err(), "no signing_key");
    fs::write(dir.path().join("signing_key"), "0".repeat(63) + "1").unwrap();
    // A folder from before keys said for whom they speak: nothing is added, and nobody gets an operator's token.
    let keys = Keys::load(dir.path()).unwrap();
    assert!(keys.token(&hongbao_stack::Grant::operator("o")).is_err());
    assert_eq!(fs::read_to_string(dir.path().join("jwt_keys")).unwrap(), people);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn a_token_that_every_stack_would_refuse_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_make(dir.path()).unwrap();
    let refused = |user, groups: &[&str]| keys.token(&hongbao_stack::Grant::person(user, groups)).err().unwrap();
    assert!(refused("alice", &[]).to_string().contains("is not a user's id"));
    assert!(refused("us_a b", &[]).to_string().contains("is not a user's id"));
    assert!(refused("us_alice", &["friends"]).to_string().contains("is not a group's id"));
    let many: Vec<String> = (0..3_000).map(|number| format!("g_{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(refused("us_alice", &many).to_string().contains("name fewer groups"));
}

#[test]
fn tokens_are_what_the_application_accepts() {
    use hongbao_core::token::{AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, parse_keys, verify};
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_make(dir.path()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(now.as_millis()).unwrap();
    let accepted = parse_keys(keys.jwt_keys()).unwrap();
    let person = keys.token(&hongbao_stack::Grant::person("us_alice", &["g_demo"])).unwrap();
    let claims = verify(&accepted, &person, AUDIENCE_PEOPLE, now_ms).unwrap();
    assert_eq!((claims.sub.as_str(), claims.groups.len()), ("us_alice", 1));
    assert!(verify(&accepted, &person, AUDIENCE_OPERATOR, now_ms).is_err());
    let operator = keys.token(&hongbao_stack::Grant::operator("o")).unwrap();
    assert!(verify(&accepted, &operator, AUDIENCE_OPERATOR, now_ms).is_ok());
}

/// A program that behaves like `spin up` as far as [`Server`] sees: it writes down its arguments and the
/// variable that it was given, says that it serves, and stays; the settlement ends at once the first time.
const FAKE_SPIN: &str = r#"#!/bin/sh
echo "$* variable=$SPIN_VARIABLE_SECRET" >>"$STARTS"
case "$*" in
  *"-c transfer"*) [ "$(grep -c 'c transfer' "$STARTS")" -gt 1 ] || exit 1 ;;
  *) echo "Serving http://127.0.0.1:4321" ;;
esac
exec sleep 1000
"#;

#[test]
fn under_spin_the_settlement_is_a_process_of_its_own_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("spin");
    let starts = dir.path().join("starts");
    fs::write(&program, FAKE_SPIN.replace("$STARTS", starts.to_str().unwrap())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut server = Server::start(ServerOptions {
        runtime: Runtime::Spin(program),
        project: hongbao_stack::project_root().unwrap(),
        listen: "127.0.0.1:0".to_owned(),
        state_dir: dir.path().join("state"),
        log_dir: dir.path().join("logs"),
        variables: vec![("secret".to_owned(), "s3".to_owned())],
        environment: Vec::new(),
        arguments: Vec::new(),
        settlement_apart: false,
        report: |_| (),
    })
    .unwrap();
    assert_eq!(server.base_url(), "http://127.0.0.1:4321");
    let lines = || fs::read_to_string(&starts).unwrap_or_default();
    eventually("the settlement is started again", || lines().matches("-c transfer").count() == 2);
    let people = lines().lines().find(|line| line.contains("--listen")).unwrap().to_owned();
    assert!(people.contains("-c grab") && people.contains("-c open") && !people.contains("-c transfer"), "{people}");
    assert!(!lines().contains("--variable"), "variables are not for command lines");
    assert!(lines().lines().all(|line| line.ends_with("variable=s3")));
    server.stop().unwrap();
    assert!(!server.is_running());
}

#[test]
fn a_server_that_ends_at_once_is_told_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "echo no such component >&2; exit 3"]);
    let process = Process::spawn("the example", &mut command, &dir.path().join("log")).unwrap();
    let error = process.wait_ready(Duration::from_secs(20), || None::<()>).unwrap_err();
    assert!(error.to_string().contains("ended right after its start"), "{error}");
    assert!(error.to_string().contains("no such component"), "{error}");
}

/// Not a test of its own: the owner that the test below kills.
#[test]
#[ignore = "run by nothing_outlives_its_owner_even_when_that_is_killed"]
fn an_owner() {
    let Some(dir) = std::env::var_os("OWNER_DIR") else { return };
    let redis = Redis::start(Path::new(&dir), &RedisOptions::default()).unwrap();
    fs::write(Path::new(&dir).join("port"), redis.port().to_string()).unwrap();
    std::thread::park();
}

#[test]
fn nothing_outlives_its_owner_even_when_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args(["--ignored", "--exact", "an_owner"]).env("OWNER_DIR", dir.path()).stdout(Stdio::null());
    let mut owner = owner.spawn().unwrap();
    let mut port = None;
    eventually("the owner started its Redis", || {
        port = fs::read_to_string(dir.path().join("port")).ok().and_then(|text| text.parse::<u16>().ok());
        port.is_some()
    });
    assert!(ask(port.unwrap(), "PING").is_some());
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("its Redis is gone", || ask(port.unwrap(), "PING").is_none());
}
