//! The sweep's timer: it goes on through failures, and tells of them once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use hongbao_stack::{Keys, Sweeper, sweep};

/// What the timer reported.
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Answers one sweep after the other with the statuses given, and sends on what was asked.
fn application(statuses: &'static [&'static str]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().unwrap();
            answer(stream, status, &sender);
        }
    });
    (url, asked)
}

fn answer(mut stream: TcpStream, status: &str, asked: &Sender<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    reader.read_exact(&mut vec![0; length]).unwrap();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").unwrap();
    let _ = asked.send(head);
}

#[test]
fn failures_are_told_once_and_so_is_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_make(dir.path()).unwrap();
    let statuses = &["200 OK", "503 Service Unavailable", "503 Service Unavailable", "200 OK", "200 OK"];
    let (url, asked) = application(statuses);
    let every = Duration::from_millis(1);
    let timer = Sweeper::start(url, keys, every, |line| REPORTS.lock().unwrap().push(line.to_owned())).unwrap();
    for _ in 0..statuses.len() {
        let head = asked.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(head.starts_with("POST /internal/sweep HTTP/1.1"), "{head}");
        assert!(head.contains("authorization: Bearer "), "{head}");
    }
    drop(timer);
    let reports = REPORTS.lock().unwrap();
    assert!(reports[0].contains("503") && reports[1] == "the sweep works again", "{reports:?}");
}

#[test]
fn a_sweep_without_success_is_an_error_that_shows_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_make(dir.path()).unwrap();
    let (url, _asked) = application(&["404 Not Found", "200 OK"]);
    let error = sweep(&url, &keys).unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("{}"), "{error}");
    assert_eq!(sweep(&url, &keys).unwrap(), "{}");
}
