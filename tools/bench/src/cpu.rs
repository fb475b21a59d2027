//! How much processor time processes have used, from `/proc`.

use std::fs;

/// Clock ticks a second in `/proc`, a constant of Linux' interface on every architecture that Rust builds for.
const TICKS: f64 = 100.0;

/// Seconds that the process and everything it started have used so far, user and system; 0 for one that is gone.
pub(crate) fn seconds(id: u32) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { return 0.0 };
    let own = ticks(&stat).unwrap_or_default() as f64 / TICKS;
    own + children(id).into_iter().map(seconds).sum::<f64>()
}

/// User and system time, its own and that of its ended children: the fields 14 to 17.
fn ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in brackets, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split_whitespace().skip(11).take(4);
    times.map(|field| field.parse::<u64>().ok()).sum()
}

fn children(id: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_times_stand_behind_the_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 7 3 20 1 20 0 1 0 99";
        assert_eq!(super::ticks(stat), Some(31));
        assert!(super::seconds(std::process::id()) >= 0.0);
    }
}
