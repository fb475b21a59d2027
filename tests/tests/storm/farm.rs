//! A bot farm against honest people: many accounts on two devices that ask the moment a packet opens, and again and
//! again, against people who need a moment. With the rules off the farm takes all; with the rules people get theirs.

use std::time::Duration;

use hongbao_stack::{Grant, Stack};
use hongbao_tests::draft::in_ms;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Person, Scene};

use crate::site::{grab_from, operator, variables};

const BOTS: usize = 80;
const HONEST: usize = 20;
const SHARES: usize = 30;
const RAINS: usize = 3;
const RULES_OFF: &str = "velocity=off,reaction=off,device_users=off";
const RULES_ON: &str = "velocity=slow,reaction=slow:150,device_users=deny:5";

/// How many shares each side has got.
#[derive(Debug, Default)]
struct Harvest {
    bots: usize,
    honest: usize,
}

async fn crowd(scene: &Scene<'_>, side: &str, size: usize) -> Vec<Person> {
    let group = scene.group();
    let person = |number: usize| {
        let id = scene.id(&format!("{side}{number}"));
        let token = scene.stack.keys().token(&Grant::person(&id, &[&group])).expect("a token");
        scene.bearer(&id, &token)
    };
    (0..size).map(person).collect()
}

/// Asks until there is a share or none will come; honest people from the moment they have noticed, bots at once.
async fn hunt(
    person: &Person,
    device: &str,
    packet: &str,
    opens_at_ms: i64,
    reacts: Duration,
    patience: usize,
) -> bool {
    let now_ms = in_ms(Duration::ZERO);
    let ahead = u64::try_from(opens_at_ms - now_ms).unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(ahead) + reacts).await;
    for _ in 0..patience {
        let reply = grab_from(person, device, packet).await;
        match reply.status {
            200 => return true,
            425 | 429 => tokio::time::sleep(Duration::from_millis(if patience > 5 { 5 } else { 50 })).await,
            _ => return false,
        }
    }
    false
}

async fn rain(stack: &Stack, name: &str) -> Harvest {
    let scene = Scene::on(stack, name);
    let sender = scene.person("sender").await;
    let (bots, honest) = (crowd(&scene, "bot", BOTS).await, crowd(&scene, "person", HONEST).await);
    let mut harvest = Harvest::default();
    for _ in 0..RAINS {
        let opens_at_ms = in_ms(Duration::from_millis(1_500));
        let draft = Draft::new("lucky", 30_000, SHARES, &scene.group()).with("starts_at_ms", opens_at_ms);
        let packet = sender.give(&draft).await;
        let bot = |(number, bot): (usize, _)| {
            let (device, packet) = (format!("farm-{}", number % 2), &packet);
            async move { hunt(bot, &device, packet, opens_at_ms, Duration::ZERO, 20).await }
        };
        let person = |(number, person): (usize, _)| {
            let (device, packet) = (format!("phone-{number}"), &packet);
            let reacts = Duration::from_millis(250 + 10 * u64::try_from(number).unwrap_or(0));
            async move { hunt(person, &device, packet, opens_at_ms, reacts, 5).await }
        };
        let bots = futures::future::join_all(bots.iter().enumerate().map(bot));
        let honest = futures::future::join_all(honest.iter().enumerate().map(person));
        let (bots, honest) = futures::future::join(bots, honest).await;
        harvest.bots += bots.into_iter().filter(|has_share| *has_share).count();
        harvest.honest += honest.into_iter().filter(|has_share| *has_share).count();
    }
    harvest
}

#[tokio::test]
async fn a_bot_farm_is_contained_and_honest_people_get_their_shares() {
    let stacks = [("farm-off", RULES_OFF), ("farm-on", RULES_ON)]
        .map(|(name, rules)| start(name, |options| options.variables = variables(&[("risk_rules", rules)])));
    let without = rain(&stacks[0], "off").await;
    let with = rain(&stacks[1], "on").await;
    let (honest_most, bots_most) = (HONEST * RAINS, BOTS * RAINS);
    println!("{RAINS} rains of {SHARES} shares, {BOTS} bots on 2 devices, {HONEST} people");
    println!("  rules off: people got {} of {honest_most}, bots {} of {bots_most}", without.honest, without.bots);
    println!("  rules on:  people got {} of {honest_most}, bots {} of {bots_most}", with.honest, with.bots);
    assert!(with.honest >= honest_most * 95 / 100, "{with:?}");
    assert!(with.bots <= 10 * RAINS, "five people a device: {with:?}");
    assert!(without.honest < with.honest, "a farm that harms nobody shows nothing: {without:?}");

    let scene = Scene::on(&stacks[1], "on");
    stacks[1].sweep().expect("a sweep");
    let page = operator(&scene).get("/v1/admin/risk-events?limit=100").await.granted(200);
    let events = page["events"].as_array().expect("events");
    let of_bots = events.iter().filter(|event| event["user"].as_str().is_some_and(|user| user.contains("-bot")));
    assert!(!events.is_empty() && of_bots.count() == events.len(), "only bots are on record: {page}");
}
