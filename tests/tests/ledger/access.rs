//! Guesses at passwords under the ledger's authority, and until when each signing key signed.

use hongbao_core::guess::{FIRST_WAIT_MS, WAIT_MAX_MS};
use hongbao_core::packet::Facts;
use hongbao_core::sign::SigningKeys;
use hongbao_spin::ledger::Counted;

use crate::backend::Backend;
use crate::setting::{LIFE_MS, NOW_MS, sent, user};

const FREE: i64 = 3;

pub(crate) async fn guesses_are_counted_for_each_person_and_packet(books: &Backend) {
    let ledger = books.ledger().await;
    let (packet, other) = (sent(&ledger, 1, 10, 1).await.facts, sent(&ledger, 2, 10, 1).await.facts);
    let count = async |facts: &Facts, name: &str, at_ms: i64| {
        ledger.count_guess(facts, &user(name), FREE, at_ms).await.expect("an answer")
    };
    let waits = |retry_after_ms| Counted::Waits { retry_after_ms };
    for number in 1..=FREE {
        assert_eq!(count(&packet, "anna", NOW_MS + number).await, Counted::Tried(number));
    }
    let from_ms = NOW_MS + FREE;
    for at_ms in [from_ms, from_ms + 1, from_ms + FIRST_WAIT_MS - 1] {
        let left_ms = from_ms + FIRST_WAIT_MS - at_ms;
        assert_eq!(count(&packet, "anna", at_ms).await, waits(left_ms), "nothing waits longer for having asked");
    }
    assert_eq!(count(&packet, "ben", from_ms).await, Counted::Tried(1));
    assert_eq!(count(&other, "anna", from_ms).await, Counted::Tried(1));
    let mut at_ms = from_ms + FIRST_WAIT_MS;
    for (number, wait_ms) in [(4, 2), (5, 4), (6, 8), (7, 16), (8, 32), (9, 60), (10, 60)] {
        assert_eq!(count(&packet, "anna", at_ms).await, Counted::Tried(number));
        assert_eq!(count(&packet, "anna", at_ms).await, waits(wait_ms * 60_000));
        at_ms += wait_ms * 60_000;
    }
    // A clock that is set back far: nobody waits for longer than the longest wait.
    assert_eq!(count(&packet, "anna", at_ms).await, Counted::Tried(11));
    assert_eq!(count(&packet, "anna", at_ms - 2 * WAIT_MAX_MS).await, Counted::Tried(12));
}

pub(crate) async fn of_many_guesses_at_once_no_more_than_the_free_ones_are_judged(books: &Backend) {
    let ledger = books.ledger().await;
    let packet = sent(&ledger, 1, 10, 1).await.facts;
    let counted = books.at_once(20, async |_, ledger| {
        ledger.count_guess(&packet, &user("anna"), FREE, NOW_MS).await.expect("an answer")
    });
    let tried = counted.iter().filter(|counted| matches!(counted, Counted::Tried(_))).count();
    assert_eq!(tried, 3, "{counted:?}");
}

pub(crate) async fn guesses_are_forgotten_with_their_packets(books: &Backend) {
    let ledger = books.ledger().await;
    let packet = sent(&ledger, 1, 10, 1).await.facts;
    for number in 0..10 {
        ledger.count_guess(&packet, &user(&format!("user{number}")), FREE, NOW_MS).await.expect("an answer");
    }
    let later = sent(&ledger, 2, 10, 1).await.facts;
    let later = Facts { expires_at_ms: later.expires_at_ms + LIFE_MS, ..later };
    for number in 0..6 {
        let at_ms = packet.expires_at_ms + 1;
        ledger.count_guess(&later, &user(&format!("user{number}")), FREE, at_ms).await.expect("an answer");
    }
    assert_eq!(books.number("SELECT COUNT(*) FROM guesses").await, 6);
}

pub(crate) async fn the_ledger_knows_until_when_a_key_signed(books: &Backend) {
    let ledger = books.ledger().await;
    let keys = |text: &str| {
        let all: Vec<String> = text.split(',').map(|id| format!("{id}:{}", "0a".repeat(32))).collect();
        SigningKeys::parse(&all.join(",")).expect("keys")
    };
    let minute = 60_000;
    let uses = async || {
        let uses = ledger.key_uses().await.expect("an answer");
        uses.into_iter().map(|key| (key.id, (key.last_ms - NOW_MS) / minute)).collect::<Vec<_>>()
    };
    for number in 0..=5 {
        ledger.note_keys(&keys("old,older"), NOW_MS + number * minute).await.expect("it is noted");
    }
    assert_eq!(uses().await, [("old".to_owned(), 5), ("older".to_owned(), 0)]);
    for number in [4, 6, 9] {
        ledger.note_keys(&keys("new,old"), NOW_MS + number * minute).await.expect("it is noted");
    }
    assert_eq!(uses().await, [("new".to_owned(), 9), ("old".to_owned(), 5), ("older".to_owned(), 0)]);
}
