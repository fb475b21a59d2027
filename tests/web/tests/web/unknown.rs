//! While a store is away, what nobody can tell is a dash: no view prints a word of the program's.

use hongbao_stack::{Database, Postgres, Stack, StackOptions};
use hongbao_tests::person::PURSE_FEN;
use hongbao_tests::stage::start;
use hongbao_tests::{Draft, Scene, until};
use hongbao_web::{Browser, DESK, PHONE, Window};
use serde_json::{Value, json};

use crate::operator::{ACTS, operates};
use crate::people::{bubble, comes, is_content, opens};

/// Everything that a view says, its fields and titles included, with such a word in it.
async fn is_plain(window: &Window, what: &str) {
    let script = "const words = /\\b(null|undefined|NaN|Infinity)\\b|\\[object /; const said = []; \
        for (const node of document.querySelectorAll('body *')) { \
            said.push(...[...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data)); \
            said.push(...[...node.attributes].map((one) => one.value), node.value ?? ''); \
        } \
        return said.filter((text) => words.test(text))";
    assert_eq!(window.run(script, vec![]).await, json!([]), "{what}");
    assert_eq!(window.too_wide().await, Vec::<String>::new(), "{what}");
}

/// The whole console: the board, what is asked for, and each dialog that can be opened.
async fn console_is_plain(desk: &Window, what: &str) {
    is_plain(desk, what).await;
    desk.press("#reconcile button").await;
    desk.find("#reconcile button:not(:disabled)").await;
    desk.find("#reconcile [role='status'] > :is(p, div)").await;
    desk.write("#blocked-user", "us_bot").await;
    desk.press("#blacklist form button").await;
    desk.reads("#blacklist", "Blocked").await;
    for id in ["risk", "audit"] {
        desk.press(&format!("#{id} h2 button")).await;
    }
    is_plain(desk, what).await;
    for (opener, _) in ACTS {
        // Without a store there may be no exception to act on.
        if desk.count(opener).await > 0 {
            desk.press(opener).await;
            desk.find(".act-dialog").await;
            is_plain(desk, &format!("{what}: {opener}")).await;
            desk.press(".close").await;
            desk.loses("dialog").await;
        }
    }
}

/// The dash in a shard's row says why it is one.
async fn has_dash(desk: &Window, place: usize) {
    let css = format!("#shards td:nth-child({place}) abbr[title*='Not known']");
    assert_eq!(desk.text(&css).await, "—");
}

async fn blocks(scene: &Scene<'_>, stack: &Stack) {
    let operator = scene.bearer("operator", &stack.operator_token().expect("a token"));
    let block = operator.call(hongbao_client::Method::PUT, "/v1/admin/blacklist/us_bot");
    assert_eq!(block.json(&json!({"reason": "a bot"})).send().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn without_redis_every_view_says_what_it_knows() {
    let mut stack = start("web-no-redis", |_| {});
    let browser = Browser::start("no-redis").expect("a browser");
    let (desk, phone, packet) = {
        let scene = Scene::on(&stack, "no-redis");
        blocks(&scene, &stack).await;
        let alice = scene.person("alice").await;
        let packet = alice.give(&Draft::new("equal", 100, 1, &scene.group())).await;
        let phone = browser.window(PHONE, "zh-CN", stack.base_url()).await.expect("a window");
        comes(&phone, &scene.id("bob"), &scene.group()).await;
        opens(&phone, &packet).await;
        phone.reads(".settling", "已存入钱包").await;
        phone.press(".close").await;
        (operates(&browser, DESK, &stack).await, phone, packet)
    };
    console_is_plain(&desk, "with both stores").await;
    stack.redis[0].kill();
    desk.reads(".health.bad", "Shards down: #0").await;
    desk.reads("#shards .not-ok", "#0 ✗").await;
    has_dash(&desk, 3).await;
    desk.reads("#shards .missing", "shard 0").await;
    console_is_plain(&desk, "without Redis").await;
    desk.picture("console-without-redis").await.expect("a picture");

    let purse = format!(".wallet [data-fen='{}']", PURSE_FEN + 100);
    for (view, there) in [("wallet", purse.as_str()), ("mine", ".rows li"), ("chat", ".message")] {
        phone.press(&format!("nav [href='#{view}']")).await;
        phone.find(there).await;
        is_plain(&phone, view).await;
    }
    phone.press(&bubble(&packet)).await;
    phone.find(".details .amount").await;
    is_plain(&phone, "a packet").await;
    is_content(&desk).await;
    is_content(&phone).await;
    stack.redis[0].restart().expect("it starts again");
    desk.reads("#shards .ok", "#0 ✓").await;
    until("nothing is missing", || async { (desk.count("#shards abbr").await == 0).then_some(()) }).await;
}

#[tokio::test]
async fn without_sql_the_console_says_what_it_knows() {
    if Postgres::installed().is_none() {
        eprintln!("skipped: PostgreSQL is not installed");
        return;
    }
    let options = |options: &mut StackOptions| (options.database, options.shards) = (Database::Postgres, 2);
    let mut stack = start("web-no-sql", options);
    let browser = Browser::start("no-sql").expect("a browser");
    {
        let scene = Scene::on(&stack, "no-sql");
        blocks(&scene, &stack).await;
    }
    let desk = operates(&browser, DESK, &stack).await;
    stack.postgres.as_mut().expect("a PostgreSQL").kill();
    desk.reads(".health.bad", "The ledger does not answer").await;
    desk.reads("#shards .missing", "ledger").await;
    has_dash(&desk, 2).await;
    console_is_plain(&desk, "without SQL").await;
    desk.picture("console-without-sql").await.expect("a picture");
    let why =
        desk.run("return [...document.querySelectorAll('#blacklist dd')].map((one) => one.innerText)", vec![]).await;
    let why = why.as_array().expect("a list").clone();
    assert_eq!(
        why[2..],
        [json!("—"), json!("—"), json!("—")].map(Value::from),
        "who blocked and why stands in the ledger"
    );
    // And of two shards one as well.
    stack.redis[1].kill();
    desk.reads("#shards .not-ok", "#1 ✗").await;
    console_is_plain(&desk, "without SQL and a shard").await;
    stack.redis[0].kill();
    desk.reads("#shards tr:first-child .not-ok", "#0 ✗").await;
    is_plain(&desk, "without anything").await;
    desk.press("#shards .acts .plain").await;
    desk.press(".act button.primary").await;
    desk.reads("#weight-problem", "0 到 1000").await;
    is_plain(&desk, "a weight that nobody knows").await;
    is_content(&desk).await;
}
