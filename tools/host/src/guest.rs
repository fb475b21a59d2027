//! What one instance of a component carries in its store, and what all instances of it share.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use http::HeaderName;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView,
};

use crate::faults::{Faults, HostCall, Moment, ShiftedClock, Verdict};
use crate::interfaces::postgres::Pools;
use crate::stdio::LogLines;
use hongbao_outbound::AllowedHosts;

/// A component as all of its instances see it.
pub(crate) struct ComponentContext {
    pub(crate) id: String,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) allowed_hosts: AllowedHosts,
    /// The default database's file, if the component may open it.
    pub(crate) sqlite_file: Option<PathBuf>,
    pub(crate) postgres: Pools,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    pub(crate) clock_offset_ms: Option<Arc<AtomicI64>>,
    /// How many host calls have begun, for [`HostCall::number`].
    pub(crate) calls: AtomicU64,
}

impl ComponentContext {
    /// Runs the host call `work` unless a fault says otherwise. `injected` makes the interface's error.
    ///
    /// # Errors
    ///
    /// The outer error occurs when a fault asks for a trap; it ends the instance.
    pub(crate) async fn call<T, E>(
        &self,
        function: &'static str,
        injected: impl FnOnce() -> E,
        work: impl Future<Output = Result<T, E>>,
    ) -> wasmtime::Result<Result<T, E>> {
        let Some(faults) = &self.faults else { return Ok(work.await) };
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let decide = |moment| {
            let verdict = faults.decide(&HostCall { component: &self.id, number, function, moment });
            if verdict == Verdict::Trap {
                wasmtime::bail!("injected trap {moment:?} call {number}, {function}");
            }
            Ok(verdict == Verdict::Fail)
        };
        if decide(Moment::Before)? {
            return Ok(Err(injected()));
        }
        let result = work.await;
        if decide(Moment::After)? {
            return Ok(Err(injected()));
        }
        Ok(result)
    }
}

/// The data of one instance's store.
pub(crate) struct Guest {
    pub(crate) component: Arc<ComponentContext>,
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoOutboundHttp,
}

impl Guest {
    /// A store for a new instance of `component`.
    pub(crate) fn store(engine: &Engine, component: &Arc<ComponentContext>) -> Store<Self> {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(LogLines::new(component)).stderr(LogLines::new(component)).envs(&component.environment);
        if let Some(offset_ms) = &component.clock_offset_ms {
            wasi.wall_clock(ShiftedClock { offset_ms: Arc::clone(offset_ms) });
        }
        let guest = Self {
            component: Arc::clone(component),
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: NoOutboundHttp,
        };
        Store::new(engine, guest)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Outbound HTTP, refused: this application calls nobody, and no manifest entry can allow it here.
struct NoOutboundHttp;

type Sending = dyn Future<Output = Result<(), wasmtime_wasi_http::Error>> + Send;
type Answer = (http::Response<WasiBody>, Box<Sending>);

/// The filter below, made once: the default makes one for every header of every request.
static FORBIDDEN_HEADERS: LazyLock<ForbiddenHeaderFilter> =
    LazyLock::new(|| Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)));

impl WasiHttpHooks for NoOutboundHttp {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        DEFAULT_FORBIDDEN_HEADERS.contains(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::clone(&FORBIDDEN_HEADERS)
    }

    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Box<Sending>,
    ) -> Box<dyn Future<Output = Result<Answer, wasmtime_wasi_http::Error>> + Send> {
        Box::new(async { Err(wasmtime_wasi_http::Error::HttpRequestDenied) })
    }
}
