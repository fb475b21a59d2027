//! The machine that the numbers are of.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// What a reader needs to know to compare.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) redis: String,
    pub(crate) postgres: Option<String>,
    /// Runnable processes a core before the run: what else the machine does.
    pub(crate) load_before: f64,
}

impl Machine {
    /// This one.
    pub(crate) fn look() -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory_kib = after(&file("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse::<u64>();
        let load = file("/proc/loadavg").split(' ').next().and_then(|load| load.parse::<f64>().ok());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cpu: after(&file("/proc/cpuinfo"), "model name"),
            cores,
            memory_gib: memory_kib.unwrap_or_default() / (1 << 20),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            redis: version("redis-server"),
            postgres: hongbao_stack::Postgres::installed(),
            load_before: load.unwrap_or_default() / cores as f64,
        }
    }
}

fn version(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or("unknown").to_owned()
}
