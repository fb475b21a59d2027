//! The HTTP trigger: a server, its routes, and per component a pool of reused instances.

mod answer;
mod pace;
mod pool;
mod request_body;
mod routes;
mod server;
mod service;

pub(crate) use pool::{Pool, Recipe};
pub(crate) use routes::Routes;
pub(crate) use server::{Server, serve};
pub(crate) use service::Service;
