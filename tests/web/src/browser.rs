//! The browser: `chromedriver` and the Chromium that it starts, both from Debian's packages.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use fantoccini::ClientBuilder;
use fantoccini::wd::Capabilities;
use hongbao_stack::Process;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::{Screen, Window};

/// Far longer than it takes on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A browser of one test's own. Dropping it ends all its windows.
pub struct Browser {
    driver: Process,
    url: String,
}

impl Browser {
    /// Starts it; `name` names its log, `target/tmp/browser-<name>.log`.
    ///
    /// # Errors
    /// Occurs when there is no `chromedriver` on the PATH, or it does not start.
    pub fn start(name: &str) -> Result<Self> {
        let log = hongbao_stack::project_root()?.join("target/tmp").join(format!("browser-{name}.log"));
        // A home of its own: nobody's settings, and nothing left behind in anybody's.
        let home = std::env::temp_dir();
        hongbao_stack::on_free_port(|port| {
            let mut command = Command::new("chromedriver");
            let driver = Process::spawn("chromedriver", command.arg(format!("--port={port}")).env("HOME", &home), &log)
                .context("the browser tests need chromedriver: `cargo xtask setup` installs it")?;
            driver.wait_ready(START_LIMIT, || driver.output().contains("started successfully").then_some(()))?;
            Ok(Self { driver, url: format!("http://127.0.0.1:{port}") })
        })
    }

    /// Opens a window at `address` that nobody else's cookies or storage reach. `language` is what its person reads.
    ///
    /// # Errors
    /// Occurs when Chromium does not start or the page does not load.
    pub async fn window(&self, screen: Screen, language: &str, address: &str) -> Result<Window> {
        self.window_after("", screen, language, address).await
    }

    /// The same, of a browser in which `script` runs before any of a page's own: another clock, or fewer abilities.
    ///
    /// # Errors
    /// Occurs when Chromium does not start or the page does not load.
    pub async fn window_after(&self, script: &str, screen: Screen, language: &str, address: &str) -> Result<Window> {
        let capabilities = capabilities(screen, language);
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&self.url).await;
        let client = client.with_context(|| format!("Chromium does not start; {}", self.driver.output()))?;
        let window = Window::new(client, screen);
        let source = format!("{{ {script}\n }}");
        window.tools("Page.addScriptToEvaluateOnNewDocument", json!({"source": source})).await?;
        window.go(address).await;
        Ok(window)
    }
}

fn capabilities(screen: Screen, language: &str) -> Capabilities {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        // Containers and root have no sandbox; the pages are our own.
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--hide-scrollbars".to_owned(),
        "--no-proxy-server".to_owned(),
        // Windows that nobody looks at go on as if somebody did.
        "--disable-backgrounding-occluded-windows".to_owned(),
        "--disable-renderer-backgrounding".to_owned(),
        format!("--accept-lang={language}"),
        format!("--lang={language}"),
        format!("--window-size={},{}", screen.width, screen.height),
    ];
    arguments.extend(std::env::var("HONGBAO_BROWSER_ARGUMENT"));
    let mut options = json!({"args": arguments});
    if let Some(path) = chromium() {
        options["binary"] = json!(path);
    }
    if screen.is_phone {
        options["mobileEmulation"] = json!({"deviceMetrics": {"width": screen.width, "height": screen.height, "pixelRatio": 2.0, "touch": true}});
    }
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    match wanted {
        Value::Object(wanted) => wanted,
        _ => unreachable!("an object was written"),
    }
}

/// Debian's name for it; elsewhere the driver knows where its browser is.
fn chromium() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join("chromium")).find(|path| path.is_file())
}
