//! The evening itself: people come on time, send, grab, open, and write down what they are told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use hongbao_client::{Client, Failure, Patience, Session};
use hongbao_core::json::Whole;
use hongbao_core::packet::Recipient;
use hongbao_core::wire::WrapRequest;
use hongbao_core::{GroupId, UserId};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::book::{Book, Sent};
use crate::guest;
use crate::plan::{Packet, Plan, To};

/// What a person has to say to a packet with a password.
pub(crate) const PASSWORD: &str = "马到成功";
/// How long people go on asking for an answer: longer than a server needs to start again.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many people log in at once.
const DOORS: usize = 16;

/// An evening: its plan, the people, and the book they write in.
#[derive(Debug)]
pub struct Evening {
    /// What is to happen.
    pub plan: Plan,
    /// The people, by their number in the plan.
    pub people: Vec<Session>,
    /// What each had in the wallet before.
    pub purses_fen: Vec<i64>,
    book: Mutex<Book>,
}

impl Evening {
    /// Logs everybody in. `tag` is in the names of people and groups, so that evenings do not mix.
    ///
    /// # Errors
    /// Occurs when somebody cannot log in.
    pub async fn gather(client: &Client, plan: Plan, tag: &str) -> Result<Self> {
        let arrivals = (0..plan.users).map(|person| {
            let group = plan.group_of(person);
            async move {
                let (user, groups) = (user(tag, person)?, [group_id(tag, group)?]);
                let session = Session::login(client, &user, &groups).await;
                let session = session.with_context(|| format!("person {person} cannot log in"))?;
                let me = session.me().await.with_context(|| format!("person {person} has no wallet"))?;
                anyhow::Ok((session, me.balance_fen.get()))
            }
        });
        let arrived: Vec<_> = stream::iter(arrivals).buffered(DOORS).try_collect().await?;
        let (people, purses_fen) = arrived.into_iter().unzip();
        Ok(Self { plan, people, purses_fen, book: Mutex::default() })
    }

    /// The book.
    ///
    /// It is locked while it is looked at: never across an await.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays the plan to its end. `advance` hears of every packet sent and every guest served.
    pub async fn play(self: &Arc<Self>, advance: impl Fn(u64) + Clone + Send + Sync + 'static) {
        let start = Instant::now();
        let mut senders = JoinSet::new();
        for number in 0..self.plan.packets.len() {
            let (evening, advance) = (Arc::clone(self), advance.clone());
            senders.spawn(async move { evening.send(number, start, &advance).await });
        }
        while let Some(sender) = senders.join_next().await {
            if let Err(error) = sender {
                self.book().contradictions.push(format!("somebody left early: {error}"));
            }
        }
    }

    /// One packet's story, from the wrapping to the last guest.
    async fn send(self: Arc<Self>, number: usize, start: Instant, advance: &(impl Fn(u64) + Sync)) {
        let Some(packet) = self.plan.packets.get(number) else { return };
        sleep_until(start + packet.at).await;
        let sent = self.wrap_and_send(packet).await;
        advance(1);
        let Some(sent) = sent else { return advance(packet.crowd.len() as u64) };
        let visits = packet.crowd.iter().map(|guest| {
            let (evening, sent) = (&self, &sent);
            async move {
                sleep(guest.after).await;
                guest::visit(evening, packet, sent, guest).await;
                advance(1);
            }
        });
        futures::future::join_all(visits).await;
    }

    async fn wrap_and_send(&self, packet: &Packet) -> Option<Sent> {
        let sender = self.people.get(packet.sender)?;
        let wrap = || async {
            let request = self.request(packet, sender).map_err(|error| Failure::Broken(format!("{error:#}")))?;
            sender.wrap(&request).await
        };
        let quote = self.ask(wrap).await?.quote;
        let send = || self.ask(|| sender.send(&quote));
        let answers = match packet.is_sent_twice {
            true => vec![send().await, send().await],
            false => vec![send().await],
        };
        let count = u32::try_from(packet.count).unwrap_or_default();
        let sent = answers.into_iter().flatten().map(|answer| Sent {
            sender: sender.user().clone(),
            total_fen: packet.total_fen,
            count,
            answer,
        });
        let sent: Vec<Sent> = sent.collect();
        sent.iter().for_each(|sent| self.book().sent(sent.clone()));
        sent.into_iter().next()
    }

    fn request(&self, packet: &Packet, sender: &Session) -> Result<WrapRequest> {
        let tag = tag_of(sender.user());
        let to = match packet.to {
            To::Group(group) => Recipient::Group(group_id(tag, group)?),
            To::Person(person) => Recipient::User(user(tag, person)?),
        };
        let starts_at_ms = packet.opens_after.map(|after| {
            let at_ms = now_ms() + i64::try_from(after.as_millis()).unwrap_or_default();
            Whole::new(at_ms).context("a packet opens after the year 9999")
        });
        Ok(WrapRequest {
            kind: packet.kind,
            total_fen: Whole::new(packet.total_fen).context("a packet's total is out of bounds")?,
            count: Whole::new(i64::try_from(packet.count)?).context("a packet's count is out of bounds")?,
            to,
            greeting: Some("恭喜发财，大吉大利".to_owned()),
            cover: None,
            password: packet.has_password.then(|| PASSWORD.to_owned()),
            starts_at_ms: starts_at_ms.transpose()?,
            expires_in_s: Some(Whole::new(packet.lives_s).context("a packet's life is out of bounds")?),
        })
    }

    /// Asks until the answer stands, and writes down a refusal.
    pub(crate) async fn ask<T, F>(&self, call: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let (answer, asked) = Patience::of(PATIENCE).ask(call).await;
        let mut book = self.book();
        book.asked_again += u64::from(asked.saturating_sub(1));
        match answer {
            Ok(answer) => return Some(answer),
            Err(Failure::Refused(refusal)) if refusal.status < 500 => book.refused(&refusal.code),
            Err(failure) => book.contradictions.push(format!("asked {asked} times: {failure}")),
        }
        None
    }
}

fn user(tag: &str, person: usize) -> Result<UserId> {
    UserId::parse(&format!("us_{tag}-{person}")).context("the tag does not fit into a user's id")
}

fn group_id(tag: &str, group: usize) -> Result<GroupId> {
    GroupId::parse(&format!("g_{tag}-{group}")).context("the tag does not fit into a group's id")
}

fn tag_of(user: &UserId) -> &str {
    let name = user.as_str().trim_start_matches(UserId::PREFIX);
    name.rsplit_once('-').map_or(name, |(tag, _)| tag)
}

/// Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
