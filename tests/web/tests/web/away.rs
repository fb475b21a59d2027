//! Lists that grew while nobody looked: all of it is there, in order.

use hongbao_tests::{Draft, Person, Scene, until};
use hongbao_web::{Browser, PHONE, Window};
use serde_json::json;

use crate::people::{enters, is_content};

/// More than two pages of the chat.
const AWAY: usize = 70;

async fn gives(person: &Person, group: &str, how_many: usize) -> Vec<String> {
    let mut packets = Vec::new();
    for _ in 0..how_many {
        packets.push(person.give(&Draft::new("equal", 2, 2, group)).await);
    }
    packets
}

pub(crate) async fn shown(window: &Window, css: &str, field: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.dataset[arguments[1]])";
    let list = window.run(script, vec![json!(css), json!(field)]).await;
    list.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_chat_has_no_hole_after_a_while_in_the_background() {
    let scene = Scene::new("away");
    let browser = Browser::start("away").expect("a browser");
    let alice = scene.person("alice").await;
    let bob = scene.person("bob").await;
    let mut packets = gives(&alice, &scene.group(), 3).await;
    let window = enters(&browser, PHONE, &bob.id, &scene.group()).await;
    until("the first are there", || async { (window.count(".message").await == 3).then_some(()) }).await;
    window.set_hidden(true).await;
    packets.extend(gives(&alice, &scene.group(), AWAY).await);
    let alone = alice.give(&Draft::to_one(5, &bob.id)).await;
    packets.push(alone);
    packets.extend(gives(&alice, &scene.group(), 1).await);
    window.set_hidden(false).await;
    let is_whole = || async { (shown(&window, ".message", "packet").await == packets).then_some(()) };
    until("everything is there, in order", is_whole).await;
    assert!(window.count(".toasts p").await <= 1, "news are told once");
    // A newcomer reads the same backwards, page by page.
    let carol = enters(&browser, PHONE, &scene.id("carol"), &scene.group()).await;
    carol.find(".message").await;
    for _ in 0..2 {
        let before = carol.count(".message").await;
        carol.press(".older").await;
        until("older ones are there", || async { (carol.count(".message").await > before).then_some(()) }).await;
    }
    let group: Vec<_> = packets.iter().filter(|id| **id != packets[packets.len() - 2]).cloned().collect();
    until("all of the group", || async { (shown(&carol, ".message", "packet").await == group).then_some(()) }).await;
    assert_eq!(carol.count(".older:not([hidden])").await, 0);
    is_content(&window).await;
}

#[tokio::test]
async fn my_packets_and_the_statement_go_on_to_their_end() {
    let scene = Scene::new("long");
    let browser = Browser::start("long").expect("a browser");
    let [alice, bob] = scene.people(["alice", "bob"]).await;
    let first = gives(&alice, &scene.group(), 60).await;
    let window = enters(&browser, PHONE, &alice.id, &scene.group()).await;
    window.press("nav [href='#mine']").await;
    window.press(".tabs button:last-child").await;
    window.reads(".totals", "60").await;
    window.press(".mine-view .more").await;
    until("all are listed", || async { (window.count(".rows li").await == first.len()).then_some(()) }).await;
    assert_eq!(window.count(".more:not([hidden])").await, 0);

    window.press("nav [href='#wallet']").await;
    window.find(".postings li").await;
    window.set_hidden(true).await;
    gives(&alice, &scene.group(), 30).await;
    window.set_hidden(false).await;
    // 20 a page: the 30 that came are joined to what was there, and the rest follows on demand.
    until("the new ones are there", || async { (window.count(".postings li").await >= 40).then_some(()) }).await;
    while window.count(".wallet .more:not([hidden])").await == 1 {
        let before = window.count(".postings li").await;
        window.press(".wallet .more").await;
        until("more are there", || async { (window.count(".postings li").await > before).then_some(()) }).await;
    }
    assert_eq!(window.count(".postings li").await, 91, "90 packets and the first login's deposit");
    drop(bob);
    is_content(&window).await;
}

#[tokio::test]
async fn the_year_tells_what_came_back() {
    let scene = Scene::new("back");
    let browser = Browser::start("back").expect("a browser");
    let alice = scene.person("alice").await;
    let expired = alice.give(&Draft::new("equal", 400, 4, &scene.group()).for_seconds(1)).await;
    alice.sees_it_become(&expired, "expired").await;
    let window = enters(&browser, PHONE, &alice.id, &scene.group()).await;
    window.press("nav [href='#mine']").await;
    window.press(".tabs button:last-child").await;
    window.find(".totals .balance[data-fen='400']").await;
    window.reads(".totals .back", "其中退回 ¥4.00").await;
    is_content(&window).await;
}
