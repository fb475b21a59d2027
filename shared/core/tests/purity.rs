//! The core has no I/O, no clock and no randomness: neither in its sources nor below them.
#![allow(clippy::expect_used, reason = "a test that finds nothing has to fail")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// What no line of the core may say.
const FORBIDDEN_WORDS: &[&str] = &[
    "std::{",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "SystemTime",
    "Instant",
    "extern \"",
    "unsafe",
    "static mut",
    "thread_local!",
    "include_bytes!",
    "include_str!",
    "getrandom",
    "rand::",
    "OsRng",
    "println!",
    "dbg!",
    "f32",
    "f64",
    "HashMap",
    "HashSet",
    "RandomState",
];

/// What the core may not depend on, in any form: random numbers, clocks, system calls, the browser.
const FORBIDDEN_PACKAGES: &[&str] = &[
    "rand",
    "getrandom",
    "fastrand",
    "oorandom",
    "ahash",
    "chrono",
    "time",
    "instant",
    "web-time",
    "jiff",
    "libc",
    "rustix",
    "wasi",
    "wasip2",
    "wasip3",
    "wit-bindgen",
    "js-sys",
    "web-sys",
    "wasm-bindgen",
    "tokio",
    "std",
];

/// The build of the browser's target, which has none of the three to offer.
const TARGET: &str = "wasm32-unknown-unknown";

fn cargo(arguments: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    cargo.output().expect("cargo runs")
}

/// The lines of the core that say a forbidden word, as `file:line: word`. A word counts only where no longer
/// name contains it.
fn find_words(name: &str, source: &str) -> Vec<String> {
    let is_name = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let says = |line: &str, word: &str| {
        line.match_indices(word).any(|(at, _)| {
            let (before, rest) = line.split_at(at);
            let after = rest.chars().nth(word.chars().count());
            let is_open = word.ends_with(|last: char| !last.is_alphanumeric());
            !is_name(before.chars().next_back()) && (is_open || !is_name(after))
        })
    };
    let code = source.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(number, line)| {
        let found = FORBIDDEN_WORDS.iter().filter(move |word| says(line, word));
        found.map(move |word| format!("{name}:{}: {word}", number.saturating_add(1)))
    })
    .collect()
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                return sources(&path);
            }
            vec![(path.display().to_string(), fs::read_to_string(&path).expect("a source"))]
        })
        .collect()
}

#[test]
fn no_line_of_the_core_reads_a_clock_a_file_or_a_die() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() >= 10, "the sources were found");
    let found: Vec<String> = sources.iter().flat_map(|(name, source)| find_words(name, source)).collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// The canary: lines of this kind are found.
#[test]
fn a_line_that_does_is_found() {
    for line in [
        "let now = std::time::SystemTime::now();",
        "use std::fs;",
        "    let x = rand::random::<u8>();",
        "fn area(x: f64) {}",
        "use std::{collections::BTreeMap, fs};",
        "println!(\"{x}\");",
    ] {
        assert!(!find_words("line", line).is_empty(), "{line}");
    }
    assert_eq!(find_words("line", "// an Instant, std::fs"), Vec::<String>::new());
    assert_eq!(find_words("line", "let operand::Instants = 1;"), Vec::<String>::new());
}

#[test]
fn nothing_below_the_core_reads_a_clock_a_file_or_a_die() {
    let arguments = ["tree", "--package=hongbao-core", "--edges=normal,no-proc-macro", "--target", TARGET];
    let output = cargo(&[&arguments[..], &["--prefix=none", "--format={p}"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    let packages: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains(&"hongbao-core") && packages.contains(&"chacha20"), "{tree}");
    let found: Vec<&&str> = packages.iter().filter(|package| FORBIDDEN_PACKAGES.contains(package)).collect();
    assert!(found.is_empty(), "the core depends on {found:?}");
}

#[test]
fn the_core_builds_for_the_browser() {
    let output = cargo(&["build", "--release", "--package=hongbao-core", "--target", TARGET]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
