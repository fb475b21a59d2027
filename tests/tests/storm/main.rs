//! The storm: several shards, memory instead of Redis, what is refused at the door, and who looks wrong.

mod admission;
mod caches;
mod clocks;
mod farm;
mod full;
mod guesses;
mod hostile;
mod ladder;
mod late;
mod moving;
mod onlookers;
mod refill;
mod retention;
mod risk;
mod shards;
mod site;
