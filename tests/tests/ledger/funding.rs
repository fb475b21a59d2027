//! Money from outside, and into packets.

use hongbao_core::draft::Limits;
use hongbao_core::{Error, Fen};

use crate::backend::Backend;
use crate::setting::{LIFE_MS, NO_LIMITS, NOW_MS, fen, id, quote, seed, user};

pub(crate) async fn a_deposit_counts_once(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), Fen::ZERO);
    for at_ms in [NOW_MS, NOW_MS + 1] {
        ledger.deposit("salary", &anna, fen(500), at_ms).await.expect("a deposit");
    }
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(500));
    let deposits = books.at_once(8, async |_, ledger| ledger.deposit("bonus", &user("anna"), fen(7), NOW_MS).await);
    assert!(deposits.iter().all(Result::is_ok), "{deposits:?}");
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(507));
}

pub(crate) async fn a_deposit_of_another_amount_or_user_conflicts(books: &Backend) {
    let ledger = books.ledger().await;
    ledger.deposit("salary", &user("anna"), fen(500), NOW_MS).await.expect("a deposit");
    for (user, amount) in [(user("anna"), fen(501)), (user("ben"), fen(500))] {
        let again = ledger.deposit("salary", &user, amount, NOW_MS).await;
        assert!(matches!(again, Err(Error::Conflict)), "{again:?}");
    }
    assert_eq!(ledger.balance(&user("anna")).await.expect("a balance"), fen(500));
    assert_eq!(ledger.balance(&user("ben")).await.expect("a balance"), Fen::ZERO);
}

pub(crate) async fn an_empty_wallet_sends_nothing(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    for balance in [0, 99] {
        if balance > 0 {
            ledger.deposit("little", &anna, fen(balance), NOW_MS).await.expect("a deposit");
        }
        let sent = ledger.fund(&quote(1, &anna, 100, 5), &seed(1), Some(0), &NO_LIMITS, NOW_MS).await;
        assert!(matches!(sent, Err(Error::InsufficientBalance)), "{sent:?}");
        assert!(ledger.packet(id(1)).await.expect("an answer").is_none());
    }
}

pub(crate) async fn a_daily_limit_is_kept(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    ledger.deposit("much", &anna, fen(10_000), NOW_MS).await.expect("a deposit");
    let limits = Limits { daily_send_fen: 300, daily_send_count: 2, ..NO_LIMITS };
    let over = |sent| match sent {
        Err(Error::LimitExceeded { limit, bound }) => (limit, bound),
        other => panic!("{other:?}"),
    };
    ledger.fund(&quote(1, &anna, 100, 5), &seed(1), Some(0), &limits, NOW_MS).await.expect("within the limits");
    let too_much = ledger.fund(&quote(2, &anna, 201, 5), &seed(2), Some(0), &limits, NOW_MS).await;
    assert_eq!(over(too_much), ("limit_daily_send_fen", 300));
    ledger.fund(&quote(2, &anna, 100, 5), &seed(2), Some(0), &limits, NOW_MS).await.expect("within the limits");
    let too_many = ledger.fund(&quote(3, &anna, 100, 5), &seed(3), Some(0), &limits, NOW_MS).await;
    assert_eq!(over(too_many), ("limit_daily_send_count", 2));
    // What was sent stays sent, and tomorrow is another day.
    ledger.fund(&quote(1, &anna, 100, 5), &seed(1), Some(0), &limits, NOW_MS).await.expect("a retry");
    ledger.fund(&quote(3, &anna, 100, 5), &seed(3), Some(0), &limits, NOW_MS + LIFE_MS).await.expect("a new day");
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(9_700));
}

pub(crate) async fn the_same_packet_twice_is_sent_once_with_the_first_seed(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    ledger.deposit("much", &anna, fen(1_000), NOW_MS).await.expect("a deposit");
    let first = ledger.fund(&quote(1, &anna, 100, 5), &seed(1), Some(0), &NO_LIMITS, NOW_MS).await.expect("a packet");
    let again =
        ledger.fund(&quote(1, &anna, 100, 5), &seed(2), Some(0), &NO_LIMITS, NOW_MS + 5).await.expect("a retry");
    assert_eq!(first.facts, again.facts);
    assert_eq!((first.facts.seed, first.created_at_ms), (seed(1), NOW_MS));
    assert_eq!((again.created_at_ms, again.greeting.as_deref(), again.cover), (NOW_MS, Some("恭喜发财"), None));
    assert_eq!((first.facts.starts_at_ms, first.facts.expires_at_ms), (0, NOW_MS + LIFE_MS));
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(900));
    assert_eq!(ledger.packets(&[id(1), id(2)]).await.expect("packets").len(), 1);
}

pub(crate) async fn a_wallet_never_sends_more_than_it_holds_at_once(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    ledger.deposit("some", &anna, fen(550), NOW_MS).await.expect("a deposit");
    let sent = books.at_once(16, async |number, ledger| {
        let number = u64::try_from(number).expect("small");
        ledger.fund(&quote(number, &user("anna"), 100, 5), &seed(number), Some(0), &NO_LIMITS, NOW_MS).await.map(drop)
    });
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 5, "{sent:?}");
    assert!(sent.iter().all(|sent| matches!(sent, Ok(()) | Err(Error::InsufficientBalance))), "{sent:?}");
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(50));
}

pub(crate) async fn the_daily_limit_holds_at_once(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    ledger.deposit("much", &anna, fen(10_000), NOW_MS).await.expect("a deposit");
    let sent = books.at_once(16, async |number, ledger| {
        let (number, limits) = (u64::try_from(number).expect("small"), Limits { daily_send_fen: 700, ..NO_LIMITS });
        ledger.fund(&quote(number, &user("anna"), 100, 5), &seed(number), Some(0), &limits, NOW_MS).await.map(drop)
    });
    assert_eq!(sent.iter().filter(|sent| sent.is_ok()).count(), 7, "{sent:?}");
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(9_300));
}

pub(crate) async fn the_same_packet_five_times_at_once_is_sent_once(books: &Backend) {
    let (ledger, anna) = (books.ledger().await, user("anna"));
    ledger.deposit("some", &anna, fen(1_000), NOW_MS).await.expect("a deposit");
    let seeds = books.at_once(5, async |number, ledger| {
        let seed = seed(u64::try_from(number).expect("small"));
        let sent = ledger.fund(&quote(1, &user("anna"), 300, 3), &seed, Some(0), &NO_LIMITS, NOW_MS).await;
        sent.map(|packet| packet.facts.seed)
    });
    let first = seeds.first().cloned().expect("five answers").expect("it is sent");
    assert!(seeds.iter().all(|seed| seed.as_ref().ok() == Some(&first)), "{seeds:?}");
    assert_eq!(ledger.balance(&anna).await.expect("a balance"), fen(700));
}
