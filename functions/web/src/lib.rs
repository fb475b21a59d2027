//! What people and operators look at: the page, the console, the description of the API. And the answer to every
//! path that nothing else answers.
//!
//! **Invariant:** nothing here knows a secret or a person: all that is served is public and the same for everybody.
//! Pages bring no script or style of their own, and may ask nobody but this application.

use hongbao_core::Error;
use hongbao_spin::http::{refuse, respond};
use hongbao_spin::wasip3::exports::http::handler::Guest;
use hongbao_spin::wasip3::http::types::{ErrorCode, Method, Request, Response};

/// Something to serve.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    /// Its entity tag, quotes included.
    tag: &'static str,
    bytes: &'static [u8],
}

// `VERSION` and `ASSETS`, made by build.rs.
include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What a page may do. `wasm-unsafe-eval` lets it compile WebAssembly (the checks of a packet), and no JavaScript text.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// For what is named by its content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For what may change: kept, and asked after each time.
const ASK_AGAIN: &str = "no-cache";

struct Component;
hongbao_spin::wasip3::http::service::export!(Component);

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        Ok(serve(&request).unwrap_or_else(|error| refuse(&error)))
    }
}

fn serve(request: &Request) -> Result<Response, Error> {
    let target = request.get_path_with_query().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let (asset, keep) = find(path).ok_or(Error::NotFound)?;
    // The host leaves out the body of an answer to HEAD.
    if !matches!(request.get_method(), Method::Get | Method::Head) {
        return Err(Error::MethodNotAllowed("GET, HEAD".to_owned()));
    }
    let known = request.get_headers().get("if-none-match");
    let is_known = known.iter().any(|tags| String::from_utf8_lossy(tags).contains(asset.tag));
    let mut headers = vec![
        ("content-type", asset.content_type),
        ("cache-control", keep),
        ("etag", asset.tag),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ];
    if asset.content_type.starts_with("text/html") {
        headers.extend([
            ("content-security-policy", POLICY),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ]);
    }
    let (status, body) = if is_known { (304, &[][..]) } else { (200, asset.bytes) };
    Ok(respond(status, &headers, body.to_vec()))
}

/// What is at `path`, and how long it may be kept.
fn find(path: &str) -> Option<(&'static Asset, &'static str)> {
    let named = |name: &str| ASSETS.iter().find(|asset| asset.name == name);
    match path {
        "/" => Some((named("index.html")?, ASK_AGAIN)),
        "/console" => Some((named("console.html")?, ASK_AGAIN)),
        "/docs" => Some((named("docs.html")?, ASK_AGAIN)),
        "/openapi.json" => Some((named("openapi.json")?, ASK_AGAIN)),
        _ => {
            // A page of an older version asks for that version's; this one's is the best there is.
            let (version, name) = path.strip_prefix("/assets/")?.split_once('/')?;
            let keep = if version == VERSION { FOR_EVER } else { ASK_AGAIN };
            Some((named(name).filter(|asset| !asset.name.ends_with(".html"))?, keep))
        }
    }
}
