//! Random histories of the journal, contradictions and repeats included: both databases end with the same books.

use fastrand::Rng;
use hongbao_spin::ledger::{Ledger, Packet, Settlement};
use hongbao_spin::sql::Row;

use crate::backend::{Backend, Kind, run};
use crate::seeds::{Shown, first_seed};
use crate::setting::{Journal, LIFE_MS, NO_LIMITS, NOW_MS, fen, id, quote, seed, user};

/// How many histories both have to agree on.
const HISTORIES: u64 = 300;
/// The packets of one history.
const PACKETS: u64 = 3;

/// What happens: packets that are sent, and the batches in which their journal is settled.
struct History {
    number: u64,
    packets: Vec<(u64, String, i64, u32)>,
    batches: Vec<Vec<Settlement>>,
}

impl History {
    fn random(rng: &mut Rng, number: u64) -> Self {
        let names: Vec<String> = (0..5).map(|name| format!("h{number}-{name}")).collect();
        let mut history = Self { number, packets: Vec::new(), batches: Vec::new() };
        let mut journal = Journal::default();
        let mut entries = Vec::new();
        for packet in number * PACKETS..(number + 1) * PACKETS {
            let (sender, count) = (names[rng.usize(..names.len())].clone(), rng.u32(1..=5));
            let total_fen = i64::from(count) + rng.i64(0..200);
            let facts = unsent(packet, &sender, total_fen, count);
            entries.extend(random_entries(rng, &mut journal, &facts, &names));
            history.packets.push((packet, sender, total_fen, count));
        }
        if rng.bool() {
            entries.push(journal.poison());
        }
        // Mostly in order, sometimes not at all; a part of it again; in batches of any size.
        match rng.u8(..4) {
            0 => rng.shuffle(&mut entries),
            1 => entries.sort_by(|one, other| one.event.cmp(&other.event)),
            _ => entries.sort_by_cached_key(|entry| (entry.kind == "close", rng.u8(..4))),
        }
        for again in 0..rng.usize(0..=entries.len() / 2) {
            let place = rng.usize(again..entries.len());
            entries.insert(rng.usize(..=entries.len()), entries[place].clone());
        }
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.event = format!("{number}:{}", entry.event); // Exceptions of histories keep apart.
            if rng.u8(..8) == 0 {
                entry.event = format!("{}:{place}", entry.event); // The same, journaled twice.
            }
        }
        while !entries.is_empty() {
            let rest = entries.split_off(rng.usize(1..=entries.len()));
            history.batches.push(std::mem::replace(&mut entries, rest));
        }
        history
    }

    async fn play(&self, ledger: &Ledger) {
        for (packet, sender, total_fen, count) in &self.packets {
            let sender = user(sender);
            ledger.deposit(&packet.to_string(), &sender, fen(*total_fen), NOW_MS).await.expect("a deposit");
            let quote = quote(*packet, &sender, *total_fen, *count);
            ledger.fund(&quote, &seed(*packet), Some(0), &NO_LIMITS, NOW_MS).await.expect("a packet");
        }
        for batch in &self.batches {
            ledger.settle(batch, NOW_MS + 1).await.expect("a batch is settled");
        }
    }
}

/// A packet as it will be once it is sent.
fn unsent(number: u64, sender: &str, total_fen: i64, count: u32) -> Packet {
    let quote = quote(number, &user(sender), total_fen, count);
    Packet {
        facts: hongbao_core::packet::Facts {
            id: quote.packet,
            sender: quote.sender,
            kind: quote.kind,
            total: quote.total,
            count,
            to: quote.to,
            password_mac: None,
            seed: seed(number),
            starts_at_ms: NOW_MS,
            expires_at_ms: NOW_MS + LIFE_MS,
        },
        greeting: None,
        cover: None,
        created_at_ms: NOW_MS,
        settled: 0,
        closed_at_ms: None,
        refunded: None,
        is_loaded: false,
        is_in_sql: false,
    }
}

