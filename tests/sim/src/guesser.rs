//! The client who guesses packets' passwords, many at a time: however many come at once, a handful are judged.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::future::join_all;
use hongbao_core::risk::{Rule, Rules};
use hongbao_core::token::Person;
use hongbao_core::{GroupId, PacketId, UserId};

use crate::http::{Request, ask};
use crate::site::Site;

/// The guesses at one packet.
const GUESSES: usize = 32;
/// How many of them at once: what one person's rate for grabs lets through.
const AT_ONCE: usize = 4;
/// How often their count may begin anew while they are on their way: with a shard that lost its contents, and with one
/// that was given up.
const BEGINNINGS: i64 = 3;

/// Starts the guesser; `unfinished` counts it until it ends.
pub fn start(site: &Rc<Site>, unfinished: &Rc<Cell<u64>>) {
    let Some(user) = UserId::parse("us_guesser") else { return };
    let person = Person { user, groups: GroupId::parse("g_all").into_iter().collect(), company: false, since: None };
    unfinished.set(unfinished.get() + 1);
    let (story, unfinished) = (site.clone(), unfinished.clone());
    site.world.spawn(None, async move {
        let mut guessed = BTreeSet::new();
        while story.faults.is_on() {
            story.world.sleep_ms(story.world.random.between(200, 1_500)).await;
            for packet in packets_with_password(&story) {
                if guessed.insert(packet) {
                    guess(&story, &person, packet).await;
                }
            }
        }
        unfinished.set(unfinished.get() - 1);
    });
}

async fn guess(site: &Rc<Site>, person: &Person, packet: PacketId) {
    let guesses: Vec<Request> =
        (0..GUESSES).map(|number| Request::Grab(packet, Some(format!("{number:04}")))).collect();
    let mut judged = 0;
    for guesses in guesses.chunks(AT_ONCE) {
        let answers = join_all(guesses.iter().map(|guess| ask(site, person, guess))).await;
        let is_judged = |body: &serde_json::Value| body["error"]["code"] == "wrong_password";
        judged += answers.iter().flatten().filter(|answer| is_judged(&answer.body)).count();
        site.world.sleep_ms(site.world.random.between(100, 600)).await;
    }
    let most = Rules::default().of(Rule::PasswordGuess).bound * BEGINNINGS;
    if i64::try_from(judged).is_ok_and(|judged| judged > most) {
        let complaint = format!("{judged} of {GUESSES} guesses at {packet} were judged");
        site.complaints.borrow_mut().push(complaint);
    }
}

fn packets_with_password(site: &Site) -> Vec<PacketId> {
    let query = "SELECT id FROM packets WHERE password_mac IS NOT NULL";
    let mut prepared = site.store.connection.prepare_cached(query).expect("a query that fits the schema");
    let rows = prepared.query_map([], |row| row.get::<_, String>(0)).expect("packets");
    rows.filter_map(Result::ok).filter_map(|id| PacketId::parse(&id)).collect()
}
