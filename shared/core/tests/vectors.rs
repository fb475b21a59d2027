//! The published test vectors: the crate and the independent program of `docs/` both give them, and each other's
//! amounts on random packets.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

pub mod seeds;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use fastrand::Rng;
use hongbao_core::split::{Kind, Seed, Shares, commitment, hex};
use hongbao_core::{Fen, PacketId, sign};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One packet of `docs/fairness-vectors.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    packet: PacketId,
    seed: String,
    kind: Kind,
    total_fen: Fen,
    count: u32,
    commitment: String,
    amounts_fen: Option<Vec<i64>>,
    first_fen: Option<Vec<i64>>,
    last_fen: Option<Vec<i64>>,
    amounts_sha256: Option<String>,
}

/// A packet's commitment and amounts, in the program's words: one line, separated by spaces.
type Line = String;

impl Vector {
    fn arguments(&self) -> String {
        arguments(self.packet, &self.seed(), self.kind, self.total_fen, self.count)
    }

    fn seed(&self) -> Seed {
        sign::parse_hex(&self.seed).expect("64 hexadecimal digits")
    }

    /// Holds a packet's line to what is published.
    fn check(&self, line: &str) {
        let (commitment, amounts) = line.split_once(' ').expect("a commitment and amounts");
        assert_eq!(commitment, self.commitment, "{self:?}");
        let fen: Vec<i64> = amounts.split(' ').map(|fen| fen.parse().expect("a number")).collect();
        assert_eq!(u32::try_from(fen.len()), Ok(self.count), "{self:?}");
        if let Some(published) = &self.amounts_fen {
            assert_eq!(fen, *published, "{self:?}");
            return;
        }
        let (first, last) = (self.first_fen.as_ref().expect("first"), self.last_fen.as_ref().expect("last"));
        assert!(fen.starts_with(first) && fen.ends_with(last), "{self:?}");
        assert_eq!(Some(hex(&Sha256::digest(amounts))), self.amounts_sha256, "{self:?}");
    }
}

fn docs(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", name].iter().collect()
}

fn vectors() -> Vec<Vector> {
    let text = fs::read(docs("fairness-vectors.json")).expect("the vectors are there");
    serde_json::from_slice(&text).expect("the vectors are well-formed")
}

fn arguments(packet: PacketId, seed: &Seed, kind: Kind, total: Fen, count: u32) -> String {
    format!("{packet} {} {} {} {count}", hex(seed), kind.as_str(), total.get())
}

/// The crate's line for a packet.
fn crate_line(packet: PacketId, seed: &Seed, kind: Kind, total: Fen, count: u32) -> Line {
    let shares = Shares::new(kind, seed, total, count).expect("can be split");
    let amounts = shares.map(|fen| format!(" {}", fen.get()));
    hex(&commitment(packet, seed)) + &amounts.collect::<String>()
}

/// The program's lines for packets, one a line of `input`; or for the one packet in `arguments`.
fn program_lines(arguments: &[&str], input: &str) -> Vec<Line> {
    let mut python = Command::new("python3");
    python.arg(docs("fairness.py")).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = python.spawn().expect("python3 is needed to check the published program");
    let mut stdin = running.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("the program reads its input");
    drop(stdin); // So small an input fits the pipe: nobody waits for the other before this.
    let output = running.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "the program failed");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

fn random_packet(random: &mut Rng) -> (PacketId, Seed, Kind, Fen, u32) {
    let mut seed = [0; 32];
    random.fill(&mut seed);
    let kind = *random.choice(&[Kind::Lucky, Kind::Equal]).expect("not empty");
    let count = random.u32(1..=100);
    let most = (i64::from(count) << random.u32(0..44)).min(Fen::MAX.get());
    let total = Fen::new(random.i64(i64::from(count)..=most)).expect("an amount");
    (PacketId::from_bytes(random.u128(..).to_be_bytes()), seed, kind, total, count)
}

#[test]
fn the_crate_gives_the_published_vectors() {
    for vector in vectors() {
        vector.check(&crate_line(vector.packet, &vector.seed(), vector.kind, vector.total_fen, vector.count));
    }
}

#[test]
fn the_published_program_gives_the_published_vectors() {
    let vectors = vectors();
    let input: String = vectors.iter().map(|vector| vector.arguments() + "\n").collect();
    let lines = program_lines(&[], &input);
    assert_eq!(lines.len(), vectors.len());
    vectors.iter().zip(&lines).for_each(|(vector, line)| vector.check(line));
}

#[test]
fn the_vectors_cover_both_kinds_and_the_limits() {
    let vectors = vectors();
    for kind in [Kind::Lucky, Kind::Equal] {
        assert!(vectors.iter().any(|vector| vector.kind == kind && vector.count == 10_000), "{kind:?}");
        assert!(vectors.iter().any(|vector| vector.kind == kind && vector.total_fen == Fen::MAX), "{kind:?}");
    }
}

#[test]
fn the_published_program_agrees_with_the_crate_on_random_packets() {
    let (mut input, mut expected) = (String::new(), Vec::new());
    let first = seeds::first_seed();
    let shown = seeds::Shown(first);
    let mut random = Rng::with_seed(first);
    for _ in 0..200 {
        let (packet, seed, kind, total, count) = random_packet(&mut random);
        input += &(arguments(packet, &seed, kind, total, count) + "\n");
        expected.push(crate_line(packet, &seed, kind, total, count));
    }
    assert_eq!(program_lines(&[], &input), expected);
    drop(shown);
}

/// The example in `docs/fairness.md` is the first vector, and shows what the program prints.
#[test]
fn the_document_shows_what_the_program_prints() {
    let document = fs::read_to_string(docs("fairness.md")).expect("the document is there");
    let (_, example) = document.split_once("$ python3 docs/fairness.py ").expect("an example");
    let mut lines = example.lines();
    let (command, printed) = (lines.next().expect("arguments"), lines.next().expect("what it prints"));
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(program_lines(&words, ""), [printed]);
    assert_eq!(command, vectors().first().expect("a vector").arguments());
}
