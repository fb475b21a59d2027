//! Finds the WIT of Spin's interfaces inside the `spin-sdk` package and writes the bindings request.
//!
//! The interface definitions are not copied into this repository: the SDK's own package is the one
//! source for both the components and this host. `spin-sdk` is a dependency for wasm targets only, so
//! Cargo locks and downloads it without compiling it here, and `cargo metadata` says where it is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The interfaces this host provides and the one export that it calls.
const WORLD: &str = "
    package hongbao:host;
    world platform {
        import spin:redis/redis@3.0.0;
        import spin:postgres/postgres@4.2.0;
        import spin:sqlite/sqlite@3.1.0;
        import spin:variables/variables@3.0.0;
        export spin:redis/inbound-redis@3.0.0;
    }";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    let wit = sdk_directory()?.join("wit");
    ensure!(wit.is_dir(), "spin-sdk has no WIT at {}", wit.display());
    let bindings = format!(
        "wasmtime::component::bindgen!({{
            inline: {WORLD:?},
            path: {wit:?},
            // Every import may trap, so that an injected fault can end an instance.
            imports: {{ default: async | trappable }},
            exports: {{ default: async | store }},
            with: {{
                \"spin:redis/redis.connection\": crate::interfaces::redis::Connection,
                \"spin:postgres/postgres.connection\": crate::interfaces::postgres::Connection,
                \"spin:postgres/postgres.connection-builder\": crate::interfaces::postgres::Builder,
                \"spin:sqlite/sqlite.connection\": crate::interfaces::sqlite::Connection,
            }},
        }});"
    );
    let output = Path::new(&env::var("OUT_DIR")?).join("bindings.rs");
    fs::write(&output, bindings).with_context(|| format!("writing {}", output.display()))
}

/// Where Cargo keeps the source of the locked `spin-sdk`.
fn sdk_directory() -> Result<PathBuf> {
    // The platform filter keeps Cargo from downloading what only other systems need.
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--filter-platform=wasm32-wasip2"])
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()
        .context("running cargo metadata")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata failed: {errors}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let sdk = packages
        .iter()
        .find(|package| package["name"] == "spin-sdk")
        .context("spin-sdk is not among the dependencies")?;
    let manifest = sdk["manifest_path"].as_str().context("spin-sdk has no manifest path")?;
    Ok(Path::new(manifest).parent().context("spin-sdk's manifest has no folder")?.to_owned())
}
