//! What the browser gets: pages that bring nothing of others and can be framed by nobody, and our own "not found".

use hongbao_client::{Answer, Method};
use hongbao_tests::{Reply, Scene};

const PAGES: [&str; 3] = ["/", "/console", "/docs"];

async fn get(scene: &Scene<'_>, path: &str) -> Answer {
    scene.call(Method::GET, path).send().await.unwrap_or_else(|failure| panic!("{path}: {failure}"))
}

/// The addresses that a page loads.
fn loaded(page: &str) -> Vec<String> {
    let addresses = page.split(['"', '\'']).filter(|text| text.starts_with('/') || text.contains("://"));
    addresses.map(str::to_owned).collect()
}

#[tokio::test]
async fn pages_are_guarded_against_script_frames_and_sniffing() {
    let scene = Scene::new("pages-guarded");
    for path in PAGES {
        let page = get(&scene, path).await;
        assert_eq!(
            (page.status.as_u16(), page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let policy = page.header("content-security-policy").expect("a policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");
        for (name, value) in
            [("x-frame-options", "DENY"), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
        {
            assert_eq!(page.header(name), Some(value), "{path}: {name}");
        }
        let text = page.text();
        assert!(!text.contains(" style=") && !text.contains(" on") || !text.contains("onclick="), "{path}: inline");
        let scripts = text.split("<script").skip(1);
        assert!(
            scripts.clone().count() > 0 && scripts.clone().all(|script| script.contains("src=\"/assets/")),
            "{path}: inline script"
        );
    }
}

#[tokio::test]
async fn everything_a_page_loads_is_here_kept_for_ever_and_small() {
    let scene = Scene::new("pages-assets");
    for path in PAGES {
        let page = get(&scene, path).await;
        let mut all = std::collections::BTreeMap::from([(path.to_owned(), page.body.len())]);
        for address in loaded(&page.text()) {
            assert!(address.starts_with("/assets/"), "{path} loads {address}");
            let asset = get(&scene, &address).await;
            assert_eq!(asset.status.as_u16(), 200, "{path} loads {address}");
            assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"), "{address}");
            let kind = asset.header("content-type").expect("a type").to_owned();
            let wanted = match address.rsplit('.').next() {
                Some("js") => "text/javascript",
                Some("css") => "text/css",
                Some("svg") => "image/svg+xml",
                other => panic!("{address}: {other:?}"),
            };
            assert!(kind.starts_with(wanted), "{address}: {kind}");
            all.insert(address, asset.body.len());
        }
        // The page of people loads the proof when somebody asks for it.
        let folder =
            all.keys().find_map(|address| Some(address.strip_suffix("/base.css")?.to_owned())).expect("assets");
        for name in ["verify.js", "fairness.js", "fairness_bg.wasm"].into_iter().filter(|_| path == "/") {
            let address = format!("{folder}/{name}");
            all.insert(address.clone(), get(&scene, &address).await.body.len());
        }
        let size: usize = all.values().sum();
        assert!(size < 200 * 1024 && all.len() > 3, "{path}: {size} bytes: {all:?}");
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let scene = Scene::new("pages-kept");
    for path in ["/", "/openapi.json"] {
        let first = get(&scene, path).await;
        let tag = first.header("etag").expect("a tag").to_owned();
        let again =
            scene.call(Method::GET, path).header("if-none-match", tag.as_bytes()).send().await.expect("an answer");
        assert_eq!(
            (again.status.as_u16(), again.body.len(), again.header("etag")),
            (304, 0, Some(tag.as_str())),
            "{path}"
        );
        let other =
            scene.call(Method::GET, path).header("if-none-match", b"\"other\"").send().await.expect("an answer");
        assert_eq!((other.status.as_u16(), other.body), (200, first.body), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_nothing_serves_is_our_own_not_found() {
    let scene = Scene::new("pages-lost");
    for path in [
        "/nothing",
        "/v1",
        "/v1/wrapped",
        "/v1/packets/x/y",
        "/assets/x/nothing.js",
        "/assets/x/index.html",
        "/%2e%2e/etc",
        "/v1/groups/g_x",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = scene.call(method.clone(), path).send().await;
            Reply::checked(&format!("{method} {path}"), answer).refused(404, "not_found", None);
        }
    }
    let answer = scene.call(Method::POST, "/").send().await;
    Reply::checked("POST /", answer).refused(405, "method_not_allowed", None);
}
