//! One person's window.

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use hongbao_tests::until;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// What a window looks like.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Small, dense and touched.
    pub is_phone: bool,
}

/// A phone.
pub const PHONE: Screen = Screen { width: 390, height: 844, is_phone: true };
/// A phone of the smallest kind that is still sold.
pub const SMALL_PHONE: Screen = Screen { width: 320, height: 568, is_phone: true };
/// [`PHONE`] for somebody who reads at 200 %.
pub const ZOOMED_PHONE: Screen = Screen { width: 195, height: 422, is_phone: true };
/// A desk.
pub const DESK: Screen = Screen { width: 1280, height: 860, is_phone: false };

/// A window. Every look waits until there is something to see.
pub struct Window {
    client: Client,
    screen: Screen,
}

impl Window {
    pub(crate) const fn new(client: Client, screen: Screen) -> Self {
        Self { client, screen }
    }

    /// The element, once it is there and can be seen.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn find(&self, css: &str) -> Element {
        until(&format!("{css} is to be seen"), || async {
            let found = self.client.find(Locator::Css(css)).await.ok()?;
            found.is_displayed().await.ok()?.then_some(found)
        })
        .await
    }

    /// Presses the element, once it is there and nothing covers it.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn press(&self, css: &str) {
        until(&format!("{css} can be pressed"), || async {
            let found = self.client.find(Locator::Css(css)).await.ok()?;
            // As a person scrolls: not just to the edge, where a bar may lie over it.
            let place = serde_json::to_value(&found).ok()?;
            self.client.execute("arguments[0].scrollIntoView({block: 'center'})", vec![place]).await.ok()?;
            found.click().await.ok()
        })
        .await;
    }

    /// Writes into a field, in place of what it held.
    ///
    /// # Panics
    /// When there is no such field.
    pub async fn write(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        // Not by keys: the driver has none for what is beyond the basic plane, such as most pictures.
        let set = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))";
        let field = serde_json::to_value(&field).expect("an element has a reference");
        self.run(set, vec![field, json!(text)]).await;
    }

    /// Strikes keys, wherever the focus is.
    ///
    /// # Panics
    /// When nothing has the focus.
    pub async fn strike(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("keys can be struck");
    }

    /// The element's text, once it is there.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap_or_default()
    }

    /// Waits until the element's text contains `part`.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn reads(&self, css: &str, part: &str) -> String {
        until(&format!("{css} reads {part}"), || async {
            let found = self.client.find(Locator::Css(css)).await.ok()?;
            found.text().await.ok().filter(|text| text.contains(part))
        })
        .await
    }

    /// Waits until there is no such element.
    ///
    /// # Panics
    /// When it stays.
    pub async fn loses(&self, css: &str) {
        let is_gone = || async { self.count(css).await.eq(&0).then_some(()) };
        until(&format!("{css} goes away"), is_gone).await;
    }

    /// How many such elements there are now.
    ///
    /// # Panics
    /// When the browser does not answer.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.expect("the browser answers").len()
    }

    /// What a script answers.
    ///
    /// # Panics
    /// When it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.client.execute(script, arguments).await;
        answer.unwrap_or_else(|error| panic!("{}: {error}", &script[..script.len().min(200)]))
    }

    /// What a script gives to its callback, the last of its arguments.
    ///
    /// # Panics
    /// When it throws or takes too long.
    pub async fn run_to_end(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Goes to another address.
    ///
    /// # Panics
    /// When it does not load.
    pub async fn go(&self, address: &str) {
        self.client.goto(address).await.expect("the page loads");
    }

    /// Goes back in the window's history.
    ///
    /// # Panics
    /// When the browser does not do it.
    pub async fn back(&self) {
        self.client.back().await.expect("there is something to go back to");
    }

    /// What is wider than the window or its place in it: a line each.
    ///
    /// # Panics
    /// When the browser does not tell.
    pub async fn too_wide(&self) -> Vec<String> {
        self.still().await;
        let found = self.run(include_str!("width.js"), vec![]).await;
        found.as_array().expect("a list").iter().map(ToString::to_string).collect()
    }

    /// Lets the page believe that somebody looks at it, or that nobody does.
    ///
    /// # Panics
    /// When the browser does not do it.
    pub async fn set_hidden(&self, hidden: bool) {
        let set = "Object.defineProperty(document, 'hidden', {configurable: true, value: arguments[0]}); \
            document.dispatchEvent(new Event('visibilitychange'))";
        self.run(set, vec![json!(hidden)]).await;
    }

    /// A command of the DevTools protocol.
    ///
    /// # Errors
    /// Occurs when the browser refuses it.
    pub async fn tools(&self, command: &str, parameters: Value) -> Result<Value> {
        self.command("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// Cuts the window off from the network, or connects it again.
    ///
    /// # Panics
    /// When the browser does not do it.
    pub async fn set_offline(&self, offline: bool) {
        let conditions = json!({"offline": offline, "latency": 0, "download_throughput": -1, "upload_throughput": -1});
        let body = json!({"network_conditions": conditions});
        self.command("chromium/network_conditions", body).await.expect("the network's conditions can be set");
    }

    /// Waits until nothing moves any more but what moves for ever: an animation is many pictures, and sizes.
    ///
    /// # Panics
    /// When the browser does not tell.
    pub async fn still(&self) {
        let settled = "const [done] = arguments; Promise.allSettled(document.getAnimations().filter((one) => \
            one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished)).then(() => done())";
        self.run_to_end(settled, vec![]).await;
    }

    /// Keeps a picture as `target/screenshots/<name>.jpg` (or in the folder `HONGBAO_SCREENSHOTS`).
    ///
    /// # Errors
    /// Occurs when the browser makes none or it cannot be written.
    pub async fn picture(&self, name: &str) -> Result<PathBuf> {
        self.still().await;
        let quality = if self.screen.is_phone { 72 } else { 82 };
        let answer = self.tools("Page.captureScreenshot", json!({"format": "jpeg", "quality": quality})).await?;
        let data = answer["data"].as_str().context("a picture without data")?;
        let bytes = Base64::decode_vec(data).map_err(|error| anyhow::anyhow!("a picture: {error}"))?;
        let folder = match std::env::var_os("HONGBAO_SCREENSHOTS") {
            Some(folder) => hongbao_stack::project_root()?.join(folder),
            None => hongbao_stack::project_root()?.join("target/screenshots"),
        };
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.jpg"));
        fs::write(&path, bytes)?;
        Ok(path)
    }

    /// What went wrong in the page so far: scripts that threw, rules of the content policy that were broken. An
    /// answer with an error's status is none: pages ask for what may be refused.
    ///
    /// # Panics
    /// When the browser does not tell.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.command("se/log", json!({"type": "browser"})).await.expect("the browser tells its log");
        let entries = log.as_array().cloned().unwrap_or_default();
        let is_fault = |entry: &&Value| entry["level"] == "SEVERE" && entry["source"] != "network";
        entries.iter().filter(is_fault).map(ToString::to_string).collect()
    }

    async fn command(&self, path: &'static str, body: Value) -> Result<Value> {
        Ok(self.client.issue_cmd(Extra { path, body }).await?)
    }
}

/// A command of chromedriver's own.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
