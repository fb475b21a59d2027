//! `cargo xtask test`: everything that can fail is tried, and the last line says how it went.

use std::env;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::build;
use crate::contract;
use crate::project::{COMPONENT_PROFILE, COMPONENT_TARGET, Project, answer, cargo, show};
use crate::setup;

/// The package of the simulation.
const SIMULATION: &str = "hongbao-sim";
/// The package of the tests of the whole.
const WHOLE: &str = "hongbao-tests";
/// The package of the browser tests.
const BROWSER: &str = "hongbao-web";

/// The variable that says how many tests of one program run at a time.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this part
    part: Option<Part>,
    #[command(flatten)]
    contract: contract::Arguments,
    /// What follows `--` goes to the tests, such as a part of their names
    #[arg(last = true, value_name = "TEST ARGUMENTS")]
    arguments: Vec<String>,
}

/// A part of the tests.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Each crate's own tests
    Unit,
    /// The tests of the whole, through HTTP, on a real Redis
    E2e,
    /// The page and the console, in a real browser; pictures stay in target/screenshots
    Web,
    /// The simulation of the whole under faults, from seeds, and its seeded bugs
    Sim,
    /// What /openapi.json describes, tried by a fuzzer that reads it
    Contract,
    /// Formatting and clippy
    Lint,
    /// What takes minutes and is no part of the others: long forms of tests, and measurements
    Long,
}

/// How many tests ended how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let project = Project::find()?;
    setup::run()?;
    let wants = |part: Part| arguments.part.is_none_or(|wanted| wanted == part);
    let mut faults = Vec::new();
    let mut check = |name: &str, outcome: Result<()>| {
        if let Err(error) = outcome {
            eprintln!("{name}: {error:#}");
            faults.push(name.to_owned());
        }
    };
    if wants(Part::Lint) {
        check("format", format(&project));
    }
    if wants(Part::Web) {
        check("the browser", setup::ensure_browser(&project));
    }
    if wants(Part::E2e)
        && let Err(error) = setup::ensure_pooler()
    {
        eprintln!("skipped: the tests behind a pooler: {error:#}");
    }
    let mut tally = Tally::default();
    let needs_system = !matches!(arguments.part, Some(Part::Lint | Part::Sim));
    if needs_system {
        build::components_and_empty(&project)?;
        build::host(&project)?;
    }
    if wants(Part::Contract) {
        check("the contract", contract::run(&project, &arguments.contract));
    }
    if !matches!(arguments.part, Some(Part::Lint | Part::Contract)) {
        let mut cargo = project.native("test")?;
        choose(&project, &mut cargo, arguments.part)?;
        cargo.args(["--no-fail-fast", "--"]);
        if arguments.part == Some(Part::Long) {
            cargo.args(["--ignored", "--nocapture", "--test-threads", "1"]);
        }
        check("tests", count(cargo.args(&arguments.arguments), &project, &mut tally));
    }
    if wants(Part::Lint) {
        check("clippy", clippy(&project));
    }
    eprintln!("{:.0} s", started.elapsed().as_secs_f64());
    println!("test: {} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    if faults.is_empty() { Ok(()) } else { bail!("failed: {}; what they say is above", faults.join(", ")) }
}

/// Has cargo run the tests of this part only. Those of the whole, end to end, are the packages in `tests/`.
fn choose(project: &Project, cargo: &mut Command, part: Option<Part>) -> Result<()> {
    let metadata = project.cargo("metadata").args(["--no-deps", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout).context("cargo metadata answers no JSON")?;
    let folder = project.root.join("tests");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    for package in packages
        .filter(|package| package["manifest_path"].as_str().is_some_and(|path| Path::new(path).starts_with(&folder)))
    {
        let targets = package["targets"].as_array().into_iter().flatten();
        let tests = targets.filter(|target| target["kind"][0] == "test").filter_map(|target| target["name"].as_str());
        match part {
            Some(Part::Unit) => _ = cargo.arg("--exclude").args(package["name"].as_str()),
            Some(Part::Sim) if package["name"] != SIMULATION => {}
            Some(Part::Web) if package["name"] != BROWSER => {}
            Some(Part::E2e) if package["name"] == SIMULATION || package["name"] == BROWSER => {}
            Some(Part::Long) if package["name"] != WHOLE => {}
            Some(Part::E2e | Part::Web | Part::Sim | Part::Long) => {
                tests.for_each(|name| _ = cargo.args(["--test", name]))
            }
            Some(Part::Contract | Part::Lint) | None => {}
        }
    }
    Ok(())
}

/// Runs the tests and counts how they ended.
fn count(cargo: &mut Command, project: &Project, tally: &mut Tally) -> Result<()> {
    if env::var_os(TEST_THREADS).is_none() {
        // Most of them wait for deadlines most of the time.
        let threads = 2 * thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env(TEST_THREADS, threads.to_string());
    }
    let mut child = cargo.env("HONGBAO_HOST_BIN", project.host()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("cargo test has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        tally.add(&line);
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { bail!("cargo test failed ({status})") }
}

impl Tally {
    /// Counts in a line such as `test result: ok. 11 passed; 0 failed; 1 ignored; 0 measured; …`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let words: Vec<&str> = counts.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let [count, outcome] = pair else { continue };
            let count = count.parse().unwrap_or(0);
            match *outcome {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }
}

fn has(component: &str) -> bool {
    let there = answer(cargo(), &[component, "--version"]).is_some();
    if !there {
        eprintln!("skipped: cargo {component} (to have it: `rustup component add {component}`)");
    }
    there
}

fn format(project: &Project) -> Result<()> {
    if has("fmt") { show(project.cargo("fmt").args(["--all", "--check"])) } else { Ok(()) }
}

fn clippy(project: &Project) -> Result<()> {
    if !has("clippy") {
        return Ok(());
    }
    show(project.native("clippy")?.args(["--all-targets", "--", "-D", "warnings"]))?;
    let mut wasm = project.cargo("clippy");
    wasm.args(["--profile", COMPONENT_PROFILE, "--target", COMPONENT_TARGET]);
    project.components()?.iter().for_each(|name| _ = wasm.args(["--package", name]));
    show(wasm.args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_of_all_test_programs_are_added_up() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 11 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s");
        tally.add("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 5.00s");
        tally.add("a test wrote: 7 passed");
        assert_eq!(tally, Tally { passed: 13, failed: 3, skipped: 1 });
    }
}
