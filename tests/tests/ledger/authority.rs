//! Packets that live in the ledger because their shard is away, and the shards' epochs.

use hongbao_core::Error;
use hongbao_core::quote::Quote;
use hongbao_spin::ledger::{Ledger, Packet};

use crate::backend::Backend;
use crate::setting::{LIFE_MS, NO_LIMITS, NOW_MS, fen, quote, seed, sent, user};

/// A packet that has moved here.
async fn here(ledger: &Ledger, number: u64, total_fen: i64, count: u32) -> Packet {
    let packet = sent(ledger, number, total_fen, count).await;
    ledger.move_to_sql(0).await.expect("packets move");
    packet
}

pub(crate) async fn a_packet_without_a_shard_is_grabbed_and_opened_here(books: &Backend) {
    let ledger = books.ledger().await;
    let packet = here(&ledger, 1, 1_000, 3).await;
    let (id, amounts) = (packet.facts.id, packet.facts.amounts());
    let later = Quote { starts_at_ms: Some(NOW_MS + 10), ..quote(2, &user("late_sender"), 10, 1) };
    ledger.deposit("for-2", &later.sender, fen(10), NOW_MS).await.expect("a deposit");
    ledger.fund(&later, &seed(2), None, &NO_LIMITS, NOW_MS).await.expect("a packet is sent");
    let early = ledger.grab_in_sql(later.packet, &user("anna"), NOW_MS + 9).await;
    assert!(matches!(early, Err(Error::NotStarted { .. })), "{early:?}");
    let grabbed = books.at_once(5, async |number, ledger| {
        let user = user(&format!("user{}", number % 3));
        (user.clone(), ledger.grab_in_sql(id, &user, NOW_MS).await)
    });
    let mut shares: Vec<_> =
        grabbed.iter().map(|(user, seq)| (*seq.as_ref().expect("a share"), user.clone())).collect();
    shares.sort_unstable();
    shares.dedup();
    assert_eq!(shares.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [0, 1, 2], "one share a user: {grabbed:?}");
    let late = ledger.grab_in_sql(id, &user("late"), NOW_MS).await;
    assert!(matches!(late, Err(Error::SoldOut)), "{late:?}");

    let thief = user("thief");
    for (seq, user) in &shares {
        let amount = amounts[usize::try_from(*seq).expect("small")];
        let stolen = ledger.open_in_sql(id, *seq, &thief, amount, NOW_MS).await;
        assert!(matches!(stolen, Err(Error::Contested)), "{stolen:?}");
        for at_ms in [NOW_MS + 1, NOW_MS + 2] {
            assert_eq!(ledger.open_in_sql(id, *seq, user, amount, at_ms).await.expect("it opens"), NOW_MS + 1);
        }
        assert_eq!(ledger.balance(user).await.expect("a balance"), amount);
        assert_eq!(ledger.claim(id, user).await.expect("an answer").map(|claim| claim.seq), Some(*seq));
    }
    assert_eq!(ledger.packet(id).await.expect("an answer").map(|packet| packet.settled), Some(3));
}

pub(crate) async fn a_packet_here_is_closed_and_refunded_here(books: &Backend) {
    let ledger = books.ledger().await;
    let packet = here(&ledger, 1, 1_000, 3).await;
    let (id, amount) = (packet.facts.id, packet.facts.amounts()[2]);
    ledger.open_in_sql(id, 2, &user("anna"), amount, NOW_MS).await.expect("a voucher is a receipt");
    assert_eq!(ledger.grab_in_sql(id, &user("ben"), NOW_MS).await.expect("a share"), 1);
    ledger.close_in_sql(id, NOW_MS + LIFE_MS - 1).await.expect("an answer");
    assert!(ledger.packet(id).await.expect("an answer").is_some_and(|packet| !packet.is_over()));
    let end_ms = NOW_MS + LIFE_MS;
    for at_ms in [end_ms, end_ms + 1] {
        ledger.close_in_sql(id, at_ms).await.expect("an answer");
    }
    let closed = ledger.packet(id).await.expect("an answer").expect("the packet");
    assert_eq!((closed.closed_at_ms, closed.refunded), (Some(end_ms), fen(1_000).checked_sub(amount)));
    let late = ledger.open_in_sql(id, 1, &user("ben"), fen(1), end_ms).await;
    assert!(matches!(late, Err(Error::Expired)), "{late:?}");
    let late = ledger.grab_in_sql(id, &user("cleo"), end_ms).await;
    assert!(matches!(late, Err(Error::Expired)), "{late:?}");
}

pub(crate) async fn a_dead_shards_packets_move_here(books: &Backend) {
    let ledger = books.ledger().await;
    let packet = sent(&ledger, 1, 1_000, 3).await;
    let grabbed = ledger.grab_in_sql(packet.facts.id, &user("anna"), NOW_MS).await;
    assert!(grabbed.is_err(), "{grabbed:?}");
    for shard in [7, 0, 0] {
        ledger.move_to_sql(shard).await.expect("packets move");
        let is_here = shard == 0;
        assert_eq!(ledger.packet(packet.facts.id).await.expect("an answer").map(|it| it.is_in_sql), Some(is_here));
        assert_eq!(ledger.unfinished(0, "", 10).await.expect("ids").is_empty(), is_here);
    }
    assert_eq!(ledger.grab_in_sql(packet.facts.id, &user("anna"), NOW_MS).await.expect("a share"), 2);
}

pub(crate) async fn an_epoch_is_begun_by_one_caller(books: &Backend) {
    let ledger = books.ledger().await;
    let record = ledger.shard(3).await.expect("a shard");
    assert_eq!((record.epoch, record.settled, record.lease_ms, record.has_packets), (1, (0, 0), 0, false));
    let begun = books.at_once(5, async |_, ledger| ledger.next_epoch(&record, NOW_MS, NOW_MS + 100).await);
    let mut begun: Vec<_> = begun.into_iter().map(|epoch| epoch.expect("an answer")).collect();
    begun.sort_unstable();
    assert_eq!(begun, [None, None, None, None, begun[4]]);
    let record = ledger.shard(3).await.expect("a shard");
    assert_eq!(begun[4], Some(record.epoch));
    assert_eq!(ledger.next_epoch(&record, NOW_MS + 99, NOW_MS + 200).await.expect("an answer"), None, "leased");
    ledger.renew_lease(&record, 0).await.expect("the lease ends");
    assert!(ledger.next_epoch(&record, NOW_MS + 99, NOW_MS + 200).await.expect("an answer").is_some());
}
