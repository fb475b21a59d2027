//! The Redis trigger: one connection and one task for each channel.
//!
//! A message makes a fresh instance, and the next message waits for it. Pub/Sub itself keeps nothing: what
//! is published while the subscriber is away is lost, here as in Spin, and the application must not rely
//! on it. Unlike Spin, losing Redis ends neither the trigger nor the host: the subscriber comes back, and it leaves a
//! server that another one has replaced.
//!
//! **Invariant:** at most [`QUEUE_LIMIT`] messages wait. Beyond that new ones are dropped, never the
//! waiting ones: whatever a dropped doorbell announced, some later call will still look for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, Value};
use tokio::sync::mpsc;
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::guest::{ComponentContext, Guest};
use crate::interfaces::bindings::PlatformPre;
use crate::interfaces::bindings::exports::spin::redis::inbound_redis::Error;
use crate::manifest::RedisTrigger;
use crate::stop::Stop;
use crate::trap;

/// How many messages may wait for the one being handled.
const QUEUE_LIMIT: usize = 1024;
/// The first pause after a lost connection. It doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked at whether the connection works, and whether the address still leads where it leads.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long Redis may take to answer, before its connection counts as lost.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A subscription and the component behind it.
pub(crate) struct Subscriber {
    trigger: RedisTrigger,
    client: Client,
    engine: Engine,
    pre: PlatformPre<Guest>,
    component: Arc<ComponentContext>,
    timeout: Option<Duration>,
}

/// A connection that listens, and the server process that its address led to before it was made.
struct Subscription {
    sink: PubSubSink,
    messages: PubSubStream,
    run_id: Option<String>,
}

impl Subscriber {
    /// Checks the trigger; connects to nothing yet.
    ///
    /// # Errors
    ///
    /// Occurs when the address is not one of Redis, or the component does not export
    /// `spin:redis/inbound-redis`.
    pub(crate) fn new(
        trigger: RedisTrigger,
        engine: &Engine,
        pre: InstancePre<Guest>,
        component: &Arc<ComponentContext>,
        timeout: Option<Duration>,
    ) -> Result<Self> {
        let client = Client::open(trigger.address.as_str()).context("the Redis trigger's address")?;
        let pre = PlatformPre::new(pre)
            .map_err(anyhow::Error::from)
            .context("it exports no spin:redis/inbound-redis@3.0.0")?;
        let (engine, component) = (engine.clone(), Arc::clone(component));
        Ok(Self { trigger, client, engine, pre, component, timeout })
    }

    /// Listens until `stop`, then finishes the message in hand.
    pub(crate) async fn run(self, stop: Stop) {
        let (sender, receiver) = mpsc::channel(QUEUE_LIMIT);
        let mut stop_listening = stop.clone();
        let listening = async {
            tokio::select! {
                () = self.listen(sender) => {}
                () = stop_listening.requested() => {}
            }
        };
        futures::join!(listening, self.handle_all(receiver, stop));
    }

    /// Keeps a subscription alive and queues what arrives. Never returns.
    async fn listen(&self, queue: mpsc::Sender<Vec<u8>>) {
        let mut pause = FIRST_PAUSE;
        loop {
            match tokio::time::timeout(ANSWER_LIMIT, self.subscribe()).await {
                Ok(Ok(subscription)) => {
                    tracing::info!(component = self.component.id, channel = self.trigger.channel, "subscribed");
                    pause = FIRST_PAUSE;
                    self.enqueue(subscription, &queue).await;
                    tracing::warn!(channel = self.trigger.channel, "lost the Redis subscription");
                }
                Ok(Err(error)) => tracing::warn!(channel = self.trigger.channel, "cannot subscribe: {error}"),
                Err(_) => tracing::warn!(channel = self.trigger.channel, "cannot subscribe: no answer"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn subscribe(&self) -> redis::RedisResult<Subscription> {
        let run_id = self.run_id().await;
        let (mut sink, messages) = self.client.get_async_pubsub().await?.split();
        sink.subscribe(&self.trigger.channel).await?;
        Ok(Subscription { sink, messages, run_id })
    }

    /// The server process that the address leads to now, which a connection for subscriptions cannot ask for.
    async fn run_id(&self) -> Option<String> {
        let asked = async {
            let mut connection = self.client.get_multiplexed_async_connection().await?;
            redis::cmd("INFO").arg("server").query_async::<String>(&mut connection).await
        };
        let info = tokio::time::timeout(ANSWER_LIMIT, asked).await.ok()?.ok()?;
        info.lines().find_map(|line| Some(line.strip_prefix("run_id:")?.trim().to_owned()))
    }

    /// Queues what arrives until the connection is lost, Redis no longer answers on it, or another server has taken the
    /// address over.
    async fn enqueue(&self, subscription: Subscription, queue: &mpsc::Sender<Vec<u8>>) {
        let Subscription { mut sink, mut messages, run_id } = subscription;
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                message = messages.next() => {
                    let Some(message) = message else { return };
                    if queue.try_send(message.get_payload_bytes().to_vec()).is_err() {
                        tracing::warn!(component = self.component.id, "{QUEUE_LIMIT} messages wait, dropping one");
                    }
                }
                _ = look.tick() => {
                    // A server that vanished without closing the connection would never be missed.
                    let pong = tokio::time::timeout(ANSWER_LIMIT, sink.ping::<Value>()).await;
                    // The id was asked for before the subscription: if the server changed in between, it differs.
                    let now = self.run_id().await;
                    if !matches!(pong, Ok(Ok(_))) || now.is_some() && now != run_id {
                        return;
                    }
                }
            }
        }
    }

    /// Handles what is queued, one message after the other.
    async fn handle_all(&self, mut queue: mpsc::Receiver<Vec<u8>>, mut stop: Stop) {
        loop {
            let message = tokio::select! {
                biased;
                () = stop.requested() => return,
                message = queue.recv() => message,
            };
            let Some(message) = message else { return };
            // No limit is a limit that is never reached.
            let timeout = self.timeout.unwrap_or(Duration::MAX);
            if tokio::time::timeout(timeout, self.handle(message)).await.is_err() {
                tracing::error!(component = self.component.id, "message took too long");
            }
        }
    }

    async fn handle(&self, message: Vec<u8>) {
        match self.call(message).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(component = self.component.id, "message failed: {error:?}")
            }
            Err(error) => trap::log(&self.component.id, &error),
        }
    }

    /// Calls a fresh instance. The outer error is a trap, the inner one the component's own.
    async fn call(&self, message: Vec<u8>) -> wasmtime::Result<Result<(), Error>> {
        let mut store = Guest::store(&self.engine, &self.component);
        if self.timeout.is_some() {
            store.epoch_deadline_async_yield_and_update(1);
        }
        let instance = self.pre.instantiate_async(&mut store).await?;
        let handler = instance.spin_redis_inbound_redis();
        store.run_concurrent(async |accessor| handler.call_handle_message(accessor, message).await).await?
    }
}
