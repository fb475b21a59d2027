//! Every seeded bug is caught.

use hongbao_sim::hunt::{hunt, table};

/// How many seeds a bug may survive.
const MOST_SEEDS: u64 = 3_000;

#[test]
fn every_seeded_bug_is_caught() {
    let catches = hunt(MOST_SEEDS, None);
    println!("{}", table(&catches));
    let missed: Vec<_> = catches.iter().filter(|found| found.caught.is_none()).map(|found| found.name).collect();
    assert!(missed.is_empty(), "the simulation is blind to {missed:?}");
    assert!(catches.len() >= 12);
}
