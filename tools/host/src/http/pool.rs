//! The instances of one component: `wasmtime-wasi-http`'s dispatcher reuses each for many requests, some
//! of them at once, and this file tells it how to make one and when to let it go.
//!
//! Requests enter one after the other ([`Turn`]). The dispatcher takes an instance that has just begun a request for
//! busy until that request waits for something, and makes another instance for whatever is queued meanwhile: a burst of
//! thirty requests made fifteen instances, each with connections and memory of its own, where two are enough.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, InstancePre};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyHandler, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::guest::{ComponentContext, Guest};
use crate::options::Instances;
use crate::stop::Stop;
use crate::trap;

/// The instances of a component. Clones share them.
pub(crate) type Pool = ProxyHandler<Recipe>;

/// How to make an instance.
pub(crate) struct Recipe {
    engine: Engine,
    pre: ProxyPre<Guest>,
    component: Arc<ComponentContext>,
    limits: Instances,
    stop: Stop,
    entrance: Arc<Semaphore>,
}

/// A request's turn to enter the pool. It ends when an instance has begun the request, or nobody can.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Recipe {
    /// An empty pool of instances of `pre`.
    ///
    /// # Errors
    ///
    /// Occurs when the component does not export `wasi:http/handler@0.3`.
    pub(crate) fn pool(
        engine: &Engine,
        pre: InstancePre<Guest>,
        component: &Arc<ComponentContext>,
        limits: Instances,
        stop: Stop,
    ) -> Result<Pool> {
        let pre = ServicePre::new(pre).map_err(anyhow::Error::from).context("it exports no wasi:http/handler@0.3.0")?;
        let (engine, component) = (engine.clone(), Arc::clone(component));
        let entrance = Arc::new(Semaphore::new(1));
        Ok(ProxyHandler::new(Self { engine, pre: ProxyPre::P3(pre), component, limits, stop, entrance }))
    }

    /// Waits for the turn of one request.
    pub(super) async fn turn(&self) -> Turn {
        // The entrance is never closed.
        Turn { _permit: Arc::clone(&self.entrance).acquire_owned().await.ok() }
    }

    /// The component.
    pub(super) fn component(&self) -> &ComponentContext {
        &self.component
    }
}

impl HandlerState for Recipe {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let mut store = Guest::store(&self.engine, &self.component);
        if self.limits.request_timeout.is_some() {
            // A tick makes a loop that never waits yield, so that its time limit is looked at.
            store.epoch_deadline_async_yield_and_update(1);
        }
        let proxy = self.pre.instantiate_async(&mut store).await?;
        let state = Worker { component: Arc::clone(&self.component), limits: self.limits, stop: self.stop.clone() };
        Ok(Instance { store, proxy, view: Guest::http, expiration: Expiration::new(self.limits), state })
    }
}

/// What the dispatcher asks while an instance lives.
pub(crate) struct Worker {
    component: Arc<ComponentContext>,
    limits: Instances,
    stop: Stop,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Turn;

    fn should_accept_request(&self, concurrent_count: usize, total_count: usize) -> ShouldAccept {
        if total_count >= self.limits.max_reuse_count {
            ShouldAccept::Never
        } else if concurrent_count >= self.limits.max_concurrent_reuse_count {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        turn: Turn,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        drop(turn);
        match self.limits.request_timeout {
            Some(timeout) => Box::pin(tokio::time::sleep(timeout)),
            // Nothing to allocate, nothing to wake.
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, store: Store<Guest>, result: wasmtime::Result<()>) {
        drop(store);
        // The end of the host drops idle instances, which the dispatcher takes for a panic.
        if let Err(error) = result
            && !self.stop.is_requested()
        {
            trap::log(&self.component.id, &error);
        }
    }
}

/// When to let an instance go: after its idle time, or when its request took too long.
pub(crate) struct Expiration {
    limits: Instances,
    /// Fires at the deadline or earlier, made when first needed. It is not moved for every request: an
    /// early one finds out that there is time left and sleeps again.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Expiration {
    fn new(limits: Instances) -> Self {
        Self { limits, sleep: None }
    }

    fn allowance(&self, status: WorkerStatus) -> Option<Duration> {
        match status {
            WorkerStatus::Idle => Some(self.limits.idle_timeout),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.limits.request_timeout,
        }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let Some(allowance) = self.allowance(status) else { return Poll::Pending };
        let deadline = tokio::time::Instant::from_std(start + allowance);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        loop {
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            ready!(sleep.as_mut().poll(context));
            if tokio::time::Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
