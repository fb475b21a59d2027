//! Makes what the component serves: the checks of a packet compiled for the browser, the description of the contract
//! from the core's table and types, and one table of all assets.
//!
//! The browser's code is compiled here and not by a step before, so that `cargo build`, `spin build` and
//! `cargo xtask build` do the same; wasm-bindgen is a library here, since its command-line tool is not on crates.io
//! as a program that every machine has.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hongbao_core::split::hex;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

/// The most that a page and everything it can come to load may weigh together, in bytes.
const SIZE_MAX: usize = 200 * 1024;
const EXAMPLES: &str = "../../shared/core/examples.json";
const BROWSER: &str = "../../shared/browser";

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in ["build.rs", "assets", "../../Cargo.lock", "../../shared/core/src", EXAMPLES] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-changed={BROWSER}/src");
    let mut assets = read(Path::new("assets"))?;
    assets.extend(read(&bindings(&out)?)?);
    for page in assets.keys().filter(|name| name.ends_with(".html")) {
        let size: usize = reached(page, &assets)?.iter().filter_map(|name| assets.get(name)).map(Vec::len).sum();
        ensure!(size <= SIZE_MAX, "{page} and what it loads weigh {size} bytes, more than {SIZE_MAX}");
    }
    // Nobody loads it but who reads about the API, so it is not what pages weigh.
    let examples = fs::read_to_string(EXAMPLES).context("cannot read the examples")?;
    let document =
        hongbao_core::api::document(&examples).map_err(|fault| anyhow!("openapi.json cannot be made: {fault}"))?;
    assets.insert("openapi.json".to_owned(), serde_json::to_vec(&document)?);
    fs::write(out.join("assets.rs"), table(&assets, &out)?)?;
    Ok(())
}

/// Compiles `shared/browser` and makes the JavaScript that goes with it; answers their folder.
fn bindings(out: &Path) -> Result<PathBuf> {
    let target = out.join("browser");
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.args(["build", "--profile", "component", "--target", "wasm32-unknown-unknown"]);
    // It is loaded over a network before it runs once: small is fast, also where components are built in a hurry.
    for setting in ["opt-level='z'", "lto='fat'", "codegen-units=1"] {
        cargo.args(["--config", &format!("profile.component.{setting}")]);
    }
    cargo.arg("--manifest-path").arg(Path::new(BROWSER).join("Cargo.toml")).arg("--target-dir").arg(&target);
    // What was chosen for the components is not meant for the browser.
    for inherited in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(inherited);
    }
    let output = cargo.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("shared/browser does not compile:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let made = out.join("bindings");
    let _ = fs::remove_dir_all(&made); // What an older version of it made must not stay.
    Bindgen::new()
        .input_path(target.join("wasm32-unknown-unknown/component/hongbao_browser.wasm"))
        .out_name("fairness")
        .web(true)?
        .omit_default_module_path(false)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&made)?;
    Ok(made)
}

fn read(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let asset = |entry: fs::DirEntry| Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
    entries.flatten().map(asset).collect()
}

/// The table of assets as Rust. Pages get the address of the others, which changes with any of them and so can be
/// kept by browsers for ever.
fn table(assets: &BTreeMap<String, Vec<u8>>, out: &Path) -> Result<String> {
    let mut all = Sha256::new();
    for (name, bytes) in assets {
        all.update(name);
        all.update(u64::try_from(bytes.len())?.to_be_bytes());
        all.update(bytes);
    }
    let version = hex(&all.finalize())[..16].to_owned();
    let folder = out.join("served");
    fs::create_dir_all(&folder)?;
    let mut table = format!("const VERSION: &str = {version:?};\nconst ASSETS: &[Asset] = &[\n");
    for (name, bytes) in assets {
        let path = folder.join(name);
        let bytes = match name.strip_suffix(".html") {
            Some(_) => page(std::str::from_utf8(bytes)?, &version, assets)?.into_bytes(),
            None => bytes.clone(),
        };
        fs::write(&path, &bytes)?;
        let (kind, tag) = (content_type(name)?, &hex(&Sha256::digest(&bytes))[..16]);
        writeln!(table, "    Asset {{ name: {name:?}, content_type: {kind:?}, tag: \"\\\"{tag}\\\"\",")?;
        writeln!(table, "        bytes: include_bytes!({path:?}) }},")?;
    }
    table.push_str("];\n");
    Ok(table)
}

fn content_type(name: &str) -> Result<&'static str> {
    Ok(match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        _ => bail!("{name}: an asset of an unknown type"),
    })
}

/// A page with `{{assets}}` for the others' address, and `{{modules NAME}}` for all that the module needs at once:
/// without it a browser finds them one import after another.
fn page(text: &str, version: &str, assets: &BTreeMap<String, Vec<u8>>) -> Result<String> {
    let (start, rest) = text.split_once("{{modules ").context("a page without modules")?;
    let (entry, end) = rest.split_once("}}").context("modules without an end")?;
    let mut needed = vec![entry.to_owned()];
    let mut next = 0;
    while let Some(module) = needed.get(next) {
        let code = assets.get(module).with_context(|| format!("there is no {module}"))?;
        for import in imports(std::str::from_utf8(code)?) {
            if !needed.contains(&import) {
                needed.push(import);
            }
        }
        next += 1;
    }
    let links: Vec<_> =
        needed.iter().map(|module| format!("<link rel=\"modulepreload\" href=\"{{{{assets}}}}/{module}\">")).collect();
    Ok(format!("{start}{}{end}", links.join("\n")).replace("{{assets}}", &format!("/assets/{version}")))
}

/// The names of everything that `page` can come to load: every asset whose name stands in one that is loaded.
fn reached(page: &str, assets: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>> {
    let mut reached = vec![page.to_owned()];
    let mut next = 0;
    while let Some(name) = reached.get(next).cloned() {
        next += 1;
        let Some(bytes) = assets.get(&name).filter(|_| !name.ends_with(".wasm")) else { continue };
        let text = std::str::from_utf8(bytes)?;
        let is_named =
            |other: &&String| ['/', ' ', '\'', '"'].iter().any(|before| text.contains(&format!("{before}{other}")));
        let more: Vec<_> = assets.keys().filter(is_named).filter(|other| !reached.contains(other)).cloned().collect();
        reached.extend(more);
    }
    Ok(reached)
}

/// The modules that a module imports before it runs.
fn imports(code: &str) -> Vec<String> {
    let sources = code.lines().filter(|line| line.starts_with("import ") || line.starts_with("} from "));
    sources.filter_map(|line| Some(line.split_once("'./")?.1.split_once('\'')?.0.to_owned())).collect()
}
