//! `cargo xtask up`: everything, on this machine, until Ctrl-C.

use std::fs::{self, File, TryLockError};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use hongbao_stack::{Database, Fsync, RedisOptions, Runtime, Stack, StackOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::guests::{self, Guests};
use crate::progress::Step;
use crate::project::Project;
use crate::{build, setup, spin};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What runs the components [default: Spin where 4.1 or newer is on the PATH, else the host]
    #[arg(long)]
    runtime: Option<spin::Choice>,
    /// Where data, keys and logs are kept from one start to the next [default: .hongbao]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The address to serve on; port 0 is any free one
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where the money is kept
    #[arg(long, default_value = "sqlite")]
    database: DatabaseChoice,
    /// How many Redis servers share the packets
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = shards)]
    shards: usize,
    /// When Redis' data reaches the disk: before each answer, each second, or whenever
    #[arg(long, default_value = "always")]
    redis_fsync: FsyncChoice,
    /// Let guests into the group g_demo, who send and open packets all the time
    #[arg(long)]
    demo: bool,
    /// A value for a variable of spin.toml; may be given several times
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DatabaseChoice {
    /// The runtime's own, one file
    Sqlite,
    /// A private server, from this machine's PostgreSQL
    Postgres,
}

#[derive(Clone, Copy, ValueEnum)]
enum FsyncChoice {
    Always,
    Everysec,
    No,
}

fn shards(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=hongbao_stack::SHARDS_MAX).contains(number));
    number.ok_or_else(|| format!("must be from 1 to {}", hongbao_stack::SHARDS_MAX))
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let project = Project::find()?;
    let data = arguments.data.clone().unwrap_or_else(|| project.data());
    fs::create_dir_all(&data).with_context(|| format!("cannot create the data folder {}", data.display()))?;
    let _lock = lock(&data)?;
    // Said now rather than after a minute of building.
    TcpListener::bind(arguments.listen).with_context(|| {
        format!("cannot serve on {}: stop what uses it, or pass --listen 127.0.0.1:0", arguments.listen)
    })?;
    setup::run()?;
    build::components(&project)?;
    let runtime = spin::runtime(arguments.runtime, &project)?;
    if matches!(runtime, Runtime::Host(_)) {
        build::host(&project)?;
    }
    let signals = signals()?;
    let step = Step::start("Redis, the application, the sweep");
    let options = options(&arguments, &project, &data, runtime.clone())?;
    let stack = Stack::start(options)?;
    step.done();
    let guests = arguments.demo.then(|| Guests::invite(stack.base_url())).transpose();
    let outcome = guests.and_then(|guests| {
        greet(&stack, &runtime, &arguments)?;
        let ended = wait(&stack, &signals);
        drop(guests);
        ended
    });
    eprintln!("\nStopping");
    let stopped = stack.stop();
    eprintln!("Stopped. The data stays in {}", data.display());
    outcome.and(stopped)
}

fn options(arguments: &Arguments, project: &Project, data: &Path, runtime: Runtime) -> Result<StackOptions> {
    let fsync = match arguments.redis_fsync {
        FsyncChoice::Always => Fsync::Always,
        FsyncChoice::Everysec => Fsync::EverySecond,
        FsyncChoice::No => Fsync::No,
    };
    Ok(StackOptions {
        project: project.root.clone(),
        listen: arguments.listen.to_string(),
        database: match arguments.database {
            DatabaseChoice::Sqlite => Database::Sqlite,
            DatabaseChoice::Postgres => Database::Postgres,
        },
        shards: arguments.shards,
        redis: RedisOptions { fsync, ..RedisOptions::default() },
        variables: arguments.variables.clone(),
        ..StackOptions::new(data, runtime)?
    })
}

/// Keeps a second stack out of the folder: two Redis servers would write the same files.
fn lock(data: &Path) -> Result<File> {
    let file = File::create(data.join("lock")).with_context(|| format!("cannot write to {}", data.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another `cargo xtask up` uses {}: stop that one, or pass --data with another folder", data.display())
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the data folder"),
    }
}

/// The signals that ask us to stop. The second one does not wait any more.
fn signals() -> Result<Receiver<()>> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen to signals")?;
    let (sender, receiver) = channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut first = true;
        for signal in signals.forever() {
            if !std::mem::take(&mut first) {
                std::process::exit(128 + signal); // What was started goes with us: the stack's guardian sees to it.
            }
            let _ = sender.send(());
        }
    })?;
    Ok(receiver)
}

