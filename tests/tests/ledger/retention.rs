//! Packets that have ended are noted, and a mark says up to where they have left their shard.

use hongbao_core::PacketId;
use hongbao_spin::ledger::{Ledger, RetiredMark};

use crate::backend::Backend;
use crate::setting::{Journal, NOW_MS, id, sent, user};

/// The ids of the packets of shard 0 that ended after `place`, by `until_ms`.
async fn ended(ledger: &Ledger, place: &(i64, String), until_ms: i64) -> Vec<PacketId> {
    let found = ledger.ended(0, place, until_ms, 10).await.expect("an answer");
    found.into_iter().map(|(id, _)| id).collect()
}

fn start() -> (i64, String) {
    (0, String::new())
}

async fn note(ledger: &Ledger, now_ms: i64) -> usize {
    ledger.note_ended(now_ms, 10).await.expect("an answer")
}

pub(crate) async fn a_packet_has_ended_when_all_is_settled_or_refunded(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let [finished, waiting, running, refunded] = [1, 2, 3, 4].map(|number| sent(&ledger, number, 1_000, 2));
    let (finished, waiting, running, refunded) = (finished.await, waiting.await, running.await, refunded.await);
    let batch = [
        journal.open(&finished, 0, &user("anna")),
        journal.open(&finished, 1, &user("ben")),
        journal.open(&running, 0, &user("anna")),
        // Closed with one opened, whose open is still in the journal.
        journal.close(&waiting, 1),
        journal.close(&refunded, 0),
    ];
    assert_eq!(note(&ledger, NOW_MS).await, 0);
    ledger.settle(&batch, NOW_MS).await.expect("a batch is settled");
    assert_eq!((note(&ledger, NOW_MS).await, note(&ledger, NOW_MS + 1).await), (2, 0));
    assert_eq!(ended(&ledger, &start(), NOW_MS - 1).await, []);
    assert_eq!(ended(&ledger, &start(), NOW_MS).await, [finished.facts.id, refunded.facts.id]);
    assert_eq!(ended(&ledger, &(NOW_MS, finished.facts.id.to_string()), NOW_MS).await, [refunded.facts.id]);
    assert_eq!(ledger.ended(1, &start(), NOW_MS, 10).await.expect("an answer"), [], "of another shard");

    ledger.settle(&[journal.open(&waiting, 0, &user("cleo"))], NOW_MS).await.expect("the open that it waited for");
    assert_eq!((note(&ledger, NOW_MS + 5).await, note(&ledger, NOW_MS + 6).await), (1, 0));
    assert_eq!(ended(&ledger, &(NOW_MS, "~".to_owned()), NOW_MS + 5).await, [waiting.facts.id]);
    let all = [&finished, &waiting, &running, &refunded].map(|packet| packet.facts.id);
    let all = [&all[..], &[id(99)]].concat();
    let mut gone = ledger.not_to_hold(&all, NOW_MS).await.expect("an answer");
    gone.sort_unstable();
    assert_eq!(gone, [finished.facts.id, refunded.facts.id], "neither what runs, nor what nobody knows");
    ledger.move_to_sql(0).await.expect("packets move");
    let gone = ledger.not_to_hold(&all, NOW_MS).await.expect("an answer");
    assert!(gone.contains(&running.facts.id) && gone.len() == 3, "what is decided here: {gone:?}");
    ledger.settle(&[journal.close(&running, 1)], NOW_MS).await.expect("a close");
    assert_eq!(note(&ledger, NOW_MS + 7).await, 0, "no shard has what is decided here");
}

pub(crate) async fn the_mark_is_moved_by_one_and_nothing_ends_behind_it(books: &Backend) {
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let mut packets = Vec::new();
    for number in 1..=3 {
        packets.push(sent(&ledger, number, 10, 1).await);
    }
    let batch: Vec<_> = packets[..2].iter().map(|packet| journal.open(packet, 0, &user("anna"))).collect();
    ledger.settle(&batch, NOW_MS).await.expect("a batch is settled");
    assert_eq!(ledger.note_ended(NOW_MS, 1).await.expect("an answer"), 1, "no more than are asked for");
    assert_eq!(ledger.note_ended(NOW_MS, 10).await.expect("an answer"), 1);

    ledger.shard(0).await.expect("a record");
    let first = ledger.retired(0).await.expect("a mark");
    assert_eq!((&first.place, first.contents.as_str()), (&start(), ""));
    let mark = RetiredMark { place: (NOW_MS + 1_000, "hb_x".to_owned()), contents: "7:process".to_owned() };
    let moved = books.at_once(5, async |_, ledger| ledger.move_retired(0, &first, &mark).await);
    assert_eq!(moved.into_iter().filter(|moved| *moved.as_ref().expect("an answer")).count(), 1);
    assert_eq!(ledger.retired(0).await.expect("a mark"), mark);

    // A clock that is behind the mark: the packet would never leave.
    ledger.settle(&[journal.open(&packets[2], 0, &user("ben"))], NOW_MS).await.expect("a batch is settled");
    assert_eq!(note(&ledger, NOW_MS + 10).await, 1);
    assert_eq!(ended(&ledger, &mark.place, NOW_MS + 1_001).await, [packets[2].facts.id]);
}

pub(crate) async fn what_a_clock_ahead_has_noted_is_noted_again(books: &Backend) {
    const AHEAD_MS: i64 = 24 * 3_600_000;
    let (ledger, mut journal) = (books.ledger().await, Journal::default());
    let mut packets = Vec::new();
    for number in 1..=3 {
        packets.push(sent(&ledger, number, 10, 1).await);
    }
    let batch: Vec<_> = packets[..2].iter().map(|packet| journal.open(packet, 0, &user("anna"))).collect();
    ledger.settle(&batch, NOW_MS).await.expect("a batch is settled");
    assert_eq!(note(&ledger, NOW_MS + AHEAD_MS).await, 2);
    ledger.shard(0).await.expect("a record");
    let first = ledger.retired(0).await.expect("a mark");
    let ahead =
        RetiredMark { place: (NOW_MS + AHEAD_MS, packets[0].facts.id.to_string()), contents: "7:process".to_owned() };
    assert!(ledger.move_retired(0, &first, &ahead).await.expect("an answer"));

    // The clock is right again. While the mark is ahead, nothing is noted behind it, and nothing again and again.
    ledger.settle(&[journal.open(&packets[2], 0, &user("ben"))], NOW_MS).await.expect("a batch is settled");
    assert_eq!((note(&ledger, NOW_MS + 10).await, note(&ledger, NOW_MS + 10).await), (1, 0));
    assert_eq!(ended(&ledger, &start(), NOW_MS + AHEAD_MS - 1).await, []);
    let back = RetiredMark { place: (NOW_MS - 1_000, String::new()), ..ahead.clone() };
    assert!(ledger.move_retired(0, &ahead, &back).await.expect("an answer"));
    assert_eq!((note(&ledger, NOW_MS + 20).await, note(&ledger, NOW_MS + 21).await), (3, 0));
    let all: Vec<_> = packets.iter().map(|packet| packet.facts.id).collect();
    assert_eq!(ended(&ledger, &back.place, NOW_MS + 20).await, all);
    // Another instance's clock is somewhat behind: it leaves them as they are.
    assert_eq!(note(&ledger, NOW_MS - 30_000).await, 0);
}
