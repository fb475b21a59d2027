//! One guest of one packet, with a habit.

use std::time::Duration;

use hongbao_client::{Failure, Session};
use hongbao_core::PacketId;
use hongbao_core::wire::{GrabAnswer, OpenAnswer};
use tokio::time::{sleep, timeout};

use crate::book::Sent;
use crate::evening::{Evening, PASSWORD, now_ms};
use crate::plan::{Guest, Habit, Packet};

/// So soon does a person hang up who hangs up: before most answers.
const HANGS_UP_AFTER: Duration = Duration::from_millis(3);
/// How long after a packet's end a late guest tries.
const TOO_LATE_BY_MS: i64 = 200;

/// The guest comes, grabs, opens, and writes down the answers.
pub(crate) async fn visit(evening: &Evening, packet: &Packet, sent: &Sent, guest: &Guest) {
    let Some(person) = evening.people.get(guest.who) else { return };
    let visit = Visit { evening, person, id: sent.answer.packet_id, packet, habit: guest.habit };
    let Some(grabbed) = visit.grab().await else { return };
    match guest.habit {
        Habit::Abandons => {}
        Habit::OpensTooLate => visit.open_too_late(&grabbed.voucher, sent.answer.expires_at_ms).await,
        Habit::Opens | Habit::DoubleTaps | Habit::HangsUp | Habit::Mistypes => {
            sleep(guest.looks_for).await;
            visit.open(&grabbed.voucher).await;
        }
    }
}

struct Visit<'a> {
    evening: &'a Evening,
    person: &'a Session,
    id: PacketId,
    packet: &'a Packet,
    habit: Habit,
}

impl Visit<'_> {
    async fn grab(&self) -> Option<GrabAnswer> {
        let password = self.packet.has_password.then_some(PASSWORD);
        if self.habit == Habit::Mistypes {
            self.mistype().await;
        }
        let answers = self.with_habit(|| self.person.grab(self.id, password)).await;
        answers.iter().for_each(|answer| self.evening.book().grabbed(self.person.user(), answer));
        if answers.iter().any(|answer| Some(answer.seq) != answers.first().map(|first| first.seq)) {
            self.contradict("one person has two shares");
        }
        answers.into_iter().next()
    }

    async fn mistype(&self) {
        if self.packet.has_password && self.evening.ask(|| self.person.grab(self.id, Some("恭喜"))).await.is_some() {
            self.contradict("a wrong password was taken");
        }
    }

    async fn open(&self, voucher: &str) -> Option<OpenAnswer> {
        let answers = self.with_habit(|| self.person.open(self.id, voucher)).await;
        answers.iter().for_each(|answer| self.evening.book().opened(self.person.user(), answer));
        answers.into_iter().next()
    }

    async fn open_too_late(&self, voucher: &str, expires_at_ms: i64) {
        let left_ms = expires_at_ms + TOO_LATE_BY_MS - now_ms();
        sleep(Duration::from_millis(u64::try_from(left_ms).unwrap_or_default())).await;
        if self.open(voucher).await.is_some() {
            self.contradict("a share was opened after the packet's end");
        }
    }

    /// The answers to a call made the way this person does it.
    async fn with_habit<T, F>(&self, call: impl Fn() -> F) -> Vec<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        match self.habit {
            Habit::DoubleTaps => {
                let (first, second) = tokio::join!(self.evening.ask(&call), self.evening.ask(&call));
                first.into_iter().chain(second).collect()
            }
            Habit::HangsUp => {
                let heard = timeout(HANGS_UP_AFTER, call()).await.ok().and_then(Result::ok);
                heard.into_iter().chain(self.evening.ask(&call).await).collect()
            }
            _ => self.evening.ask(&call).await.into_iter().collect(),
        }
    }

    fn contradict(&self, what: &str) {
        self.evening.book().contradictions.push(format!("{}, {}: {what}", self.id, self.person.user()));
    }
}
