//! After the load: vouchers are presented again, and everybody waits until nothing moves any more.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt, stream};
use hongbao_client::Session;
use hongbao_stack::Stack;
use tokio::time::{Instant, sleep};

use crate::books::Books;
use crate::checker::{Told, Verdict};
use crate::crowd::{Crowd, Question, me};
use crate::history::{Kind, Line, Phase};

/// How many questions are asked at a time.
const AT_ONCE: usize = 8;
const PAUSE: Duration = Duration::from_millis(200);
/// How long everything may take to come to rest.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Presents every voucher whose share was opened once more: the same share, or it is on record.
pub(crate) async fn present_again(crowd: &Crowd) -> Result<()> {
    let lines = crowd.history.read()?;
    let opened = lines.iter().filter(|line| line.call == Kind::Open && line.is_granted());
    let vouchers: BTreeMap<_, _> = opened
        .filter_map(|line| Some((line.request["voucher"].as_str()?, (&line.person, line.packet.as_ref()?))))
        .collect();
    let again = vouchers.into_iter().map(|(voucher, (person, packet))| async move {
        crowd.open(Phase::Again, crowd.person(person)?, packet, voucher).await;
        anyhow::Ok(())
    });
    stream::iter(again).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

/// Waits until what people have is what they were told, at most [`LIMIT`], and how long that took.
pub(crate) async fn settle(stack: &Stack, crowd: &Crowd, told: &Told) -> Result<(Verdict, Duration)> {
    let start = Instant::now();
    let books = Books::of(stack).await?;
    loop {
        let end = gather(crowd, told).await?;
        let on_record = books.on_record().await?;
        // A second more: nobody refunds at the very moment of the end.
        let now_ms = crowd.history.unix_ms(crowd.history.now_ms()) - 1_000;
        let verdict = told.check(&end, &on_record, now_ms);
        if verdict.findings.is_empty() || start.elapsed() > LIMIT {
            end.iter().for_each(|line| crowd.history.write(line));
            return Ok((verdict, start.elapsed()));
        }
        sleep(PAUSE).await;
    }
}

/// What everybody has and what every packet says of itself.
async fn gather(crowd: &Crowd, told: &Told) -> Result<Vec<Line>> {
    let wallets = stream::iter(&crowd.people).map(|person| wallet(crowd, person)).buffer_unordered(AT_ONCE);
    let mut lines: Vec<_> = wallets.concat().await;
    let views = told.packets.iter().map(|(id, sent)| async move {
        let path = format!("/v1/packets/{id}");
        let view = Question { phase: Phase::End, call: Kind::Packet, packet: Some(id), path, body: None };
        anyhow::Ok(crowd.once(crowd.person(&sent.sender)?, &view).await.0)
    });
    let views: Vec<_> = stream::iter(views).buffer_unordered(AT_ONCE).collect().await;
    lines.extend(views.into_iter().collect::<Result<Vec<_>>>()?);
    Ok(lines)
}

/// A person's balance and whole statement.
async fn wallet(crowd: &Crowd, person: &Session) -> Vec<Line> {
    let mut lines = vec![crowd.once(person, &me(Phase::End)).await.0];
    let mut before = String::new();
    loop {
        let path = format!("/v1/me/statement?limit=100{before}");
        let page = Question { phase: Phase::End, call: Kind::Statement, packet: None, path, body: None };
        let line = crowd.once(person, &page).await.0;
        let next = line.answer["next"].as_i64();
        lines.push(line);
        let Some(next) = next else { return lines };
        before = format!("&before={next}");
    }
}
