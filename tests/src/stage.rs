//! The stack that a test program runs against: a real Redis, a real SQLite, the real components.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;
use std::time::Duration;

use hongbao_stack::{Runtime, Stack, StackOptions};

static STAGE: OnceLock<Stack> = OnceLock::new();

/// This program's stack, started by whoever asks first. Tests on it keep apart by users and groups.
pub fn stage() -> &'static Stack {
    STAGE.get_or_init(|| start("shared", |_| {}))
}

/// A stack of one's own, to be broken or configured. `name` tells its folder from others of this program.
///
/// # Panics
/// When it does not start.
pub fn start(name: &str, change: impl FnOnce(&mut StackOptions)) -> Stack {
    let runtime = Runtime::built_host().expect("the host is built");
    let mut options = StackOptions::new(&folder(name), runtime).expect("the project is found");
    options.sweep_every = Some(Duration::from_millis(200));
    change(&mut options);
    Stack::start(options).unwrap_or_else(|error| panic!("the stack does not start: {error:#}"))
}

/// A new folder in target/tmp. It stays when the program has ended, so that its logs can be read; the next
/// run of the same program removes it.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a program has a path");
    let target = program.ancestors().nth(3).expect("tests are in target/release/deps");
    let title = program.file_stem().unwrap_or_default().to_string_lossy();
    let title = title.rsplit_once('-').map_or(title.as_ref(), |(title, _)| title).to_owned();
    let tmp = target.join("tmp");
    remove_those_of_ended_programs(&tmp, &format!("{title}-{name}-"));
    let folder = tmp.join(format!("{title}-{name}-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn remove_those_of_ended_programs(tmp: &Path, start: &str) {
    for folder in fs::read_dir(tmp).into_iter().flatten().flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix(start) else { continue };
        if id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists() {
            let _ = fs::remove_dir_all(folder.path()); // Another run may be doing the same.
        }
    }
}
