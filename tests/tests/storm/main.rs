//! The storm: several shards, memory instead of Redis, what is refused at the door, and who looks wrong.

mod admission;
mod caches;
mod farm;
mod ladder;
mod moving;
mod risk;
mod shards;
mod site;
