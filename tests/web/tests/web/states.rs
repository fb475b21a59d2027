//! What a packet may say: too late, over, not yet, in a moment, wrong word. Each in its own words.

use std::time::Duration;

use hongbao_tests::draft::in_ms;
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::{Draft, Scene};
use hongbao_web::{Browser, PHONE};

use crate::people::{amount, bubble, enters, is_content, opens};

#[tokio::test]
async fn sold_out_is_not_expired_and_neither_is_not_yet() {
    let scene = Scene::new("states");
    let browser = Browser::start("states").expect("a browser");
    let [alice, bob, carol] = scene.people(["alice", "bob", "carol"]).await;
    let sold_out = alice.give(&Draft::new("lucky", 500, 2, &scene.group())).await;
    let expired = alice.give(&Draft::new("equal", 400, 4, &scene.group()).for_seconds(1)).await;
    let soon = Draft::new("lucky", 300, 3, &scene.group()).with("starts_at_ms", in_ms(Duration::from_secs(20)));
    let scheduled = alice.give(&soon).await;
    let word = alice.give(&Draft::new("lucky", 300, 3, &scene.group()).with("password", "芝麻")).await;
    bob.take(&sold_out).await;
    carol.grab(&sold_out).await; // And never opened: nothing is left to grab all the same.
    alice.sees_it_become(&expired, "expired").await;

    let dave = enters(&browser, PHONE, &scene.id("dave"), &scene.group()).await;
    dave.reads(&bubble(&scheduled), "后开抢").await;
    dave.press(&bubble(&scheduled)).await;
    dave.reads(".front .say", "后开抢").await;
    // The coin comes to life by itself when it is time.
    dave.press(".front .coin:not(:disabled)").await;
    assert!(amount(&dave).await > 0);
    dave.press(".close").await;

    opens(&dave, &sold_out).await;
    dave.reads(".front .say", "手慢了").await;
    dave.picture("sold-out").await.expect("a picture");
    dave.press(".close").await;
    dave.reads(&bubble(&sold_out), "已被领完").await;

    dave.reads(&bubble(&expired), "已过期").await;
    dave.press(&bubble(&expired)).await;
    let said = dave.reads(".front .say", "已过期").await;
    assert!(said.contains("¥4.00 已退回"), "{said}");
    dave.picture("expired").await.expect("a picture");
    dave.press(".close").await;

    dave.press(&bubble(&word)).await;
    dave.write(".front #password", "开门").await;
    dave.press(".front .coin").await;
    dave.reads(".front .say", "口令不对").await;
    dave.write(".front #password", "芝麻").await;
    dave.press(".front .coin").await;
    assert!(amount(&dave).await > 0);
    is_content(&dave).await;
}

#[tokio::test]
async fn a_share_is_opened_when_the_network_is_back() {
    let scene = Scene::new("offline");
    let browser = Browser::start("offline").expect("a browser");
    let alice = scene.person("alice").await;
    let packet = alice.give(&Draft::new("equal", 400, 2, &scene.group())).await;
    let bob = enters(&browser, PHONE, &scene.id("bob"), &scene.group()).await;
    bob.press(&bubble(&packet)).await;
    bob.find(".front .coin").await;
    bob.set_offline(true).await;
    bob.press(".front .coin").await;
    bob.reads(".front .say", "网络断了").await;
    bob.reads(".connection", "连接中断").await;
    bob.set_offline(false).await;
    assert_eq!(amount(&bob).await, 200, "by itself, without another tap");
    bob.press(".close").await;
    bob.reads(&bubble(&packet), "领到").await;
    let is_calm = || async { bob.count(".connection:empty").await.eq(&1).then_some(()) };
    hongbao_tests::until("the alarm is over", is_calm).await;
    is_content(&bob).await;
}

#[tokio::test]
async fn the_form_says_what_is_wrong_where_it_is_wrong() {
    let scene = Scene::new("form");
    let browser = Browser::start("form").expect("a browser");
    let window = enters(&browser, PHONE, &scene.id("alice"), &scene.group()).await;
    window.press(".chat footer button").await;
    window.write("#amount", "1000.01").await;
    window.write("#count", "100").await;
    window.reads("#amount-problem", "余额不够").await;
    window.write("#count", "2").await;
    window.reads("#amount-problem", "平均每个最多 ¥200").await;
    window.write("#amount", "2").await;
    window.write("#count", "101").await;
    window.reads("#count-problem", "最多 100 个").await;
    window.write("#count", "2").await;
    let said = window.reads(".send .verdict", "发后余额").await;
    let left = format!("{}.00", (PURSE_FEN / 100 - 2).to_string().trim());
    assert!(said.replace(',', "").contains(&left), "{said}");
    window.press(".choose-kind [data-value='exclusive']").await;
    window.write("#to", &scene.id("bob")[3..]).await;
    window.reads(".send .verdict", "发后余额").await;
    window.press(".send > .primary").await;
    window.loses(".send-dialog").await;
    window.reads(".message:last-child .packet", "给").await;
    is_content(&window).await;
}
