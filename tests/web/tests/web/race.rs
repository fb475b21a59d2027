//! Two people in two windows: one sends, both race, both see the same, and the packet proves itself.

use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::{Draft, Scene, until};
use hongbao_web::{Browser, DESK, PHONE};
use serde_json::json;

use crate::people::{amount, bubble, enters, is_content, list, opens, sends};

#[tokio::test]
async fn two_people_race_see_the_same_list_and_verify_it() {
    let scene = Scene::new("race");
    let browser = Browser::start("race").expect("a browser");
    let (alice_id, bob_id) = (scene.id("alice"), scene.id("bob"));
    let group = scene.group();
    let (alice, bob) =
        futures::join!(enters(&browser, PHONE, &alice_id, &group), enters(&browser, PHONE, &bob_id, &group),);
    let packet = sends(&alice, "20", "2", "恭喜发财").await;
    futures::join!(opens(&alice, &packet), opens(&bob, &packet));
    let (hers, his) = futures::join!(amount(&alice), amount(&bob));
    assert_eq!(hers + his, 2_000);
    let mut expected = vec![(alice_id.clone(), hers), (bob_id, his)];
    expected.sort();
    for window in [&alice, &bob] {
        until("both shares are listed", || async { (list(window).await == expected).then_some(()) }).await;
        window.reads(".settling", "已存入钱包").await;
        window.find(".shares .best").await;
    }
    // The proof, computed in bob's browser while it cannot ask anybody.
    bob.press(".verify").await;
    assert!(bob.text(".proof .verdict").await.contains("公平"));
    assert_eq!((bob.count(".steps .holds").await, bob.count(".breaks").await), (4, 0));
    assert_eq!(bob.count(".checked tr").await, 2);
    bob.find(".luck svg rect.mark").await;

    bob.press(".close").await;
    bob.press("nav [href='#wallet']").await;
    let purse = format!(".wallet [data-fen='{}']", PURSE_FEN + his);
    bob.find(&purse).await;
    bob.press("nav [href='#mine']").await;
    bob.find(&format!(".totals [data-fen='{his}']")).await;
    bob.press("nav [href='#chat']").await;
    bob.reads(&bubble(&packet), "领到").await;
    is_content(&alice).await;
    is_content(&bob).await;
}

#[tokio::test]
async fn a_hostile_greeting_is_text_and_an_exclusive_packet_is_for_one() {
    let scene = Scene::new("hostile");
    let browser = Browser::start("hostile").expect("a browser");
    let [eve, bob] = scene.people(["eve", "bob"]).await;
    let greeting = format!(
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">{}",
        "🧧".repeat(60)
    );
    let packet = eve.give(&Draft::new("lucky", 100, 2, &scene.group()).with("greeting", greeting.clone())).await;
    let exclusive = eve.give(&Draft::to_one(520, &bob.id).with("greeting", greeting.clone())).await;
    let window = enters(&browser, PHONE, &bob.id, &scene.group()).await;
    for id in [&packet, &exclusive] {
        window.find(&bubble(id)).await;
        let shown = window
            .run(
                "return document.querySelector(arguments[0]).textContent",
                vec![json!(format!("[data-packet='{id}'] .words b"))],
            )
            .await;
        assert_eq!(shown, json!(greeting));
    }
    window.reads(&bubble(&exclusive), "给你的").await;
    opens(&window, &packet).await;
    window.find(".details .amount").await;
    let shown = window.run("return document.querySelector('.details .greeting').textContent", vec![]).await;
    assert_eq!(shown, json!(greeting));
    let title = window.run("return document.title", vec![]).await;
    assert!(!title.as_str().unwrap_or_default().contains("owned"), "{title}");
    assert_eq!((window.count("body script").await, window.count("img").await), (0, 0));
    is_content(&window).await;
}

/// Also what the README shows: a group on a good evening.
#[tokio::test]
async fn an_evening_in_pictures() {
    let scene = Scene::new("evening");
    let browser = Browser::start("evening").expect("a browser");
    let people = ["us_carol", "us_dave", "us_erin", "us_frank", "us_grace"];
    let mut guests = Vec::new();
    for user in people {
        let body = json!({"user": user, "groups": ["g_demo"]});
        let login =
            scene.call(hongbao_client::Method::POST, "/v1/dev/login").json(&body).send().await.expect("a login");
        guests.push(scene.bearer(user, login.json()["token"].as_str().expect("a token")));
    }
    let done = guests[1]
        .give(&Draft::new("lucky", 8_888, 3, "g_demo").with("greeting", "马到成功 🐴").with("cover", "zodiac"))
        .await;
    for guest in &guests[2..] {
        guest.take(&done).await;
    }
    let in_ten_minutes = hongbao_tests::draft::in_ms(std::time::Duration::from_secs(600));
    let rain = Draft::new("lucky", 20_000, 20, "g_demo").with("greeting", "零点红包雨 🏮").with("cover", "lantern");
    guests[3].give(&rain.with("starts_at_ms", in_ten_minutes)).await;
    guests[2]
        .give(
            &Draft::new("equal", 5_200, 10, "g_demo")
                .with("greeting", "年年有余")
                .with("cover", "koi")
                .with("password", "芝麻开门"),
        )
        .await;

    let alice = browser.window(PHONE, "zh-CN", scene.stack.base_url()).await.expect("a window");
    alice.find(".person").await;
    alice.picture("login").await.expect("a picture");
    alice.press("[data-user='us_alice']").await;
    let packet = {
        alice.press(".chat footer button").await;
        alice.write("#amount", "66.66").await;
        alice.write("#greeting", "新年快乐，万事如意 🎉").await;
        alice.press(".choose-cover [data-value='peony']").await;
        alice.reads(".send .verdict", "余额").await;
        alice.picture("send").await.expect("a picture");
        alice.press(".send > .primary").await;
        alice.loses(".send-dialog").await;
        let id = alice.run("return document.querySelector('.message:last-child').dataset.packet", vec![]).await;
        id.as_str().expect("an id").to_owned()
    };
    let bob = enters(&browser, PHONE, "us_bob", "g_demo").await;
    bob.find(&bubble(&packet)).await;
    bob.picture("chat").await.expect("a picture");
    bob.press(&bubble(&packet)).await;
    bob.find(".front .coin").await;
    bob.picture("envelope").await.expect("a picture");
    bob.press(".front .coin").await;
    amount(&bob).await;
    for guest in &guests[..4] {
        guest.take(&packet).await;
    }
    bob.find(".shares .best").await;
    bob.find(".verify").await;
    bob.reads(".settling", "已存入钱包").await;
    bob.picture("shares").await.expect("a picture");
    bob.press(".verify").await;
    bob.find(".luck svg").await;
    bob.run("document.querySelector('.luck').scrollIntoView({block: 'end'})", vec![]).await;
    bob.picture("verify").await.expect("a picture");
    bob.press(".close").await;
    bob.press("nav [href='#wallet']").await;
    bob.find(".postings li").await;
    bob.picture("wallet").await.expect("a picture");

    let desk = enters(&browser, DESK, "us_heidi", "g_demo").await;
    desk.find(&bubble(&packet)).await;
    desk.picture("desktop").await.expect("a picture");
    is_content(&alice).await;
    is_content(&bob).await;
    is_content(&desk).await;
}
