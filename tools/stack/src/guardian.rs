//! Kills what this process started when this process is gone, even after SIGKILL.
//!
//! A small shell holds the other end of a pipe. It is told the process group of every server that starts
//! and ends; when the pipe closes, which the kernel does for us however we die, it kills the groups that
//! are left. (The kernel's parent-death signal would be simpler, but it fires when the *thread* that
//! started the child ends, which in a test runner is every test.)

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

const SCRIPT: &str = r#"
groups=" "
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="${groups%% "$group" *} ${groups#* "$group" }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"#;

static GUARDIAN: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// Has the group killed when this process ends, until [`forget`] is called.
pub(crate) fn watch(group: u32) -> Result<()> {
    tell(format!("+ {group}\n"))
}

/// Takes back [`watch`]: to be called before the group's leader is reaped and its number free again.
pub(crate) fn forget(group: u32) -> Result<()> {
    tell(format!("- {group}\n"))
}

fn tell(line: String) -> Result<()> {
    let mut guardian = GUARDIAN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut pipe = match guardian.take() {
        Some(pipe) => pipe,
        None => start()?,
    };
    pipe.write_all(line.as_bytes()).context("the guardian of started servers is gone")?;
    *guardian = Some(pipe);
    Ok(())
}

fn start() -> Result<ChildStdin> {
    let mut guardian = Command::new("sh")
        .args(["-c", SCRIPT, "hongbao-guardian"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0) // Ctrl-C must not reach it: it has to outlive us.
        .spawn()
        .context("cannot start `sh`, which guards the started servers")?;
    guardian.stdin.take().context("the guardian has no pipe")
}
