//! `cargo xtask test contract`: a fuzzer reads `/openapi.json` and tries all of it on a stack of its own.
//!
//! Nothing may be found: no 5xx, no answer outside the description, no violation accepted, no example refused.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hongbao_stack::{Database, Grant, Runtime, Stack, StackOptions};
use serde_json::{Value, json};

use crate::project::Project;
use crate::{http, setup};

/// The folder that says which checks there are and what is excused.
const FUZZ: &str = "tests/fuzz";
/// What would keep the others from coming far, so it is tried after them: new packets, the packets of the shard or the
/// person are refused afterwards, as they should be.
const STOPS_OTHERS: [&str; 6] = ["set_ladder", "set_switches", "weigh_shard", "move_shard", "block", "set_risk_rule"];
/// The same requests each time, unless another one is asked for.
const SEED: u64 = 10;
/// The requests that are made up for each call, in the short run and in the long one.
const EXAMPLES: u32 = 40;
const EXAMPLES_LONG: u32 = 1_000;
/// How long the tokens are good for: longer than any run.
const TOKEN_TTL: Duration = Duration::from_secs(4 * 3600);

/// What the person has to send.
const PURSE_FEN: i64 = 1_000_000_000_000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// contract: try many times as much
    #[arg(long)]
    long: bool,
    /// contract: other requests than usual
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// contract: keep the money in PostgreSQL
    #[arg(long)]
    postgres: bool,
}

pub(crate) fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let fuzzer = setup::ensure_schemathesis(project)?;
    let folder = project.target().join("contract");
    if folder.exists() {
        fs::remove_dir_all(&folder)?; // Of the last run; what it did is not this one's business.
    }
    fs::create_dir_all(&folder)?;
    let mut options = StackOptions::new(&folder.join("stack"), Runtime::Host(project.host()))?;
    if arguments.postgres {
        options.database = Database::Postgres;
    }
    // What is refused for its number would hide what is to be found.
    let off = [
        ("rate_limits", "grab_user=0,grab=0,send_user=0,send=0,login_user=0,login=0,in_flight=0"),
        ("limit_daily_send_fen", "1000000000000"),
        ("limit_daily_send_count", "1000000"),
    ];
    options.variables = off.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let stack = Stack::start(options)?;
    let seed = arguments.seed.unwrap_or(SEED);
    let examples = if arguments.long { EXAMPLES_LONG } else { EXAMPLES };
    eprintln!("contract: seed {seed}, up to {examples} made-up requests a call and phase");
    // It reads them where it runs, and writes there too.
    for name in ["schemathesis.toml", "hongbao_hooks.py"] {
        fs::copy(project.root.join(FUZZ).join(name), folder.join(name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    let tokens = tokens(&stack)?;
    fs::write(folder.join("packets.txt"), format!("\"{}\"\n", packet(&stack, &tokens)?))?;
    let fuzz = |filter: &str, phases: &str| {
        let mut command = Command::new(&fuzzer);
        command.arg("run").arg(format!("{}/openapi.json", stack.base_url()));
        command.args(["--seed", &seed.to_string(), "--max-examples", &examples.to_string()]);
        command.args(["--phases", phases]);
        STOPS_OTHERS.iter().for_each(|operation| _ = command.args([filter, operation]));
        command.envs(tokens.iter().cloned());
        let status = command.current_dir(&folder).status()?;
        ensure!(status.success(), "the fuzzer found something (seed {seed}): see {}", folder.display());
        anyhow::Ok(())
    };
    let found = fuzz("--exclude-operation-id", "examples,coverage,fuzzing,stateful");
    // No answer of theirs leads anywhere.
    let found = found.and_then(|()| fuzz("--include-operation-id", "examples,coverage,fuzzing"));
    found.and(stack.stop())
}

/// The tokens that the configuration takes from the environment.
fn tokens(stack: &Stack) -> Result<[(&'static str, String); 2]> {
    let person = Grant { ttl: TOKEN_TTL, ..Grant::person("us_alice", &["g_demo"]) };
    let operator = Grant { ttl: TOKEN_TTL, ..Grant::operator("fuzzer") };
    let keys = stack.keys();
    Ok([("HONGBAO_PERSON", keys.token(&person)?), ("HONGBAO_OPERATOR", keys.token(&operator)?)])
}

/// A packet that is there to be asked about, and money for more of them.
fn packet(stack: &Stack, [(_, person), (_, operator)]: &[(&str, String); 2]) -> Result<String> {
    let post =
        |path: &str, token: &str, body: Value| http::post(&format!("{}{path}", stack.base_url()), Some(token), &body);
    post("/v1/admin/deposits", operator, json!({"id": "purse", "user": "us_alice", "amount_fen": PURSE_FEN}))?;
    let packet = json!({"kind": "lucky", "total_fen": 1_000, "count": 100, "to": {"group": "g_demo"}});
    let quote = post("/v1/wrap", person, packet)?;
    let sent = post("/v1/send", person, json!({"quote": quote["quote"]}))?;
    Ok(sent["packet_id"].as_str().context("no packet was sent")?.to_owned())
}
