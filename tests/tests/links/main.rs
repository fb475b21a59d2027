//! The connections to Redis and PostgreSQL: with passwords and TLS, behind a pooler, and across a fail-over.

mod access;
mod failover;
mod load;
mod pooler;
mod redis_failover;

/// Runs a command of a Redis server, as its own client.
pub(crate) fn ask(url: &str, words: &[&str]) -> String {
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_connection().expect("Redis answers");
    let mut command = redis::cmd(words[0]);
    words[1..].iter().for_each(|word| _ = command.arg(word));
    let answer: redis::Value = command.query(&mut connection).expect("an answer");
    redis::FromRedisValue::from_redis_value(answer.clone()).unwrap_or_else(|_| format!("{answer:?}"))
}
