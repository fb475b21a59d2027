//! Spin's interfaces, one file each, and the bindings generated from their WIT.
//!
//! **Invariant:** every function here goes through [`ComponentContext::call`], the seam for tests, and
//! none blocks an async thread.
//!
//! [`ComponentContext::call`]: crate::guest::ComponentContext::call

use std::sync::Arc;

use wasmtime::component::{Accessor, HasSelf, Linker, Resource};

use crate::guest::{ComponentContext, Guest};

pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod sqlite;
mod variables;

/// Generated from the WIT inside the `spin-sdk` package: see `build.rs`.
pub(crate) mod bindings {
    #![allow(missing_docs, reason = "generated")]
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}

/// Adds all of this module's interfaces.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings::spin::postgres::postgres::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    bindings::spin::redis::redis::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    bindings::spin::sqlite::sqlite::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    bindings::spin::variables::variables::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

/// The component that runs behind `accessor`.
fn component<T: Send>(accessor: &Accessor<T, HasSelf<Guest>>) -> Arc<ComponentContext> {
    accessor.with(|mut access| Arc::clone(&access.get().component))
}

/// The component and a clone of one of its resources.
fn with_resource<T: Send, R: Clone + Send + 'static>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    resource: &Resource<R>,
) -> wasmtime::Result<(Arc<ComponentContext>, R)> {
    accessor.with(|mut access| {
        let guest = access.get();
        let found = guest.table.get(resource)?.clone();
        Ok((Arc::clone(&guest.component), found))
    })
}

/// Hands a new resource to the instance.
fn push<T: Send, R: Send + 'static>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    resource: R,
) -> wasmtime::Result<Resource<R>> {
    accessor.with(|mut access| Ok(access.get().table.push(resource)?))
}
