//! The operator at a window.

use hongbao_stack::Stack;
use hongbao_web::{Browser, Screen, Window};

/// The longest reason there is, of one word.
pub(crate) fn longest_reason() -> String {
    "W".repeat(500)
}

/// An operator in front of the console's board.
pub(crate) async fn operates(browser: &Browser, screen: Screen, stack: &Stack) -> Window {
    let address = format!("{}/console", stack.base_url());
    let window = browser.window(screen, "zh-CN", &address).await.expect("a window");
    window.write("#token", &stack.operator_token().expect("a token")).await;
    window.press(".login button").await;
    window.find("[data-figure]").await;
    window.find("#shards tbody td").await;
    window.find("#rules tbody td").await;
    window.find("#ladder .acts").await;
    window.find("[data-switch='sends']").await;
    window
}

/// An entry of the journal that no script wrote: a share that is paid already, once more, for `user`.
pub(crate) fn forges(stack: &Stack, packet: &str, user: &str) {
    let mut redis = redis::Client::open(stack.redis[0].url()).expect("an address").get_connection().expect("Redis");
    let entry = format!("open {packet} 1 0 {user} 1700000000000");
    let added: redis::RedisResult<String> =
        redis::cmd("XADD").arg("hb:{0}:events").arg("*").arg("e").arg(entry).query(&mut redis);
    added.expect("an entry");
}

/// Every dialog that an operator can open on the board, by what opens it, and how its fields are filled in.
pub(crate) const ACTS: &[(&str, &[(&str, &str)])] = &[
    (".exception.open [data-act='retry']", &[]),
    (".exception.open [data-act='compensate']", &[("#amount", "10000000")]),
    (".exception.open [data-act='dismiss']", &[]),
    ("#ladder .acts .danger", &[]),
    ("#rules tbody .plain", &[("#setting", "deny:1000000")]),
    ("#shards .acts .plain", &[("#weight", "1000")]),
    ("#shards .acts .danger", &[]),
    ("[data-switch='sends']", &[]),
    ("#blacklist dl + .plain", &[]),
    ("#deposits button", &[("#deposit-amount", "9999999999.99")]),
];
