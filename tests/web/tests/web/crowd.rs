//! A packet of more shares than one page has, as a person pages through it.

use futures::future::join_all;
use hongbao_stack::Grant;
use hongbao_tests::person::text;
use hongbao_tests::{Draft, Person, Scene, until};
use hongbao_web::{Browser, PHONE, Window};

use crate::away::shown;
use crate::people::{bubble, enters, is_content};

/// More shares than two pages have.
const CROWD: usize = 230;
/// Guests who open late, by number.
const LATE: [usize; 5] = [3, 99, 100, 101, 150];
const MORE: &str = ".details > .plain:not([hidden]):not(:disabled)";

/// A packet of which everybody has grabbed a share.
struct Crowd {
    packet: String,
    sender: Person,
    guests: Vec<Person>,
    vouchers: Vec<String>,
}

impl Crowd {
    async fn gather(scene: &Scene<'_>) -> Self {
        let (acme, group) = (scene.person("acme").await, scene.group());
        let groups = [group.as_str()];
        let grant = Grant { company: true, ..Grant::person(&acme.id, &groups) };
        let sender = scene.bearer(&acme.id, &scene.stack.keys().token(&grant).expect("a token"));
        let packet = sender.give(&Draft::new("lucky", 10_000, CROWD, &group)).await;
        let guest = |number: usize| {
            let id = scene.id(&format!("guest{number}"));
            scene.bearer(&id, &scene.stack.token(&id, &groups).expect("a token"))
        };
        let guests: Vec<Person> = (0..CROWD).map(guest).collect();
        let mut vouchers = Vec::new();
        for some in guests.chunks(16) {
            vouchers.extend(join_all(some.iter().map(|guest| guest.grab(&packet))).await);
        }
        Self { packet, sender, guests, vouchers }
    }

    async fn opens(&self, number: usize) {
        self.guests[number].try_open(&self.packet, &self.vouchers[number]).await.granted(200);
    }

    /// Who has opened, in the order of the race, once that many are settled.
    async fn listed(&self, count: usize) -> Vec<String> {
        let all = || async {
            let (mut shares, mut after) = (Vec::new(), String::new());
            loop {
                let page = self.sender.get(&format!("/v1/packets/{}{after}", self.packet)).await.granted(200);
                shares.extend(page["shares"].as_array()?.iter().map(|share| text(share, "user")));
                let Some(next) = page["next"].as_i64() else { break };
                after = format!("?after={next}");
            }
            (shares.len() == count).then_some(shares)
        };
        until(&format!("{count} shares are settled"), all).await
    }
}

/// Pages to the end: with each page the list is the start of what is `expected`, with the reader's own share in it.
async fn pages(window: &Window, reader: &str, expected: &[String]) {
    let mut known = 0;
    loop {
        let grown = || async { Some(shown(window, ".shares li", "user").await).filter(|list| list.len() > known) };
        let list = until("more shares are listed", grown).await;
        known = list.len();
        let (mine, others): (Vec<_>, Vec<_>) = list.iter().partition(|user| *user == reader);
        assert_eq!(mine.len(), 1, "one's own share is there once");
        let order: Vec<_> = expected.iter().filter(|user| *user != reader).take(others.len()).collect();
        assert_eq!(others, order, "in order, from the first");
        if known == expected.len() {
            assert_eq!(list, expected);
            return;
        }
        window.press(MORE).await;
    }
}

#[tokio::test]
async fn every_share_of_a_large_packet_is_listed_once_and_in_order() {
    let scene = Scene::new("crowd");
    let browser = Browser::start("crowd").expect("a browser");
    let crowd = Crowd::gather(&scene).await;
    // The last to grab is the first to open: shares are opened in another order than they are handed out.
    for number in (0..CROWD).rev().filter(|number| !LATE.contains(number)) {
        crowd.opens(number).await;
    }
    let expected = crowd.listed(CROWD - LATE.len()).await;
    // A guest of the last page.
    let reader = expected.last().expect("a share");
    let window = enters(&browser, PHONE, reader, &scene.group()).await;
    window.press(&bubble(&crowd.packet)).await;
    pages(&window, reader, &expected).await;

    // What is opened afterwards, in the middle, is found by pressing on.
    for number in LATE {
        crowd.opens(number).await;
    }
    let expected = crowd.listed(CROWD).await;
    let all = || async {
        if window.count(MORE).await == 1 {
            window.press(MORE).await;
        }
        (window.count(".shares li").await == CROWD).then_some(())
    };
    until("the rest is listed", all).await;
    assert_eq!(shown(&window, ".shares li", "user").await, expected);
    until("nothing is left to read", || async { (window.count(MORE).await == 0).then_some(()) }).await;
    window.press(".verify").await;
    window.reads(".proof .verdict", "公平").await;
    window.reads(".proof .hint", &format!("{CROWD} 份都已核对")).await;
    is_content(&window).await;
}
