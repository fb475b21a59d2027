//! Thousands of runs of the sound system, and the checker against books that were tampered with.

use std::rc::Rc;

use hongbao_sim::canary::Seam;
use hongbao_sim::checker::{Line, Moment, Tables, check};
use hongbao_sim::database::prepare;
use hongbao_sim::fault::Disaster;
use hongbao_sim::run::{Options, run, run_and_keep};
use hongbao_sim::swarm::{Swarm, swarm};

/// How many seeds every test run covers in which Redis keeps what it holds.
const SEEDS: u64 = 4_000;
/// And in which it loses it now and then.
const SEEDS_WITH_LOSS: u64 = 1_500;

fn show(total: &Swarm, options: Options) {
    for outcome in &total.failed {
        let traced = Options { trace_lines: 60, ..options };
        let seam = Seam::default();
        let replayed = run(outcome.seed, &prepare(&seam), &Rc::new(seam), traced);
        println!("{}", replayed.trace.join("\n"));
        println!("seed {} with {:?}:", outcome.seed, outcome.mix);
        outcome.violations.iter().for_each(|violation| println!("  {violation}"));
        let keeping = if options.disasters == Disaster::KEEPING { " --keeping" } else { "" };
        println!("replay: cargo run --release -p hongbao-sim -- --seed {}{keeping}", outcome.seed);
    }
    println!("{} seeds, {} calls, {} shares, {} refunds", total.seeds, total.calls, total.claims, total.refunds);
}

/// Whatever goes wrong, no fen is lost; and once nothing goes wrong any more, everything settles.
#[test]
fn no_mix_of_faults_loses_a_fen_and_everything_settles() {
    let options = Options { disasters: Disaster::KEEPING, trace_lines: 0 };
    let total = swarm(1, SEEDS, 3, &Seam::default(), options);
    show(&total, options);
    assert!(total.failed.is_empty(), "{} seeds failed", total.failed.len());
    assert!(total.claims > SEEDS && total.refunds > SEEDS / 2, "the workload does too little to show anything");
}

/// A Redis that comes back behind or empty costs no fen either: what it cannot give back is on record.
#[test]
fn a_redis_that_lost_contents_costs_no_fen() {
    let options = Options::default();
    let total = swarm(1, SEEDS_WITH_LOSS, 3, &Seam::default(), options);
    show(&total, options);
    assert!(total.failed.is_empty(), "{} seeds failed", total.failed.len());
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    let seam = Rc::new(Seam::default());
    let prepared = prepare(&seam);
    for seed in 1..=40 {
        let [one, two] =
            [(), ()].map(|()| run(seed, &prepared, &seam, Options { trace_lines: 100_000, ..Options::default() }));
        assert_eq!((one.steps, one.elapsed_ms, one.history.len()), (two.steps, two.elapsed_ms, two.history.len()));
        assert!(one.trace == two.trace, "seed {seed} ran differently the second time");
    }
}

/// A sound run's history and books, of which each case then breaks one thing.
fn sound() -> (Vec<Line>, rusqlite::Connection) {
    let seam = Rc::new(Seam::default());
    let prepared = prepare(&seam);
    for seed in 1.. {
        let (outcome, connection) = run_and_keep(seed, &prepared, &seam, Options { disasters: &[], trace_lines: 0 });
        if outcome.claims > 3 && outcome.refunds > 0 && outcome.violations.is_empty() {
            let history = outcome.history.iter().map(|line| serde_json::from_str(line).expect("a line")).collect();
            return (history, connection);
        }
    }
    unreachable!("some seed has claims and a refund")
}

#[test]
fn the_checker_sees_every_way_to_tamper_with_the_books() {
    const KEPT: &str = "DROP TRIGGER postings_keep; DROP TRIGGER postings_stay; DROP TRIGGER postings_move;";
    let cases = [
        (
            "negative balance",
            "PRAGMA ignore_check_constraints = 1; UPDATE accounts SET balance_fen = -1 WHERE id LIKE 'wallet:%'",
        ),
        ("balance is not its postings", "UPDATE accounts SET balance_fen = balance_fen + 1 WHERE id = 'suspense'"),
        ("wrong total", "UPDATE accounts SET balance_fen = balance_fen + 1 WHERE id = 'suspense'"),
        ("claims are not payouts", "DELETE FROM postings WHERE id LIKE 'open:%'"),
        ("never refunded", "DELETE FROM postings WHERE id LIKE 'refund:%'"),
        ("not funded once", "DELETE FROM postings WHERE id LIKE 'fund:%'"),
        ("answered but missing", "DELETE FROM claims WHERE seq = 0"),
        ("answered and settled differently", "UPDATE claims SET amount_fen = amount_fen + 1"),
        ("sent but missing", "DELETE FROM packets"),
        (
            "exception without cause",
            "INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms) VALUES ('ex_1', 'hb_1', 'escrow_empty', '', 1)",
        ),
        (
            "refunded more than once",
            "INSERT INTO postings SELECT number + 1000, id || ':2', debit, credit, amount_fen, at_ms FROM postings WHERE id LIKE 'refund:%'; UPDATE packets SET refunded_fen = refunded_fen * 2",
        ),
    ];
    for (kind, tampering) in cases {
        let (history, connection) = sound();
        connection.execute_batch(&format!("{KEPT} {tampering}")).expect(kind);
        let tables = Tables::read(&connection).expect("tables");
        let kinds: Vec<_> = check(&history, &tables, Moment::Settled).iter().map(|violation| violation.kind).collect();
        assert!(kinds.contains(&kind), "{kind} was not seen, but {kinds:?}");
    }
}
