//! The API's documents.

use std::process::Command;

use hongbao_tests::Scene;
use hongbao_web::{Browser, DESK};
use serde_json::Value;

use crate::people::is_content;

#[tokio::test]
async fn every_call_has_a_request_to_copy_that_works() {
    let scene = Scene::new("docs");
    let browser = Browser::start("docs").expect("a browser");
    let desk = browser.window(DESK, "en", &format!("{}/docs", scene.stack.base_url())).await.expect("a window");
    desk.find("#post-v1-dev-login .request").await;
    assert_eq!(desk.count("nav li").await, desk.count(".call .request").await);
    let text = async |call: &str| {
        let script = "return document.querySelector(arguments[0]).textContent";
        let text = desk.run(script, vec![format!("#{call} .request pre").into()]).await;
        text.as_str().expect("a command").to_owned()
    };
    desk.press("#post-v1-dev-login .copy").await;
    desk.reads("#post-v1-dev-login .copy", "ed").await;
    let command = text("post-v1-dev-login").await;
    assert_eq!(desk.run("return getSelection().toString()", vec![]).await, command.as_str());
    let output = Command::new("sh").args(["-c", &command]).output().expect("curl");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{command}: {output:?}"));
    let token = answer["token"].as_str().unwrap_or_else(|| panic!("{command}: {answer}"));
    // With a query, with a body.
    for (call, expected) in [("get-v1-me-packets", "best_luck_count"), ("post-v1-wrap", "quote")] {
        let command = text(call).await;
        let output = Command::new("sh").args(["-c", &command]).env("TOKEN", token).output().expect("curl");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{command}: {output:?}"));
        assert!(!answer[expected].is_null(), "{command}: {answer}");
    }
    is_content(&desk).await;
}