/// Waits for a signal, or for the application to end by itself.
fn wait(stack: &Stack, signals: &Receiver<()>) -> Result<()> {
    while let Err(RecvTimeoutError::Timeout) = signals.recv_timeout(Duration::from_millis(500)) {
        if !stack.server.is_running() {
            bail!("the application ended; its log is in {}", stack.dir().join("logs").display());
        }
        // Of several shards, one may go: that is what they are for.
        if let [redis] = stack.redis.as_slice()
            && !redis.is_running()
        {
            bail!("Redis ended; its log is in {}", redis.dir().display());
        }
    }
    Ok(())
}

/// Logs in, which shows that everything works together, and prints what to try.
fn greet(stack: &Stack, runtime: &Runtime, arguments: &Arguments) -> Result<()> {
    let url = stack.base_url();
    let token = guests::login(url, "us_alice")?;
    let runtime = match runtime {
        Runtime::Host(_) => "the project's own host",
        Runtime::Spin(_) => "Spin",
    };
    let database = match arguments.database {
        DatabaseChoice::Sqlite => "SQLite",
        DatabaseChoice::Postgres => "PostgreSQL",
    };
    let redis = stack.redis.iter().map(hongbao_stack::Redis::url).collect::<Vec<_>>().join(", ");
    println!("\nHongbao serves at {url}\n");
    println!("  runtime   {runtime}\n  money     {database}\n  race      {redis}");
    println!("  data      {}\n  logs      {}\n", stack.dir().display(), stack.dir().join("logs").display());
    println!("A token of us_alice, member of g_demo:\n\n  {token}\n");
    println!("{}", TO_TRY.replace("{url}", url));
    println!("To look at:\n");
    println!(
        "  {url}/          the page: choose who you are{}",
        if arguments.demo { "; the group is busy" } else { "" }
    );
    println!("  {url}/console   the operators' console; `cargo xtask token --operator` prints a token for it");
    println!("  {url}/docs      the API\n");
    println!("Ctrl-C stops it; the data stays.");
    if !arguments.listen.ip().is_loopback() {
        println!("CAREFUL: others can reach {}, and with dev_login on anybody is anyone.", arguments.listen);
    }
    Ok(())
}

/// Commands that work when pasted, with nothing but a shell, curl and sed: the quote that wrap answers is
/// what send takes, and the voucher that grab answers is what open takes.
const TO_TRY: &str = r#"Three commands to try, in another terminal:

# 1. Alice and Bob, both of the group g_demo, log in; the first time each gets 1,000 yuan
HB={url} JSON='Content-Type: application/json'
login() { curl -s $HB/v1/dev/login -H "$JSON" -d "{\"user\":\"$1\",\"groups\":[\"g_demo\"]}" | cut -d'"' -f4; }
ALICE="Authorization: Bearer $(login us_alice)" BOB="Authorization: Bearer $(login us_bob)"

# 2. Alice wraps 10 yuan for five people and sends them to the group
PACKET=$(curl -s $HB/v1/wrap -H "$ALICE" -H "$JSON" \
    -d '{"kind":"lucky","total_fen":1000,"count":5,"to":{"group":"g_demo"}}' |
  sed 's/.*\("quote":"[^"]*"\).*/{\1}/' | curl -s $HB/v1/send -H "$ALICE" -H "$JSON" -d @- |
  sed 's/.*"packet_id":"\([^"]*\)".*/\1/'); echo "Alice sent $PACKET"

# 3. Bob grabs a share of it, opens it and looks at his balance
curl -s $HB/v1/packets/$PACKET/grab -H "$BOB" -H "$JSON" -d '{}' |
  sed 's/.*\("voucher":"[^"]*"\).*/{\1}/' | curl -s $HB/v1/packets/$PACKET/open -H "$BOB" -H "$JSON" -d @-
echo; curl -s $HB/v1/me -H "$BOB"; echo
"#;