/// A race as it should be, and what a torn one adds to it.
fn random_entries(rng: &mut Rng, journal: &mut Journal, packet: &Packet, names: &[String]) -> Vec<Settlement> {
    let opened = rng.u32(0..=packet.facts.count);
    let mut entries = vec![journal.load(packet)];
    let mut players: Vec<&String> = names.iter().collect();
    rng.shuffle(&mut players);
    for (seq, name) in (0..opened).zip(players) {
        entries.push(journal.open(packet, seq, &user(name)));
    }
    if rng.bool() {
        entries.push(journal.close(packet, opened));
    }
    while rng.u8(..3) == 0 {
        let name = &names[rng.usize(..names.len())];
        let torn = match rng.u8(..8) {
            0 => journal.close(packet, rng.u32(0..=packet.facts.count + 1)),
            1 => journal.contest(packet),
            2 => {
                let mut stranger = packet.clone();
                stranger.facts.id = id(u64::MAX - rng.u64(..3));
                Settlement { amount_fen: None, ..journal.open(&stranger, 0, &user(name)) }
            }
            _ => journal.open(packet, rng.u32(0..=packet.facts.count), &user(name)),
        };
        entries.push(torn);
    }
    entries
}

/// Everything that a history left in the books, in an order that does not depend on the database.
async fn books(backend: &Backend, history: &History) -> Vec<(&'static str, Vec<Row>)> {
    let ids: Vec<String> = history.packets.iter().map(|(number, ..)| format!("'{}'", id(*number))).collect();
    let (ids, number) = (ids.join(", "), history.number);
    let wallet = format!("LIKE 'wallet:us_h{number}-%'");
    let escrow = format!("IN ({})", ids.replace("'hb", "'packet:hb"));
    let of_packets =
        "CAST(is_loaded AS integer) + CAST(0 AS bigint), settled, closed_at_ms, closed_opened, refunded_fen";
    let of_claims = "seq, \"user\", amount_fen, opened_at_ms, CAST(is_best AS integer) + CAST(0 AS bigint)";
    let tables = [
        // A wallet that holds nothing may be there or not.
        ("accounts", format!("id, balance_fen FROM accounts WHERE balance_fen <> 0 AND (id {wallet} OR id {escrow})")),
        (
            "postings",
            format!("id, debit, credit, amount_fen, at_ms FROM postings WHERE debit {escrow} OR credit {wallet}"),
        ),
        ("packets", format!("id, {of_packets}, frozen_at_ms FROM packets WHERE id IN ({ids})")),
        ("claims", format!("packet || seq AS id, {of_claims} FROM claims WHERE packet IN ({ids})")),
        (
            "exceptions",
            format!("id, packet, reason, evidence, created_at_ms FROM exceptions WHERE id LIKE 'ex_{number}:%'"),
        ),
    ];
    let mut books = Vec::new();
    for (table, query) in tables {
        books.push((table, backend.rows(&format!("SELECT {query} ORDER BY id")).await));
    }
    books
}

/// Plays a history on both; what differs, where something does.
async fn compare(backends: &[Backend; 2], ledgers: &[Ledger; 2], history: &History) {
    let mut all = Vec::new();
    for (backend, ledger) in backends.iter().zip(ledgers) {
        history.play(ledger).await;
        all.push(books(backend, history).await);
    }
    let [sqlite, postgres] = all.as_slice() else { panic!("two databases") };
    for ((table, here), (_, there)) in sqlite.iter().zip(postgres) {
        let only =
            |one: &[Row], other: &[Row]| one.iter().filter(|row| !other.contains(row)).cloned().collect::<Vec<_>>();
        let (here, there) = (only(here, there), only(there, here));
        assert!(here.is_empty() && there.is_empty(), "{table}: SQLite has {here:#?}, PostgreSQL {there:#?}");
    }
}

#[test]
fn random_histories_leave_the_same_books_on_both() {
    run(async {
        let Some(postgres) = Backend::fresh(Kind::Postgres).await else {
            eprintln!("skipped: PostgreSQL is not installed");
            return;
        };
        let backends = [Backend::fresh(Kind::Sqlite).await.expect("SQLite is built in"), postgres];
        let ledgers = [backends[0].ledger().await, backends[1].ledger().await];
        let first = first_seed();
        for number in 0..HISTORIES {
            let seed = Shown(first.wrapping_add(number));
            let history = History::random(&mut Rng::with_seed(seed.0), number);
            compare(&backends, &ledgers, &history).await;
        }
        for backend in &backends {
            backend.check().await;
            assert!(backend.number("SELECT COUNT(*) FROM exceptions").await > 100, "histories contradict themselves");
        }
    });
}
