//! How fast each database settles. `cargo test --release --package hongbao-tests --test ledger -- --ignored --nocapture`

use std::time::Instant;

use hongbao_spin::ledger::Settlement;

use crate::backend::Backend;
use crate::on;
use crate::setting::{Journal, NOW_MS, sent, user};

const SHARES: u32 = 100;
const POSTINGS: usize = 40_000;

async fn measure(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let mut number = 0;
    for size in [500, 1_000, 2_000] {
        let mut entries: Vec<Settlement> = Vec::new();
        while entries.len() < POSTINGS {
            number += 1;
            let packet = sent(&ledger, number, 20_000, SHARES).await;
            let amounts = packet.facts.amounts();
            entries.extend((0..SHARES).zip(&amounts).map(|(seq, amount)| {
                let mut open =
                    journal.open(&packet, 0, &user(&format!("u{:032}", (number * 7_919 + u64::from(seq)) % 100_000)));
                open.seq = Some(seq.into());
                open.amount_fen = Some(amount.get());
                open
            }));
        }
        let started = Instant::now();
        for batch in entries.chunks(size) {
            ledger.settle(batch, NOW_MS).await.expect("settled");
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("{:?}, batches of {size}: {:.0} postings/s", books.kind, f64::from(40_000) / seconds);
    }
}

#[test]
#[ignore = "a measurement: cargo xtask test long"]
fn settle_throughput() {
    on(crate::Kind::Sqlite, measure);
    on(crate::Kind::Postgres, measure);
}
