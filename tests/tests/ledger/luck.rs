//! Best luck, and who gets the odd fen.

use hongbao_core::quote::Quote;
use hongbao_core::split::Kind;
use hongbao_core::{Error, luck};
use hongbao_spin::ledger::Settlement;

use crate::backend::Backend;
use crate::seeds::{Shown, first_seed};
use crate::setting::{Journal, NO_LIMITS, NOW_MS, fen, quote, seed, user};

/// The ledger marks the share that the core's rule names, whatever is opened and settled in which order: in small
/// packets, so that amounts and times are often equal.
pub(crate) async fn the_best_luck_is_the_one_that_the_core_names(books: &Backend) {
    const PACKETS: u64 = 60;
    let shown = Shown(first_seed());
    let (ledger, mut journal, mut rng) = (books.ledger().await, Journal::default(), fastrand::Rng::with_seed(shown.0));
    let anna = user("anna");
    ledger.deposit("much", &anna, fen(100_000), NOW_MS).await.expect("a deposit");
    for number in 0..PACKETS {
        let (count, kind) = (rng.u32(1..=4), if rng.u8(..4) == 0 { Kind::Equal } else { Kind::Lucky });
        let quote = Quote { kind, ..quote(number, &anna, i64::from(count) + rng.i64(0..6), count) };
        let packet = ledger.fund(&quote, &seed(rng.u64(..)), Some(0), &NO_LIMITS, NOW_MS).await.expect("a packet");
        let mut opens: Vec<_> =
            (0..count).map(|seq| journal.open(&packet, seq, &user(&format!("user{seq}")))).collect();
        opens.iter_mut().for_each(|open| open.at_ms = Some(NOW_MS + rng.i64(0..3)));
        rng.shuffle(&mut opens);
        let (first, rest) = opens.split_at(rng.usize(..opens.len()));
        for batch in [first, rest] {
            let marked = format!(
                "SELECT COUNT(*) FROM claims WHERE packet = '{}' AND CAST(is_best AS integer) = 1",
                packet.facts.id
            );
            assert_eq!(books.number(&marked).await, 0, "not before the end");
            ledger.settle(batch, NOW_MS + 1_000).await.expect("a batch is settled");
        }
        let opened = |open: &Settlement| {
            let seq = u32::try_from(open.seq?).ok()?;
            Some(luck::Opened { seq, amount: fen(open.amount_fen?), opened_at_ms: open.at_ms? })
        };
        let opened: Vec<_> = opens.iter().filter_map(opened).collect();
        let best = luck::best(kind, &opened).map_or(-1, i64::from);
        let marked = format!(
            "SELECT CAST(COALESCE(MAX(seq), -1) AS bigint) FROM claims WHERE packet = '{}' AND CAST(is_best AS integer) = 1",
            packet.facts.id
        );
        assert_eq!(books.number(&marked).await, best, "{kind:?} {opened:?}");
    }
}

/// Shares of a packet that no shard ever had go out in the order of the grabs, which of an equal packet decides the odd
/// fen; of one that came from a shard from the top, since that shard's vouchers have low numbers.
pub(crate) async fn the_odd_fen_go_to_the_first_to_grab_of_a_packet_that_was_sent_here(books: &Backend) {
    let ledger = books.ledger().await;
    let anna = user("anna");
    ledger.deposit("much", &anna, fen(100), NOW_MS).await.expect("a deposit");
    for (number, shard, seqs, amounts) in [(1, None, [0, 1, 2], [4, 4, 3]), (2, Some(0), [2, 1, 0], [3, 4, 4])] {
        let quote = Quote { kind: Kind::Equal, ..quote(number, &anna, 11, 3) };
        let packet = ledger.fund(&quote, &seed(number), shard, &NO_LIMITS, NOW_MS).await.expect("a packet is sent");
        ledger.move_to_sql(0).await.expect("packets move");
        for (place, name) in ["first", "second", "third"].into_iter().enumerate() {
            let seq = ledger.grab_in_sql(packet.facts.id, &user(name), NOW_MS).await.expect("a share");
            let amount = packet.facts.amounts()[usize::try_from(seq).expect("small")];
            assert_eq!((seq, amount), (seqs[place], fen(amounts[place])), "the {name} of packet {number}");
            // Opened or not, the next one is the next.
            if place != 1 {
                ledger.open_in_sql(packet.facts.id, seq, &user(name), amount, NOW_MS).await.expect("it opens");
            }
        }
        let late = ledger.grab_in_sql(packet.facts.id, &user("late"), NOW_MS).await;
        assert!(matches!(late, Err(Error::SoldOut)), "{late:?}");
    }
}
