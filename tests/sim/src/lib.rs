//! Deterministic simulation: the real core, Lua, SQL and stages over models of everything else, from one seed.
//!
//! **Invariant:** a run depends on its seed and on nothing else: one thread, virtual time, no other randomness.
//! A seed that fails is replayed exactly by `hongbao-sim --seed N`.
//!
//! **Invariant:** who judges a run (`checker`) shares no code with what ran.

pub mod canary;
pub mod checker;
pub mod database;
pub mod fault;
pub mod guesser;
pub mod hostile;
pub mod http;
pub mod hunt;
pub mod link;
pub mod nemesis;
pub mod people;
pub mod random;
pub mod redis;
pub mod run;
pub mod site;
pub mod swarm;
pub mod world;
