//! The people: each call is made, timed and written down; what has no answer that stands is asked again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::{StreamExt, TryStreamExt, stream};
use hongbao_client::{Client, Failure, Method, Patience, Session};
use hongbao_core::{GroupId, UserId};
use serde_json::{Value, json};

use crate::history::{History, Kind, Line, Phase};

/// How long a person goes on asking: longer than any drill breaks anything for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many people come through the door at once.
const DOORS: usize = 8;
const GROUP: &str = "g_drill";

/// Everybody, and the history they write.
pub(crate) struct Crowd {
    pub(crate) people: Vec<Session>,
    pub(crate) history: Arc<History>,
}

/// A call to be made.
pub(crate) struct Question<'a> {
    pub(crate) phase: Phase,
    pub(crate) call: Kind,
    pub(crate) packet: Option<&'a str>,
    pub(crate) path: String,
    /// None is a GET.
    pub(crate) body: Option<Value>,
}

impl Crowd {
    /// Logs `size` people in and has each look into the wallet.
    pub(crate) async fn gather(base_url: &str, size: usize, history: Arc<History>) -> Result<Self> {
        let client = Client::new(base_url);
        let group = GroupId::parse(GROUP).context("a malformed group")?;
        let arrivals = (0..size).map(|number| {
            let (client, group) = (&client, group.clone());
            async move {
                let user = UserId::parse(&format!("us_drill-{number}")).context("a malformed user")?;
                let arrived =
                    Patience::of(PATIENCE).ask(|| Session::login(client, &user, std::slice::from_ref(&group)));
                anyhow::Ok(arrived.await.0?)
            }
        });
        let people = stream::iter(arrivals).buffered(DOORS).try_collect().await?;
        let crowd = Self { people, history };
        for person in &crowd.people {
            let purse = crowd.ask(person, &me(Phase::Arrival)).await;
            purse.with_context(|| format!("{} has no wallet", person.user()))?;
        }
        Ok(crowd)
    }

    /// Sends a packet to everybody; its id.
    pub(crate) async fn send(&self, phase: Phase, sender: &Session, draft: Value) -> Option<String> {
        let wrapped = self.ask(sender, &wrap(phase, draft)).await?;
        let body = Some(json!({"quote": wrapped["quote"]}));
        let send = Question { phase, call: Kind::Send, packet: None, path: "/v1/send".into(), body };
        Some(self.ask(sender, &send).await?["packet_id"].as_str()?.to_owned())
    }

    /// Grabs a share; its voucher.
    pub(crate) async fn grab(&self, person: &Session, packet: &str) -> Option<String> {
        let path = format!("/v1/packets/{packet}/grab");
        let body = Some(json!({}));
        let grab = Question { phase: Phase::Load, call: Kind::Grab, packet: Some(packet), path, body };
        Some(self.ask(person, &grab).await?["voucher"].as_str()?.to_owned())
    }

    /// Presents a voucher.
    pub(crate) async fn open(&self, phase: Phase, person: &Session, packet: &str, voucher: &str) -> Option<Value> {
        let path = format!("/v1/packets/{packet}/open");
        let body = Some(json!({"voucher": voucher}));
        self.ask(person, &Question { phase, call: Kind::Open, packet: Some(packet), path, body }).await
    }

    /// Asks until the answer stands; what was granted.
    pub(crate) async fn ask(&self, person: &Session, question: &Question<'_>) -> Option<Value> {
        let once = || async {
            let line = self.once(person, question).await;
            self.history.write(&line.0);
            // Whoever is told that a packet opens later goes away.
            let is_later = |failure: &Failure| failure.code() == "not_started";
            if line.1.as_ref().is_err_and(is_later) { Ok(None) } else { line.1.map(Some) }
        };
        Patience::of(PATIENCE).ask(once).await.0.ok().flatten()
    }

    /// Asks once. The line is not written yet.
    pub(crate) async fn once(&self, person: &Session, question: &Question<'_>) -> (Line, Result<Value, Failure>) {
        let at_ms = self.history.now_ms();
        let call = match &question.body {
            Some(body) => person.call(Method::POST, &question.path).json(body),
            None => person.call(Method::GET, &question.path),
        };
        let told = call.send().await;
        let (failure, outcome) = match &told {
            Ok(answer) => (None, answer.decode()),
            Err(failure) => (Some(failure.to_string()), Err(failure.clone())),
        };
        let answer = told.as_ref().ok();
        let line = Line {
            phase: question.phase,
            at_ms,
            took_ms: self.history.now_ms() - at_ms,
            person: person.user().to_string(),
            call: question.call,
            packet: question.packet.map(str::to_owned),
            request: question.body.clone().unwrap_or_default(),
            status: answer.map_or(0, |answer| answer.status.as_u16()),
            has_retry_after: answer.is_some_and(|answer| answer.header("retry-after").is_some()),
            answer: answer.map(hongbao_client::Answer::json).unwrap_or_default(),
            failure,
        };
        (line, outcome)
    }

    /// Who has this id.
    pub(crate) fn person(&self, id: &str) -> Result<&Session> {
        self.people.iter().find(|person| person.user().as_str() == id).ok_or_else(|| anyhow!("{id} is a stranger"))
    }
}

/// A look into one's own wallet.
pub(crate) fn me(phase: Phase) -> Question<'static> {
    Question { phase, call: Kind::Me, packet: None, path: "/v1/me".into(), body: None }
}

/// The wrapping of a packet, which changes nothing.
pub(crate) fn wrap(phase: Phase, draft: Value) -> Question<'static> {
    Question { phase, call: Kind::Wrap, packet: None, path: "/v1/wrap".into(), body: Some(draft) }
}

/// A lucky packet for everybody.
pub(crate) fn draft(total_fen: u64, count: usize, lives_s: u64) -> Value {
    json!({"kind": "lucky", "total_fen": total_fen, "count": count, "to": {"group": GROUP}, "expires_in_s": lives_s})
}
