//! The host's wall clock: ahead and behind. Redis' clock, which decides about every packet's end, stays right.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use hongbao_stack::StackOptions;

use crate::site::Site;

const AHEAD_MS: i64 = 10 * 60 * 1000;

/// Has the host read its clock's offset from a file.
pub(crate) fn shape(options: &mut StackOptions) {
    let path = file(&options.dir).to_string_lossy().into_owned();
    options.arguments.extend(["--clock-offset-file".to_owned(), path]);
}

pub(crate) fn jump(site: &mut Site<'_>) -> Result<()> {
    let path = file(site.stack.dir());
    for (offset_ms, what) in [(AHEAD_MS, "the host's clock jumps ten minutes ahead"), (-AHEAD_MS, "and ten behind")] {
        site.broken(what, |site| {
            fs::write(&path, offset_ms.to_string())?;
            site.hold(4_000);
            Ok(fs::write(&path, "0")?)
        })?;
        site.hold(2_500);
    }
    Ok(())
}

fn file(dir: &Path) -> PathBuf {
    dir.join("clock-offset-ms")
}
