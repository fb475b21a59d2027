//! The WebAssembly engine: its settings, its linker, and components compiled for it.

use std::path::Path;

use anyhow::{Context, Result};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::guest::Guest;
use crate::interfaces;
use crate::options::Instances;

/// The most linear memory that one instance may have.
const MEMORY_LIMIT_BYTES: usize = 256 << 20;
/// What stays mapped of a returned instance's memory: a fresh instance then needs few page faults.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;
/// More core instances, tables and stacks than component instances: one component has several.
const PARTS_PER_INSTANCE: u32 = 4;

/// Makes the engine. Compiled code is kept in `cache_dir` under a key of its content and the engine's
/// version and settings; wasmtime verifies it, so that no `unsafe` is needed here.
///
/// # Errors
///
/// Occurs when the folder cannot be made or the address space is too small for the pool.
pub(crate) fn engine(cache_dir: &Path, limits: &Instances) -> Result<Engine> {
    let mut cache = CacheConfig::new();
    std::fs::create_dir_all(cache_dir).with_context(|| format!("cannot make {}", cache_dir.display()))?;
    cache.with_directory(cache_dir.canonicalize()?);

    let mut pool = PoolingAllocationConfig::default();
    let count = limits.max_count;
    pool.total_component_instances(count)
        .total_memories(count)
        .total_core_instances(count.saturating_mul(PARTS_PER_INSTANCE))
        .total_tables(count.saturating_mul(PARTS_PER_INSTANCE))
        .total_stacks(count.saturating_mul(PARTS_PER_INSTANCE))
        .max_memory_size(MEMORY_LIMIT_BYTES)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES);

    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .cache(Some(Cache::new(cache)?))
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        // Lets a time limit end a loop that never waits; it costs a few per cent, so only on demand.
        .epoch_interruption(limits.request_timeout.is_some());
    Engine::new(&config)
        .map_err(anyhow::Error::from)
        .context("cannot start the WebAssembly engine (too little address space? then fewer instances)")
}

/// All that a component may import: WASI 0.2 and 0.3, `wasi:http` 0.3, and Spin's interfaces.
///
/// # Errors
///
/// Occurs never, unless an interface were added twice.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    interfaces::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Compiles the component at `source`, or finds it in the cache, and resolves its imports.
///
/// # Errors
///
/// Occurs when the file cannot be read, is no component, or imports what the linker lacks; the message
/// names the import.
pub(crate) fn load(linker: &Linker<Guest>, source: &Path) -> Result<InstancePre<Guest>> {
    let code =
        std::fs::read(source).with_context(|| format!("cannot read {} (has it been built?)", source.display()))?;
    let component = Component::new(linker.engine(), code)?;
    Ok(linker.instantiate_pre(&component)?)
}
